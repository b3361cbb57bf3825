"""Makes a new run from a stored one and corrected labels: the answers stay, and everything is scored and judged again.

The stored run is not touched. Answers of classification tasks hold the probability of every label, so no model is run.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from harness.commands.stored_runs.stored_suite import suite_of
from harness.comparisons.label_errors import label_log_probabilities
from harness.core.digests import bytes_digest, digest, short
from harness.core.errors import DataError, Where, unknown
from harness.core.records import STAT_PREFIX, Records
from harness.core.reporter import Reporter
from harness.evaluations.label_stats import label_margin, label_stats
from harness.pipeline.results.gate_verdicts import verdicts, wanted_pairs
from harness.pipeline.results.record_counts import record_counts
from harness.pipeline.results.scoring import ScoringContext, ScoringSpec, score
from harness.schema.results.inputs import EvaluationResult
from harness.schema.results.results_file import Results
from harness.schema.run_info import Relabeled
from harness.storage import plain_files, run_folders
from harness.storage.blessed_runs import seal_digest
from harness.storage.delimited_rows import delimited_rows, find_delimiter, with_header
from harness.storage.items_file import write_items
from harness.storage.records_file import write_records
from harness.storage.run_dir import RunDir

if TYPE_CHECKING:
    from harness.suite.suite import Suite

KIND = "classification"
COLUMNS = ("item_id", "new_label")

Fixes = dict[str, dict[str, str]]
"""Evaluation → item id → its new label."""


@dataclass(frozen=True)
class RelabeledRun:
    """What was made.

    Attributes:
        changes: what the relabeling changed, in sentences.
    """

    run: RunDir
    results: Results
    changes: list[str]


def relabel(run: RunDir, file: Path, out: Path, command: Sequence[str], reporter: Reporter) -> RelabeledRun:
    """Writes a new run with the corrected labels.

    Args:
        out: folder for run directories.
        command: what was typed, for run.json.

    Raises:
        DataError: for a run that was changed, a malformed file, an unknown item or label, or when no label changes.
    """
    from harness.suite.unjudged_gates import RELABELED, without_changed

    results, info = run.read_results(), run.read_info()
    content = _bytes(file)
    fixes = _fixes(run, results, content, file)
    source = Relabeled(
        run=run.path.name,
        seal=seal_digest(run),
        fixes=file.name,
        digest=bytes_digest(content),
        labels={name: len(labels) for name, labels in fixes.items()},
    )
    suite = without_changed(suite_of(run, None), {}, None, [RELABELED])
    identity = digest({"relabeled": source.model_dump()})
    with run_folders.claim(out, results.suite, identity, resume=False) as (made, _):
        for part in ("records", "items", "training", "audits"):
            if (run.path / part).is_dir():
                shutil.copytree(run.path / part, made.path / part)
        for name, labels in fixes.items():
            _rewrite(made, name, labels)
        fresh = _judged(made, suite, results, fixes, reporter)
        changes = [*_changes(results, fresh, source), *_stale(suite, fixes)]
        fresh = fresh.model_copy(update={"notes": [*results.notes, *changes]})
        now = run_folders.now()
        moved = {"run_id": made.path.name, "command": list(command), "started": now, "finished": now}
        made.write(fresh, info.model_copy(update={**moved, "relabeled": source, "attempts": 1, "lock": None}))
    return RelabeledRun(made, fresh, changes)


def _bytes(file: Path) -> bytes:
    try:
        return plain_files.read_bytes(file)
    except FileNotFoundError as error:
        raise DataError("no such file.", where=Where(file), hint="make one: harness items RUN --csv > FILE.") from error


def _fixes(run: RunDir, results: Results, content: bytes, file: Path) -> Fixes:
    """The labels that differ from those of the run, row by row of the file."""
    known = {entry.name: entry for entry in results.evaluations if entry.kind == KIND and entry.protocols}
    if not known:
        raise DataError("the run has no classification task, whose labels could be corrected.", where=Where(run.path))
    targets = {name: _targets(run, entry) for name, entry in known.items()}
    fixes: Fixes = {}
    for line, cells in _rows(content, file):
        label = cells["new_label"].strip()
        if not label:
            continue
        where = Where(file, line)
        name = cells.get("evaluation") or (next(iter(known)) if len(known) == 1 else "")
        if name not in known:
            raise DataError(unknown("classification task", name, known), where=where)
        item = cells["item_id"].strip()
        if item not in targets[name]:
            raise DataError(
                f"the run has no item {item!r} in {name}.", where=where, hint="list its items: harness items RUN --csv."
            )
        if label not in known[name].labels:
            raise DataError(unknown("label", label, known[name].labels), where=where)
        if fixes.setdefault(name, {}).setdefault(item, label) != label:
            raise DataError(f"the item {item!r} has two new labels.", where=where, hint="keep one of them.")
    changed = {
        name: own
        for name, labels in fixes.items()
        if (own := {item: label for item, label in labels.items() if targets[name][item] != label})
    }
    if not changed:
        raise DataError(
            "no new label differs from the run's own.",
            where=Where(file),
            hint="fill the column new_label of the items to correct.",
        )
    return changed


def _targets(run: RunDir, evaluation: EvaluationResult) -> dict[str, str | None]:
    targets: dict[str, str | None] = {}
    for model in evaluation.protocols:
        records = run.records(evaluation.name, model)
        targets |= dict(zip(records.item_ids, records.texts("target"), strict=True))
    return targets


def _rows(content: bytes, file: Path) -> list[tuple[int, dict[str, str]]]:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(f"the file is not UTF-8: {error.reason}.", where=Where(file)) from error
    plain = text.replace("\r\n", "\n")
    rows = list(with_header(delimited_rows(plain, str(file), find_delimiter(plain, str(file)).character), str(file)))
    header = list(rows[0][1]) if rows else []
    if not set(COLUMNS) <= set(header):
        raise DataError(
            f"expected rows with the columns {', '.join(COLUMNS)}, found {', '.join(header) or 'none'}.",
            where=Where(file, 1),
            hint="make the file with `harness items RUN --csv`.",
        )
    return rows


def _rewrite(run: RunDir, evaluation: str, labels: Mapping[str, str]) -> None:
    """Gives the items of an evaluation their new labels, in its items and in the records of every model and seed."""
    path = run.items_path(evaluation)
    if path.is_file():
        items = [replace(item, target=labels.get(item.id, item.target)) for item in run.read_items(evaluation)]
        write_items(path, items)
    for model in run.models(evaluation):
        first, *further = run.replicates(evaluation, model)
        write_records(run.records_path(evaluation, model), _relabeled(first, labels))
        for records in further:
            write_records(run.replicate_path(evaluation, model, records.head.seed), _relabeled(records, labels))


def _relabeled(records: Records, labels: Mapping[str, str]) -> Records:
    import pyarrow as pa

    rows = records.table.to_pylist()
    for row in rows:
        label = labels.get(row["item_id"])
        if label is None:
            continue
        row["item_digest"] = digest({"relabeled": row["item_digest"], "label": label})
        log_p = label_log_probabilities(json.loads(row["response"]))
        if row["status"] == "ok":
            if label not in log_p:
                raise DataError(
                    f"the answers of {records.head.evaluation} hold no probability of {label!r}, so they cannot be "
                    "scored again.",
                    hint="correct the labels in the data, and rerun the suite.",
                )
            row["margin"] = label_margin(log_p, label)
            stats = label_stats(log_p, row["prediction"], label)
            row |= {f"{STAT_PREFIX}{name}": value for name, value in stats.items()}
        row["target"] = label
    return Records(records.head, pa.Table.from_pylist(rows, schema=records.table.schema))


def _judged(run: RunDir, suite: Suite, old: Results, fixes: Fixes, reporter: Reporter) -> Results:
    from harness.gates.alpha_levels import alpha_levels, is_sequential
    from harness.gates.overall_verdict import overall
    from harness.metrics.hf_evaluate import left_out_note

    evaluations = [_recounted(run, entry) if entry.name in fixes else entry for entry in old.evaluations]
    note = left_out_note(evaluations, "`harness relabel`")
    if note is not None:
        reporter.warn(note)
    context = ScoringContext(
        alphas=lambda metric: alpha_levels(suite.gates, metric),
        anytime=lambda metric: is_sequential(suite.gates, metric),
        seed=old.seed,
        reporter=reporter,
    )
    scores = score(run, [ScoringSpec.of(entry) for entry in evaluations], wanted_pairs(suite, evaluations), context)
    today = datetime.now(UTC).date()
    gates = verdicts(run, suite, scores.metrics, scores.comparisons, evaluations, today=today) if suite.gates else []
    return old.model_copy(
        update={
            "evaluations": evaluations,
            "metrics": scores.metrics,
            "comparisons": scores.comparisons,
            "flips": scores.flips,
            "tables": scores.tables,
            "gates": gates,
            "series": [],
            "selftest": None,
            "verdict": overall(gates, evaluations),
        }
    )


def _recounted(run: RunDir, evaluation: EvaluationResult) -> EvaluationResult:
    records = {model: run.records(evaluation.name, model) for model in evaluation.protocols}
    targets = next(iter(records.values())).texts("target")
    balance = {label: targets.count(label) for label in evaluation.labels} if evaluation.balance else {}
    counts = {model: record_counts(own) for model, own in records.items()}
    return evaluation.model_copy(update={"balance": balance, "counts": counts})


def _changes(old: Results, new: Results, source: Relabeled) -> list[str]:
    """What the relabeling changed: labels, the released models' leading figures, and verdicts."""
    labels = ", ".join(f"{count} of {name}" for name, count in source.labels.items())
    lines = [f"Relabeled from run {source.run} by {source.fixes} ({short(source.digest)}…): labels changed: {labels}."]
    before = {(row.id, row.model): row.interval.value for row in old.metrics if row.slice is None}
    shown = {*new.release, *(entry.baseline for entry in new.evaluations)}
    for row in new.metrics:
        earlier = before.get((row.id, row.model))
        moved = row.slice is None and row.model in shown and row.evaluation in source.labels
        if moved and earlier != row.interval.value:
            lines.append(f"{row.id} of {row.model}: {_number(earlier)} → {_number(row.interval.value)}.")
    verdicts_before = {(gate.id, gate.model, gate.slice): gate.verdict for gate in old.gates}
    for gate in new.gates:
        verdict = verdicts_before.get((gate.id, gate.model, gate.slice))
        if verdict is not None and verdict != gate.verdict:
            lines.append(f"gate {gate.id}: {verdict} → {gate.verdict}.")
    return lines


def _number(value: float | None) -> str:
    return "none" if value is None else f"{value:.4g}"


def _stale(suite: Suite, fixes: Fixes) -> list[str]:
    """Probes that stand on a relabeled task: their records know the earlier labels."""
    return [
        f"{name} reads {spec.options.task_name}, and its records keep the earlier labels; rerun the suite on "
        "corrected data to renew them."
        for name, spec in suite.probes.items()
        if spec.options.task_name in fixes
    ]

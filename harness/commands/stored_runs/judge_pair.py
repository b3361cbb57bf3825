"""Judges two stored runs by a suite's gates: the second run's models against their partners of the first one."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from harness.commands.stored_runs.compare_runs import matched_pairs, require_one_protocol
from harness.commands.stored_runs.stored_suite import suite_of
from harness.core.errors import DataError, SuiteError, Where
from harness.core.reporter import Reporter
from harness.pipeline.results.gate_verdicts import verdicts, wanted_pairs
from harness.pipeline.results.scoring import ScoringContext, ScoringSpec, score
from harness.schema.results.inputs import EvaluationResult
from harness.schema.results.results_file import Results
from harness.schema.results.verdicts import GateResult
from harness.storage.run_dir import RunDir

if TYPE_CHECKING:
    from harness.suite.suite import Suite


def judge_pair(
    first: RunDir,
    second: RunDir,
    pairs: Sequence[tuple[str, str]],
    suite_name: str,
    reporter: Reporter,
    *,
    allow_protocol_difference: bool = False,
) -> Results:
    """The second run's results with the verdicts of a suite's gates, whose baseline is the first run.

    Args:
        pairs: (model of the first run, model of the second); when empty, the suite's released models, each against
            the model of its name.

    Raises:
        SuiteError: when the suite has no gates.
        DataError: when no released model has a partner, or the runs asked differently.
    """
    from harness.gates.overall_verdict import overall

    suite = _held(suite_of(second, suite_name))
    if not suite.gates:
        raise SuiteError("no gates: nothing was judged.", where=Where(suite.path), hint="add a gate (docs/gates.md).")
    old, new = first.read_results(), second.read_results()
    released = _released(suite, pairs, matched_pairs(pairs, old, new, first, second), second)
    if not allow_protocol_difference:
        shared = {entry.name for entry in old.evaluations} & {entry.name for entry in new.evaluations}
        require_one_protocol(first, second, sorted(shared), released)
    gates: dict[tuple[str, str | None, str | None], GateResult] = {}
    results = new
    for before, after in released:
        with tempfile.TemporaryDirectory(prefix="harness-compare-") as folder:
            both = RunDir(Path(folder))
            shutil.copytree(second.path / "records", both.path / "records")
            baseline = f"{before}@{first.path.name}"
            evaluations = [_joined(entry, first, old, before, baseline, both) for entry in new.evaluations]
            results = _judged(both, suite, new, evaluations, (baseline, after), reporter)
        gates |= {(gate.id, gate.model, gate.slice): gate for gate in results.gates}
    judged = list(gates.values())
    return results.model_copy(update={"gates": judged, "verdict": overall(judged, results.evaluations)})


def _held(suite: Suite) -> Suite:
    """The suite without the gates of policies that judge against another baseline than the first run."""
    from harness.suite.unjudged_gates import without_changed

    compares = any((policy.sections.require.get("compare") or {}).get("baseline") for policy in suite.policies)
    other = "`harness compare` takes another baseline than the policy requires"
    return without_changed(suite, {}, None, [other]) if compares else suite


def _released(
    suite: Suite, asked: Sequence[tuple[str, str]], matched: Sequence[tuple[str, str]], second: RunDir
) -> list[tuple[str, str]]:
    released = list(matched) if asked else [pair for pair in matched if pair[1] in suite.release]
    if not released:
        raise DataError(
            f"none of the models that the suite releases ({', '.join(suite.release)}) is in both runs.",
            where=Where(second.path),
            hint="choose the models to compare: --model A=B.",
        )
    return released


def _joined(
    evaluation: EvaluationResult, first: RunDir, old: Results, model: str, name: str, both: RunDir
) -> EvaluationResult:
    """An evaluation of the second run, in which the first run's model answers under a name of its own."""
    known = next((entry for entry in old.evaluations if entry.name == evaluation.name), None)
    if known is None or model not in known.protocols:
        return evaluation.model_copy(update={"baseline": name, "baseline_reason": None})
    _copy(first.records_path(evaluation.name, model), both.records_path(evaluation.name, name))
    for further in first.replicates(evaluation.name, model)[1:]:
        seed = further.head.seed
        _copy(first.replicate_path(evaluation.name, model, seed), both.replicate_path(evaluation.name, name, seed))
    moved = {
        field: {**getattr(evaluation, field), name: getattr(known, field)[model]}
        for field in ("protocols", "protocol_digests", "coverage", "counts", "slice_counts", "seeds")
        if model in getattr(known, field)
    }
    return evaluation.model_copy(update={**moved, "baseline": name, "baseline_reason": None})


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)


def _judged(
    run: RunDir,
    suite: Suite,
    new: Results,
    evaluations: list[EvaluationResult],
    pair: tuple[str, str],
    reporter: Reporter,
) -> Results:
    from harness.gates.alpha_levels import alpha_levels, is_sequential

    baseline, candidate = pair
    compare = suite.compare.model_copy(update={"baseline": baseline, "base_variants": [], "pairs": []})
    there = {model.name for model in new.models}
    judged = replace(
        suite,
        compare=compare,
        candidates=(candidate,),
        release=(candidate,),
        series={},
        implied={name: task for name, task in suite.implied.items() if name in there},
    )
    context = ScoringContext(
        alphas=lambda metric: alpha_levels(judged.gates, metric),
        anytime=lambda metric: is_sequential(judged.gates, metric),
        seed=new.seed,
        reporter=reporter,
    )
    specs = [ScoringSpec.of(evaluation) for evaluation in evaluations]
    scores = score(run, specs, wanted_pairs(judged, evaluations), context)
    today = datetime.now(UTC).date()
    return new.model_copy(
        update={
            "baseline": baseline,
            "candidates": [candidate],
            "release": [candidate],
            "evaluations": evaluations,
            "metrics": scores.metrics,
            "comparisons": scores.comparisons,
            "flips": scores.flips,
            "policies": [policy.result for policy in judged.policies],
            "gates": verdicts(run, judged, scores.metrics, scores.comparisons, evaluations, today=today),
        }
    )

"""Explains verdicts of a stored run: the gate's reasons, and the items that changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from harness.commands.stored_runs.rejudge import judge_again
from harness.commands.stored_runs.stored_suite import suite_of
from harness.core.errors import DataError, SuiteError, Where, unknown
from harness.core.reporter import Reporter
from harness.pipeline.results.gate_verdicts import gate_traces
from harness.storage.run_dir import RunDir

if TYPE_CHECKING:
    from harness.comparisons.flips import MovedItem
    from harness.gates.explanation import Explanation
    from harness.gates.trace import GateTrace

SHOWN = 3


@dataclass(frozen=True, slots=True)
class Moved:
    """An item behind a verdict: what it says, and what both models answered."""

    kind: str
    item_id: str
    text: str
    target: str | None
    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True)
class Explained:
    """An explanation with the items that were broken and fixed.

    Attributes:
        counts: fixed, broken and so on, of the compared pair; empty where there is none.
        stored: the verdict in results.json, when it is another one (a waiver ran out, say).
    """

    gate: str
    explanation: Explanation
    counts: Mapping[str, int]
    moved: tuple[Moved, ...]
    stored: str | None

    def to_json(self) -> dict[str, Any]:
        return {
            "gate": self.gate,
            **self.explanation.to_json(),
            "flips": dict(self.counts),
            "items": [
                {
                    "kind": item.kind,
                    "id": item.item_id,
                    "text": item.text,
                    "target": item.target,
                    "before": item.before,
                    "after": item.after,
                }
                for item in self.moved
            ],
            "stored_verdict": self.stored,
        }


def explain_run(run: RunDir, gate: str | None, reporter: Reporter) -> list[Explained]:
    """Explains one gate of a run (all models and slices), or every gate that did not pass.

    Args:
        gate: its id; of a composition's member, `gate/member`.

    Raises:
        HarnessError: when the run cannot be read, or has no such gate.
    """
    from harness.gates.explanation import explain
    from harness.metrics.hf_evaluate import outside_note

    results = run.read_results()
    note = outside_note(results.evaluations)
    if note is not None:
        reporter.warn(note)
    suite = suite_of(run, None)
    if [policy.result for policy in suite.policies] != results.policies:
        # A policy that the command is given may ask for bounds that the run does not hold.
        results = judge_again(run, None, reporter)
    traces = gate_traces(run, suite, results.metrics, results.comparisons, results.evaluations, today=_today())
    if gate is None:
        chosen = [trace for trace in traces if trace.outcome != "pass" or trace.result.waiver is not None]
    else:
        chosen = _named(traces, gate.split("/"))
        if not chosen:
            known = [rule.id for rule in suite.gates.rules]
            raise SuiteError(unknown("gate", gate, known), where=Where(run.path), hint="choose a gate of this run.")
    stored = {(gate.id, gate.model, gate.slice): gate.verdict for gate in results.gates}
    explained = []
    for trace in chosen:
        result = trace.result
        before = stored.get((result.id, result.model, result.slice))
        counts, moved = _moved(run, trace)
        explained.append(
            Explained(
                result.id,
                explain(trace, as_member=gate is not None and "/" in gate),
                counts,
                moved,
                before if before not in (None, result.verdict) else None,
            )
        )
    return explained


def _today() -> Any:
    return datetime.now(UTC).date()


def _named(traces: list[GateTrace], path: list[str]) -> list[GateTrace]:
    chosen = [trace for trace in traces if trace.result.id == path[0]]
    for name in path[1:]:
        chosen = [member for trace in chosen for member in trace.members if member.result.id == name]
    return chosen


def _moved(run: RunDir, trace: GateTrace) -> tuple[dict[str, int], tuple[Moved, ...]]:
    """What changed item by item between the two models that a trace compares."""
    from harness.comparisons.flips import flips, moved_items
    from harness.schema.suite.gate_rules import BaseRule

    result, rule = trace.result, trace.rule
    evaluation = rule.evaluation if isinstance(rule, BaseRule) else None
    if trace.error or trace.members or evaluation is None or not result.baseline or not result.model:
        return {}, ()
    try:
        base, candidate = run.records(evaluation, result.baseline), run.records(evaluation, result.model)
        texts = {item.id: item for item in run.read_items(evaluation)}
    except DataError:
        return {}, ()
    if result.slice is not None:
        base, candidate = base.take(base.in_slice(result.slice)), candidate.take(candidate.in_slice(result.slice))
    table = flips(base, candidate, evaluation=evaluation, baseline=result.baseline, candidate_name=result.model)
    counts = {}
    if table is not None:
        counts = {"fixed": table.fixed, "broken": table.broken, "both_right": table.both_right}
        counts["both_wrong"] = table.both_wrong
    listed = moved_items(base, candidate, limit=len(base))
    targets = dict(zip(base.item_ids, base.texts("target"), strict=True))
    kinds = ("broken", "fixed") if table is not None else ("moved",)
    chosen = [item for kind in kinds for item in [flip for flip in listed if flip.kind == kind][:SHOWN]]
    return counts, tuple(_shown(item, texts, targets) for item in chosen)


def _shown(item: MovedItem, texts: Mapping[str, Any], targets: Mapping[str, str | None]) -> Moved:
    stored = texts.get(item.item_id)
    text = " | ".join(text for text in stored.texts.values() if text) if stored is not None else ""
    before = item.base_prediction if item.base_prediction is not None else _margin(item.base_margin)
    after = item.candidate_prediction if item.candidate_prediction is not None else _margin(item.candidate_margin)
    return Moved(item.kind, item.item_id, text, targets.get(item.item_id), before, after)


def _margin(value: float | None) -> str | None:
    return None if value is None else f"{value:+.3g}"

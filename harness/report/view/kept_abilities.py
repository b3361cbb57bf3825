"""Which tasks of a pair say what training taught, and which say what the model kept of what it could before.

Running text is kept unless a gate asks it to get better. Another task is kept where the suite holds it to
non-inferiority beside a task that is to get better, or asks it together with others, or where it is unlike all that
the candidate learned.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from harness.report.view.comparison_reading import classify_change
from harness.report.view.run_view import LANGUAGE_MODELLING, ModelPair, RunView
from harness.schema.results import number_format
from harness.schema.results.metrics import ComparisonResult
from harness.schema.results.seed_aggregation import of_recipe
from harness.schema.results.verdicts import GateResult

_KEEPS = frozenset({"non_inferiority", "equivalence", "mean_of", "pooled", "max_drop"})


def gained_leads(view: RunView, pair: ModelPair) -> list[ComparisonResult]:
    """The leading comparison of each task that training was to make better."""
    kept = kept_tasks(view, pair)
    return _leads(view, pair, [name for name in _tasks(view, pair) if name not in kept])


def kept_leads(view: RunView, pair: ModelPair) -> list[ComparisonResult]:
    """The leading comparison of each task that training was not to make worse, in the order of `kept_tasks`."""
    return _leads(view, pair, kept_tasks(view, pair))


def kept_tasks(view: RunView, pair: ModelPair) -> list[str]:
    """Running text that the candidate did not learn from, then tasks, then running text that it did learn from."""
    learned = _learned(view, pair)
    names = _tasks(view, pair)
    taught = {view.evaluations[name].kind for name in names if learned & set(view.evaluations[name].data)}
    judged = {name: set(_kinds(view, pair, name)) for name in names}
    together = {name for gate in joint_gates(view, pair) for name in evaluations_of(gate)}
    kept = []
    for name in names:
        known = view.evaluations[name]
        own = bool(learned & set(known.data))
        text = known.kind == LANGUAGE_MODELLING
        unlike = bool(learned) and known.kind not in taught
        asked = name in together or (not own and bool(_KEEPS & judged[name] or unlike))
        if "superiority" not in judged[name] and (text or asked):
            kept.append((0 if text and not own else 2 if text else 1, name))
    if all(name in {entry for _, entry in kept} for name in names):
        # A suite with nothing to gain: a task that is only held to what it was is still what the suite is about.
        kept = [(rank, name) for rank, name in kept if rank != 1 or name in together]
    return [name for _, name in sorted(kept, key=lambda entry: entry[0])]


def by_harm(row: ComparisonResult) -> tuple[bool, float]:
    """What got worse clearly first, then by how much, as a share of what there was where units differ."""
    row = of_recipe(row)
    size = row.improvement or 0.0
    whole = 1.0 if number_format.is_fraction(row.unit) else abs(row.baseline_value or 0.0)
    return classify_change(row) != "worse", size / whole if whole else size


def undefined_reason(view: RunView, pair: ModelPair, role: str, names: Sequence[str] | None = None) -> str:
    """Why what was asked of both models has no difference; empty where nothing was, or something has one."""
    rows = [
        row
        for row in view.comparisons(pair)
        if view.evaluations[row.evaluation].role == role and (names is None or row.evaluation in names)
    ]
    if not rows or any(row.status == "ok" for row in rows):
        return ""
    return (rows[0].reason or "undefined").rstrip(".")


def joint_gates(view: RunView, pair: ModelPair) -> list[GateResult]:
    """The gates that ask of several evaluations together whether the candidate of a pair is no worse."""
    return [
        gate
        for gate in _flat(view.results.gates)
        if gate.model == pair.candidate and len(evaluations_of(gate)) > 1 and not gate.members and gate.kind in _KEEPS
    ]


def evaluations_of(gate: GateResult) -> list[str]:
    return list(dict.fromkeys(metric.partition(".")[0] for metric in gate.metrics))


def _tasks(view: RunView, pair: ModelPair) -> list[str]:
    rows = {name: view.headline(pair, name) for name, known in view.evaluations.items() if known.role == "task"}
    return [name for name, row in rows.items() if row is not None]


def _leads(view: RunView, pair: ModelPair, names: Sequence[str]) -> list[ComparisonResult]:
    rows = [row for name in names if (row := view.headline(pair, name)) is not None]
    return [row for row in rows if row.status == "ok" and row.delta.value is not None]


def _learned(view: RunView, pair: ModelPair) -> set[str]:
    """The data of the candidate's own training; empty where nothing says so."""
    return set(view.cost(pair.candidate).data) if pair.candidate in view.models else set()


def _kinds(view: RunView, pair: ModelPair, name: str) -> list[str]:
    """How the gates judge an evaluation: those on this candidate, else those on any model."""
    own = [gate for gate in _flat(view.results.gates) if name in evaluations_of(gate) and gate.baseline is not None]
    mine = [gate.kind for gate in own if gate.model == pair.candidate]
    return mine or [gate.kind for gate in own]


def _flat(gates: Sequence[GateResult]) -> Iterator[GateResult]:
    for gate in gates:
        yield gate
        yield from _flat(gate.members)

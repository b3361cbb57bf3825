"""The figures of gates in the way each kind is read, their sentences, and what the models did not answer."""

from __future__ import annotations

from harness.report.view.run_view import RunView
from harness.schema.results import number_format
from harness.schema.results.absences import behind_comparison, missing_answers
from harness.schema.results.gate_words import margin_in_points
from harness.schema.results.verdicts import GateResult


def at_once(gate: GateResult) -> bool:
    """Whether a reader must see the gate at once: it decides, or it did not pass."""
    return gate.blocking or gate.verdict != "pass"


def gate_unit(view: RunView, gate: GateResult) -> str:
    """The unit of a gate's metric; a gate may leave out what stands in brackets (`name[…]`)."""
    if gate.members:
        return ""  # each member has its own
    units = {_unit(view, metric) for metric in gate.metrics}
    if len(units) > 1 and all(map(number_format.is_fraction, units)):
        return "share"
    return units.pop() if len(units) == 1 else ""


def _unit(view: RunView, metric: str) -> str:
    if metric in view.units:
        return view.units[metric]
    return next((unit for id_, unit in view.units.items() if id_.split("[")[0] == metric), "")


def is_on(gate: GateResult, metric_id: str) -> bool:
    """Whether a gate is about a metric."""
    return gate.metric in (metric_id, metric_id.split("[")[0])


def missing_behind(view: RunView, gate: GateResult) -> str:
    """What the models that a gate looks at did not answer, and items without a partner."""
    name = gate.metric.partition(".")[0]
    known = view.evaluations.get(name)
    if gate.members or known is None:
        return ""
    rows = view.results.comparisons
    compared = next(
        (
            row
            for row in rows
            if (row.evaluation, row.baseline, row.candidate, row.slice) == (name, gate.baseline, gate.model, gate.slice)
            and is_on(gate, row.id)
        ),
        None,
    )
    if compared is not None:
        return behind_comparison(compared, view.evaluations)
    return missing_answers(known.counts.get(gate.model or "", {}))


def gate_figure(view: RunView, gate: GateResult, value: float | None) -> str:
    """An observed value or bound of a gate in the way its kind is read."""
    unit = gate_unit(view, gate)
    if value is None:
        return "–"
    if gate.kind == "no_flips":
        return f"{value:,.0f}"
    if _is_ratio(gate):
        return "×" + number_format.ratio(value)
    if gate.kind in ("absolute", "target", "level"):
        return number_format.level(value, unit)
    return number_format.difference(value, unit)


def gate_margin(view: RunView, gate: GateResult) -> str:
    """The margin as the suite wrote it, in the unit in which the other figures are shown."""
    margin = gate.margin or ""
    if margin and not _is_ratio(gate) and gate.kind != "no_flips" and number_format.is_fraction(gate_unit(view, gate)):
        margin = margin_in_points(margin, level=gate.kind in ("absolute", "target", "level"))
    return margin or "–"


def _is_ratio(gate: GateResult) -> bool:
    return gate.margin is not None and ("ratio" in gate.margin or "×" in gate.margin)

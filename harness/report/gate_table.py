"""The gates as a table: order, counts, and their figures in the way each kind is read."""

from __future__ import annotations

import re

from harness.core.results import GateResult
from harness.report import figures
from harness.report.text import plural
from harness.report.view import RunView

_ORDER = {"error": 0, "fail": 1, "inconclusive": 2, "pass": 3}
_PAST = {"error": "in error", "fail": "failed", "inconclusive": "inconclusive", "pass": "passed"}
_NUMBER = re.compile(r"\d+(?:\.\d+)?(?:e[+-]?\d+)?")


def gates(view: RunView) -> list[GateResult]:
    """Gates, those that decide first, worst first; otherwise in the suite's order."""
    return sorted(view.results.gates, key=lambda gate: (not gate.blocking, _ORDER[gate.verdict]))


def gate_counts(view: RunView) -> str:
    """How the gates stand, those that block apart: `3 gates decide: 1 inconclusive, 2 passed`."""
    parts = []
    for blocking, what in ((True, "decide"), (False, "do not block")):
        chosen = [gate.verdict for gate in view.results.gates if gate.blocking == blocking]
        if chosen:
            counts = ", ".join(f"{chosen.count(key)} {_PAST[key]}" for key in _ORDER if key in chosen)
            verb = what if len(chosen) > 1 else {"decide": "decides", "do not block": "does not block"}[what]
            parts.append(f"{plural(len(chosen), 'gate')} {verb}: {counts}")
    return " · ".join(parts)


def gate_figure(view: RunView, gate: GateResult, value: float | None) -> str:
    """An observed value or bound of a gate in the way its kind is read."""
    unit = view.units.get(gate.metric, "")
    if value is None:
        return "–"
    if gate.kind == "no_flips":
        return f"{value:,.0f}"
    if _is_ratio(gate):
        return "×" + figures.ratio(value)
    if gate.kind in ("absolute", "target", "level"):
        return figures.level(value, unit)
    return figures.difference(value, unit)


def gate_margin(view: RunView, gate: GateResult) -> str:
    """The margin as the suite wrote it, in the unit in which the other figures are shown."""
    margin, unit = gate.margin or "–", view.units.get(gate.metric, "")
    if (
        _is_ratio(gate)
        or gate.kind == "no_flips"
        or not figures.is_fraction(unit)
        or "%" in margin
        or "point" in margin
    ):
        return margin
    percent, tail = ("%", "") if gate.kind in ("absolute", "target", "level") else ("", " points")
    return _NUMBER.sub(lambda match: f"{float(match.group()) * 100:g}{percent}", margin) + (tail if gate.margin else "")


def _is_ratio(gate: GateResult) -> bool:
    return gate.margin is not None and ("ratio" in gate.margin or "×" in gate.margin)

"""Waivers: they hold until a day, and always show."""

from __future__ import annotations

from datetime import date

from harness.schema.suite.gate_rules import GateSet


def waiver_of(gates: GateSet, gate: str, model: str | None, today: date) -> tuple[str | None, bool]:
    """The waiver of a gate in words, and whether it holds today; the last day is included."""
    fitting = [one for one in gates.waivers if one.gate == gate and one.model in (None, model)]
    if not fitting:
        return None, False
    latest = max(fitting, key=lambda one: one.expires)
    holds = today <= latest.expires
    until = f"waived until {latest.expires}" if holds else f"waiver expired on {latest.expires}"
    return f"{until} by {latest.owner}: {latest.reason}", holds

"""Which one-sided levels a gate set will ask of the statistics."""

from __future__ import annotations

from harness.gates.rules import GateSet, NoFlipsRule

MAX_FAMILY = 20
"""Slices that Holm's correction can handle: bounds are computed beforehand at alpha/1 … alpha/20."""


def alphas(gates: GateSet, metric: str | None = None) -> tuple[float, ...]:
    """Every alpha at which bounds are needed, ascending; the default one is always among them.

    Args:
        metric: `evaluation.metric`, with or without a scorer in brackets: only what the gates on
            it ask for.
    """
    levels = {gates.defaults.alpha}
    for rule in gates.rules:
        if metric is not None and rule.metric.partition("[")[0] != metric.partition("[")[0]:
            continue
        levels.add(rule.alpha)
        if not isinstance(rule, NoFlipsRule) and rule.correction == "holm":
            levels |= {rule.alpha / k for k in range(2, MAX_FAMILY + 1)}
    return tuple(sorted(levels))

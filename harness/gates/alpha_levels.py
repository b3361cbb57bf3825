"""Which one-sided levels a gate set will ask of the statistics."""

from __future__ import annotations

from collections.abc import Iterator

from harness.schema.suite.gate_rules import (
    MAX_FAMILY,
    AnyOfRule,
    Composition,
    GateSet,
    Leaf,
    NoFlipsRule,
    Rule,
    SlicedRule,
)


def alpha_levels(gates: GateSet, metric: str | None = None) -> tuple[float, ...]:
    """Every alpha at which bounds are needed, ascending; the default one is always among them.

    Args:
        metric: `evaluation.metric`, with or without a scorer in brackets: only what the gates on
            it ask for.
    """
    levels = {gates.defaults.alpha}
    for rule in gates.rules:
        for leaf, divisors in _divisors(rule, frozenset({1})):
            if metric is None or leaf.metric.partition("[")[0] == metric.partition("[")[0]:
                levels |= {leaf.alpha / divisor for divisor in divisors}
    return tuple(sorted(levels))


def is_sequential(gates: GateSet, metric: str) -> bool:
    """Whether a gate on a metric wants bounds that hold at every number of items at once."""
    return any(
        isinstance(leaf, SlicedRule) and leaf.anytime and leaf.metric.partition("[")[0] == metric.partition("[")[0]
        for leaf in gates.leaves
    )


def _divisors(rule: Rule, above: frozenset[int]) -> Iterator[tuple[Leaf, frozenset[int]]]:
    """Each leaf with the numbers by which Holm's corrections may divide its alpha."""
    if isinstance(rule, Composition):
        family = range(1, len(rule.members) + 1) if isinstance(rule, AnyOfRule) else range(1, 2)
        below = frozenset(outer * inner for outer in above for inner in family)
        for member in rule.members:
            yield from _divisors(member, below)
    elif not isinstance(rule, NoFlipsRule) and rule.correction == "holm":
        yield rule, frozenset(range(1, MAX_FAMILY + 1))
    else:
        yield rule, above

"""Before anything runs: what can a gate show with this many items?

Normal approximations for proportions (shares of items). Other units have no known spread before
a run, and the answer says so.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from harness.core.interfaces import Direction, MetricKind
from harness.gates.rules import (
    AbsoluteRule,
    EquivalenceRule,
    NoFlipsRule,
    NonInferiorityRule,
    Ratio,
    Rule,
    SuperiorityRule,
    TargetRule,
)
from harness.gates.words import count, number
from harness.statistics import (
    effective_n,
    equivalence_needed_n,
    equivalence_possible_n,
    needed_n,
    planned_half_width,
    planned_mde_proportion_difference,
)

DISCORDANCE = 0.15
"""Share of items on which two models are expected to differ, when nothing is known."""


@dataclass(frozen=True, slots=True)
class PlannedEffect:
    """What a gate can show.

    Attributes:
        mde: smallest true difference (or distance from the limit) found with 80% power.
        needs: items at which the gate's margin is decided with 80% power.
        possible: False when the gate cannot pass with this many items, whatever the model does.
        sentence: the same for people.
    """

    mde: float | None
    needs: int | None
    possible: bool
    sentence: str


def planned(
    rule: Rule,
    n: int,
    clusters: int | None = None,
    *,
    direction: Direction = "higher",
    kind: MetricKind = "mean",
    unit: str = "share",
    discordance: float = DISCORDANCE,
) -> PlannedEffect:
    """Minimum detectable effect of a gate before anything runs.

    Args:
        n, clusters: items that will be asked, and independent clusters among them; fewer clusters
            than items count as one item each, the safe end.
        direction, kind, unit: of the metric; a mean in `share` is a proportion of items.
        discordance: expected share of items on which the two models differ.
    """
    if n < rule.min_n:
        text = f"{rule.id} cannot pass: {count(n)} items, and it asks for at least {count(rule.min_n)}."
        return PlannedEffect(None, rule.min_n, False, text)
    if isinstance(rule, NoFlipsRule):
        return PlannedEffect(None, None, True, f"{rule.id} looks at every item; no statistics are involved.")
    if unit != "share" or kind != "mean":
        return PlannedEffect(None, None, True, f"{rule.id}: the spread of {rule.metric} is not known before a run.")
    effective = effective_n(n, clusters)
    if isinstance(rule, TargetRule):
        possible_from = equivalence_possible_n(rule.margin, 0.25, rule.alpha)
        needs = equivalence_needed_n(rule.margin, 0.25, rule.alpha)
        return _equivalence(rule, effective, possible_from, needs)
    if isinstance(rule, AbsoluteRule):
        return _absolute(rule, effective)
    if isinstance(rule, EquivalenceRule):
        needs = equivalence_needed_n(rule.margin, discordance, rule.alpha)
        return _equivalence(rule, effective, 0, needs)
    effect = planned_mde_proportion_difference(n, clusters, discordance, rule.alpha)
    margin = _margin(rule)
    needs_margin = needed_n(margin, discordance, rule.alpha) if margin else None
    goal = "a drop" if isinstance(rule, NonInferiorityRule) else "a gain"
    if direction == "lower":
        goal = "a rise" if isinstance(rule, NonInferiorityRule) else "a fall"
    text = f"{rule.id} finds {goal} of {number(effect)} with 80% power at {count(round(effective))} items"
    if needs_margin is not None:
        text += f"; its margin of {number(margin)} takes {count(needs_margin)}"
    return PlannedEffect(effect, needs_margin, True, f"{text} (if {discordance:.0%} of the items differ).")


def _margin(rule: Rule) -> float:
    if isinstance(rule, NonInferiorityRule | SuperiorityRule) and not isinstance(rule.margin, Ratio):
        return rule.margin
    return 0.0


def _equivalence(rule: TargetRule | EquivalenceRule, items: float, possible_from: int, needs: int) -> PlannedEffect:
    margin = number(rule.margin)
    if items < possible_from:
        text = (
            f"{rule.id} cannot pass: ± {margin} takes at least {count(possible_from)} independent items "
            f"({count(needs)} for 80% power), and there are {count(round(items))}."
        )
        return PlannedEffect(None, needs, False, text)
    smallest = rule.margin * math.sqrt(needs / items)
    text = f"{rule.id} needs {count(needs)} items for 80% power at ± {margin}; there are {count(round(items))}."
    return PlannedEffect(smallest, needs, True, text)


def _absolute(rule: AbsoluteRule, items: float) -> PlannedEffect:
    if rule.bound == "point":
        return PlannedEffect(None, None, True, f"{rule.id} judges the value itself, without allowance for noise.")
    limit = rule.min if rule.min is not None else rule.max
    variance = limit * (1 - limit) if limit is not None and 0 < limit < 1 else 0.25
    width = planned_half_width(round(items), None, variance, rule.alpha)
    text = f"{rule.id}: with {count(round(items))} items the bound will lie about {number(width)} from the value."
    return PlannedEffect(width, None, True, text)

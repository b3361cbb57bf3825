"""Before anything runs: what can a gate show with this many items?

Normal approximations. The spread of a share of items follows from the share itself, that of two
models' difference from how often they differ; other units have no known spread before a run, unless
an earlier run of the suite lends its own.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from harness.core.metric import Direction, MetricKind
from harness.schema.results.number_format import in_unit, plural, whole
from harness.schema.suite.gate_rules import (
    AbsoluteRule,
    AnyOfRule,
    Composition,
    EquivalenceRule,
    JointRule,
    Leaf,
    NoFlipsRule,
    NonInferiorityRule,
    Ratio,
    Rule,
    SuperiorityRule,
    TargetRule,
)
from harness.statistics.anytime import reach_factor
from harness.statistics.distributions import normal_cdf, normal_isf
from harness.statistics.power import (
    effective_n,
    equivalence_needed_n,
    equivalence_possible_n,
    mde,
    needed_n,
    planned_half_width,
    variance_range,
)

MANY = 1_000_000
"""More items than anyone labels for one evaluation."""

DISCORDANCE = 0.15
"""Share of items on which two models are expected to differ, when nothing is known."""


@dataclass(frozen=True, slots=True)
class PlannedEffect:
    """What a gate can show.

    Attributes:
        mde: smallest true difference (or distance from the limit) found with 80% power; for a ratio
            margin as a share of the baseline (0.02: 2%). None when it is not known.
        required_n: items at which the gate's margin is decided with 80% power.
        possible: False when the gate cannot pass with this many items, whatever the model does.
        sentence: the same for people.
    """

    mde: float | None
    required_n: int | None
    possible: bool
    sentence: str
    n: int | None = None


@dataclass(frozen=True, slots=True)
class Spread:
    """Standard deviation of what one item adds to the judged quantity, from an earlier run.

    Attributes:
        value: standard error × √items, of the level, the difference, or the logarithm of the ratio.
        source: where it was seen, for people.
        n: items behind it, from which follows how sure it is.
        efficiency: effective items per item there; None where it is not known.
    """

    value: float
    source: str
    n: int = 0
    efficiency: float | None = None


def plan_rule(rule: Rule, leaf_effect: Callable[[Leaf], PlannedEffect]) -> PlannedEffect:
    """What a rule can show, compositions included.

    Members of `any_of` are planned at alpha divided by their number, Holm's first step.

    Args:
        leaf_effect: what a single rule can show (`planned` with the items of its evaluation).
    """
    if not isinstance(rule, Composition):
        return leaf_effect(rule)
    if isinstance(rule, JointRule):
        return _joint(rule, leaf_effect)
    total = len(rule.members)
    effects = []
    for member in rule.members:
        held = _at_level(member, total) if isinstance(rule, AnyOfRule) else member
        effects.append(plan_rule(held, leaf_effect))
    known = [effect.mde for effect in effects if effect.mde is not None]
    sizes = [effect.required_n for effect in effects if effect.required_n is not None]
    each = " ".join(f"{member.id}: {effect.sentence}" for member, effect in zip(rule.members, effects, strict=True))
    if isinstance(rule, AnyOfRule):
        possible = any(effect.possible for effect in effects)
        text = f"passes when one of {plural(total, 'member')} does, each at alpha / {total}"
        lead = text if possible else f"cannot pass: none of its {plural(total, 'member')} can"
        return PlannedEffect(
            min(known) if len(known) == total else None, min(sizes, default=None), possible, f"{lead}. {each}"
        )
    possible = all(effect.possible for effect in effects)
    lead = f"passes when all of {plural(total, 'member')} do"
    if not possible:
        lead = f"cannot pass: not all of its {plural(total, 'member')} can"
    return PlannedEffect(
        max(known) if len(known) == total else None, max(sizes, default=None), possible, f"{lead}. {each}"
    )


def _joint(rule: JointRule, leaf_effect: Callable[[Leaf], PlannedEffect]) -> PlannedEffect:
    """A weighted mean of independent parts has SE² = Σ w²·SE²; the worst of them is as sure as its least sure part."""
    effects = [(member, leaf_effect(member)) for member in rule.members if not isinstance(member, Composition)]
    each = " ".join(f"{member.id}: {effect.sentence}" for member, effect in effects)
    lead = f"judges {rule.title} as one figure"
    if not all(effect.possible for _, effect in effects):
        return PlannedEffect(None, None, False, f"cannot pass: not all of its parts can. {each}")
    reach = [effect.mde - rule.margin for _, effect in effects if effect.mde is not None]
    if len(reach) < len(effects):
        return PlannedEffect(None, None, True, f"{lead}. {each}")
    if rule.how == "max_drop":
        whole = max(reach)
    else:
        parts = list(rule.weights.values())
        if rule.how == "pooled":
            parts = [float(effect.n or 1) for _, effect in effects]
        whole = math.sqrt(sum((weight / sum(parts) * size) ** 2 for weight, size in zip(parts, reach, strict=True)))
    text = f"{lead}: finds a change {whole:.3g} beyond its margin with 80% power, if its parts share no clusters"
    return PlannedEffect(rule.margin + whole, None, True, f"{text}. {each}")


def _at_level(rule: Rule, divisor: int) -> Rule:
    changed = rule.model_copy(update={"alpha": rule.alpha / divisor})
    if isinstance(changed, Composition):
        return changed.with_members([_at_level(member, divisor) for member in changed.members])
    return changed


def planned(
    rule: Leaf,
    n: int,
    clusters: int | None = None,
    *,
    direction: Direction = "higher",
    kind: MetricKind = "mean",
    unit: str = "share",
    discordance: float = DISCORDANCE,
    spread: Spread | None = None,
) -> PlannedEffect:
    """Minimum detectable effect of a gate before anything runs.

    Args:
        n, clusters: items that will be evaluated, and independent clusters among them; fewer clusters
            than items count as one item each, the safe end.
        direction, kind, unit: of the metric; a mean in `share` is a proportion of items.
        discordance: expected share of items on which the two models differ.
        spread: of the judged quantity in an earlier run; it has the clusters in it.
    """
    if n < rule.min_n:
        text = f"cannot pass: {whole(n)} items, at least {whole(rule.min_n)} required."
        return PlannedEffect(None, rule.min_n, False, text)
    efficiency = 1.0 if spread is None or spread.efficiency is None else spread.efficiency
    if round(n * efficiency, 6) < rule.min_n and not isinstance(rule, NoFlipsRule):
        size = math.ceil(rule.min_n / efficiency)
        text = (
            f"cannot pass: {whole(n)} items are worth {whole(round(n * efficiency))} (from {spread.source}), at least "
            f"{whole(rule.min_n)} effective items required, about {whole(size)} items."
            if spread is not None
            else ""
        )
        return PlannedEffect(None, size, False, text)
    if isinstance(rule, NoFlipsRule):
        return PlannedEffect(None, None, True, "checks every item, without statistics.")
    if isinstance(rule, AbsoluteRule) and rule.bound == "point":
        return PlannedEffect(None, None, True, "judges the point estimate, without allowance for noise.")
    share = unit == "share" and kind == "mean"
    ratio = isinstance(rule, NonInferiorityRule) and isinstance(rule.margin, Ratio)
    level = isinstance(rule, AbsoluteRule | TargetRule)
    if spread is not None and not (share and level):
        items, variance, source = float(n), spread.value**2, f"variance from {spread.source}"
        factors = variance_range(spread.n * efficiency)
    elif share and not ratio:
        items, variance = effective_n(n, clusters), _share_variance(rule, discordance)
        source = "" if level else f"if {discordance:.0%} of the items differ, in brackets half or twice as many"
        factors = (1.0, 1.0) if level else (0.5, 2.0)
    else:
        text = (
            f"the variance of {rule.metric} is unknown before the first run; after it, plan shows what the gate can "
            f"detect."
        )
        return PlannedEffect(None, None, True, text)
    if isinstance(rule, TargetRule | EquivalenceRule):
        return _equivalence(rule, items, variance, source, unit)
    if isinstance(rule, AbsoluteRule):
        return _absolute(rule, items, variance, source, unit)
    return _one_sided(rule, items, variance, source, direction, unit, factors)


def _share_variance(rule: Leaf, discordance: float) -> float:
    if isinstance(rule, TargetRule):
        return 0.25
    if isinstance(rule, AbsoluteRule):
        limit = rule.min if rule.min is not None else rule.max
        return limit * (1 - limit) if limit is not None and 0 < limit < 1 else 0.25
    return discordance


def _one_sided(
    rule: SuperiorityRule | NonInferiorityRule,
    items: float,
    variance: float,
    source: str,
    direction: Direction,
    unit: str,
    factors: tuple[float, float],
) -> PlannedEffect:
    """At its own margin: the true effect that the gate decides with 80% power, and the items that its margin takes."""
    reach = mde(math.sqrt(variance / items), rule.alpha)
    if rule.sequential:
        reach = (reach_factor(items, rule.alpha) - normal_isf(0.8)) * math.sqrt(variance / items)
    loss = isinstance(rule, NonInferiorityRule)
    if isinstance(rule.margin, Ratio):
        margin = abs(math.log(rule.margin.ratio))
        effect = math.expm1(margin + reach)
        shown = f"{effect:.2%}"
    else:
        margin, effect = rule.margin, rule.margin + reach
        shown = in_unit(effect, unit)
    goal = {("higher", True): "a drop", ("higher", False): "a gain", ("lower", True): "a rise"}.get(
        (direction, loss), "a fall"
    )
    size = max(needed_n(margin, variance, rule.alpha), rule.min_n) if margin else None
    text = f"{'fails' if loss else 'passes'} {goal} of {shown} with 80% power at {whole(round(items))} items"
    if loss and margin:
        text += f", passes an unchanged model with {_power(margin, variance, items, rule.alpha):.0%}"
    if size is not None:
        who = "an unchanged model" if loss else "a model better by twice its margin"
        text += f"; to pass {who} with 80% takes {_sized(size, factors)}"
    if size is not None and rule.sequential:
        likely = math.ceil(variance * (reach_factor(size / 2, rule.alpha) / margin) ** 2)
        text += f"; with `--until-decided` it is likely to stop at about {_sized(max(likely, rule.min_n), (1.0, 1.0))}"
    if size is not None and size > MANY:
        size = None
    return PlannedEffect(effect, size, True, f"{text}{_because(source)}.")


def _power(margin: float, variance: float, items: float, alpha: float) -> float:
    return normal_cdf(margin / math.sqrt(variance / items) - normal_isf(alpha))


def _sized(size: int, factors: tuple[float, float]) -> str:
    """`1,031 items (515 to 2,062)`, with what the variance leaves open."""
    if size > MANY:
        return "no realistic number of items"
    low, high = (math.ceil(size * factor) if math.isfinite(factor) else MANY + 1 for factor in factors)
    if low == high:
        return f"{whole(size)} items"
    return f"{whole(size)} items ({whole(low)} to {whole(high) if high <= MANY else 'no realistic number'})"


def _equivalence(
    rule: TargetRule | EquivalenceRule, items: float, variance: float, source: str, unit: str
) -> PlannedEffect:
    margin = in_unit(rule.margin, unit)
    required_n = equivalence_needed_n(rule.margin, variance, rule.alpha)
    possible_from = equivalence_possible_n(rule.margin, variance, rule.alpha)
    smallest = rule.margin * math.sqrt(required_n / items)
    if items < possible_from and isinstance(rule, TargetRule) and not source:
        text = (
            f"cannot pass: ± {margin} takes at least {whole(possible_from)} independent items "
            f"({whole(required_n)} for 80% power); {whole(round(items))} are available."
        )
        return PlannedEffect(smallest, required_n, False, text)
    text = f"needs {whole(required_n)} items for 80% power at ± {margin}; {whole(round(items))} are available"
    if required_n > items:
        text += f", enough for ± {in_unit(smallest, unit)}"
    return PlannedEffect(smallest, required_n, True, f"{text}{_because(source)}.")


def _absolute(rule: AbsoluteRule, items: float, variance: float, source: str, unit: str) -> PlannedEffect:
    width = planned_half_width(round(items), None, variance, rule.alpha)
    effect = mde(math.sqrt(variance / items), rule.alpha)
    text = (
        f"with {whole(round(items))} items, the bound is about {in_unit(width, unit)} from the value; a model "
        f"{in_unit(effect, unit)} inside the limit passes with 80% power"
    )
    return PlannedEffect(effect, None, True, f"{text}{_because(source)}.")


def _because(source: str) -> str:
    return f" ({source})" if source else ""

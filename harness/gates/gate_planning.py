"""Before anything runs: what can a gate show with this many items?

Normal approximations. The spread of a share of items follows from the share itself, that of two
models' difference from how often they differ; other units have no known spread before a run, unless
an earlier run of the suite lends its own.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

from harness.core.metric import Direction, Metric, MetricKind
from harness.schema.results.number_format import plural, told, whole
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
from harness.statistics.distributions import normal_cdf, normal_isf, student_isf
from harness.statistics.power import effective_n, variance_range

_MISSED = 0.2
"""What a power of 80% lets pass by."""
MANY = 1_000_000
"""More items than anyone labels for one evaluation."""

DISCORDANCE = 0.15
"""Share of items on which two models are expected to differ, when nothing is known."""


@dataclass(frozen=True, slots=True)
class JudgedMetric:
    """What planning needs to know of a metric; a mean in `share` is a proportion of items."""

    direction: Direction = "higher"
    kind: MetricKind = "mean"
    unit: str = "share"

    @classmethod
    def of(cls, metric: Metric) -> JudgedMetric:
        return cls(metric.direction, metric.kind, metric.unit)

    @property
    def is_share(self) -> bool:
        return self.unit == "share" and self.kind == "mean"


_SHARE = JudgedMetric()


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
class SimulatedGate:
    """How often the gate passed on samples of an earlier run's records, and the items that it takes.

    Attributes:
        power, low, high: share of samples of the planned size that pass, with its 95% interval.
        required_n, least_n, most_n: items that pass in 80%, with their 95% interval; None: no realistic number.
        who: what passes, in words.
        source: the run, for people.
        reason: why there is no figure; empty where there is one.
    """

    source: str
    power: float = math.nan
    low: float = math.nan
    high: float = math.nan
    required_n: int | None = None
    least_n: int | None = None
    most_n: int | None = None
    who: str = ""
    reason: str = ""

    @property
    def sentence(self) -> str:
        if self.reason:
            return f"Not simulated on samples of {self.source}: {self.reason}"
        how = f"Simulated on samples of {self.source} with the gate's own method"
        text = f"{how}: {self.who} passes with {self.power:.0%} ({self.low:.0%} to {self.high:.0%})"
        if self.required_n is None:
            size = "no realistic number of items"
        else:
            most = "no realistic number" if self.most_n is None else whole(self.most_n)
            size = f"{whole(self.required_n)} items ({whole(self.least_n or 0)} to {most})"
        return f"{text}; 80% takes {size}"


@dataclass(frozen=True, slots=True)
class Spread:
    """Standard deviation of what one item adds to the judged quantity, from an earlier run.

    Attributes:
        value: standard error × √items, of the level, the difference, or the logarithm of the ratio.
        source: where it was seen, for people.
        n: items behind it, from which follows how sure it is.
        efficiency: effective items per item there; None where it is not known.
        fixed: variance that more items do not reduce, of training seeds.
        df: degrees of freedom of the error, where seeds leave few.
    """

    value: float
    source: str
    n: int = 0
    efficiency: float | None = None
    fixed: float = 0.0
    df: float = math.inf


@dataclass(frozen=True, slots=True)
class _Noise:
    """How much chance there is in what a gate reads.

    Attributes:
        items, variance: of the variance of one item, as many items.
        source: where the variance is from, for people.
        factors: between which multiples of the variance the true one lies.
        sized: whether the number of items is to be said; samples of records say it better.
        fixed, df: as of `Spread`.
    """

    items: float
    variance: float
    source: str
    factors: tuple[float, float]
    sized: bool = True
    fixed: float = 0.0
    df: float = math.inf

    @property
    def standard_error(self) -> float:
        return math.sqrt(self.fixed + self.variance / self.items)

    def reach(self, *tails: float) -> float:
        """How many standard errors so many one-sided tails take together."""
        return sum(normal_isf(tail) if math.isinf(self.df) else student_isf(tail, self.df) for tail in tails)

    def needed(self, margin: float, *tails: float) -> int:
        """Items whose error goes so often into a margin: (Σz)²·v/(margin² − (Σz)²·fixed); above `MANY` if none do."""
        square = self.reach(*tails) ** 2
        left = margin**2 - square * self.fixed
        return math.ceil(square * self.variance / left - 1e-9) if left > 0 else MANY + 1


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
    metric: JudgedMetric = _SHARE,
    spread: Spread | None = None,
    simulated: SimulatedGate | None = None,
) -> PlannedEffect:
    """Minimum detectable effect of a gate before anything runs.

    Args:
        n, clusters: items that will be evaluated, and independent clusters among them; fewer clusters
            than items count as one item each, the safe end.
        spread: of the judged quantity in an earlier run; it has the clusters in it.
        simulated: what samples of an earlier run say; its number of items goes before that of formulas.
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
    noise = _noise(rule, n, clusters, metric.is_share, spread)
    if noise is None:
        text = (
            f"the variance of {rule.metric} is unknown before the first run; after it, plan shows what the gate can "
            f"detect."
        )
        return PlannedEffect(None, None, True, text)
    if simulated is not None and not simulated.reason:
        noise = replace(noise, sized=False)
    if isinstance(rule, TargetRule | EquivalenceRule):
        effect = _equivalence(rule, noise, metric.unit)
    elif isinstance(rule, AbsoluteRule):
        effect = _absolute(rule, noise, metric.unit)
    else:
        effect = _one_sided(rule, noise, metric)
    if simulated is None or not effect.possible:
        return effect
    text = f"{effect.sentence.removesuffix('.')}. {simulated.sentence}."
    return replace(effect, sentence=text, required_n=effect.required_n if simulated.reason else simulated.required_n)


def _noise(rule: Leaf, n: int, clusters: int | None, share: bool, spread: Spread | None) -> _Noise | None:
    """None where nothing is known of the variance.

    Args:
        share: the metric is a share of items.
    """
    ratio = isinstance(rule, NonInferiorityRule) and isinstance(rule.margin, Ratio)
    level = isinstance(rule, AbsoluteRule | TargetRule)
    if spread is not None and not (share and level and math.isinf(spread.df)):
        evidence = spread.n * (1.0 if spread.efficiency is None else spread.efficiency)
        return _Noise(
            float(n), spread.value**2, f"variance from {spread.source}", variance_range(evidence), fixed=spread.fixed,
            df=spread.df,
        )  # fmt: skip
    if not share or ratio:
        return None
    source = "" if level else f"if {DISCORDANCE:.0%} of the items differ, in brackets half or twice as many"
    factors = (1.0, 1.0) if level else (0.5, 2.0)
    return _Noise(effective_n(n, clusters), _share_variance(rule), source, factors)


def _share_variance(rule: Leaf) -> float:
    if isinstance(rule, TargetRule):
        return 0.25
    if isinstance(rule, AbsoluteRule):
        limit = rule.min if rule.min is not None else rule.max
        return limit * (1 - limit) if limit is not None and 0 < limit < 1 else 0.25
    return DISCORDANCE


def _one_sided(rule: SuperiorityRule | NonInferiorityRule, noise: _Noise, metric: JudgedMetric) -> PlannedEffect:
    """At its own margin: the true effect that the gate decides with 80% power, and the items that its margin takes."""
    items, variance = noise.items, noise.variance
    reach = noise.reach(rule.alpha, _MISSED) * noise.standard_error
    if rule.anytime:
        reach = (reach_factor(items, rule.alpha) + normal_isf(_MISSED)) * noise.standard_error
    loss = isinstance(rule, NonInferiorityRule)
    if isinstance(rule.margin, Ratio):
        margin = abs(math.log(rule.margin.ratio))
        effect = math.expm1(margin + reach)
        shown = f"{effect:.2%}"
    else:
        margin, effect = rule.margin, rule.margin + reach
        shown = told(effect, metric.unit, change=True)
    goal = {("higher", True): "a drop", ("higher", False): "a gain", ("lower", True): "a rise"}.get(
        (metric.direction, loss), "a fall"
    )
    size = max(noise.needed(margin, rule.alpha, _MISSED), rule.min_n) if margin else None
    text = f"{'fails' if loss else 'passes'} {goal} of {shown} with 80% power at {whole(round(items))} items"
    if loss and margin and noise.sized:
        power = normal_cdf(margin / noise.standard_error - noise.reach(rule.alpha))
        text += f", passes an unchanged model with {power:.0%}"
    if size is not None and noise.sized:
        who = "an unchanged model" if loss else "a model better by twice its margin"
        text += f"; to pass {who} with 80% takes {_sized(size, noise.factors)}"
    if size is not None and rule.anytime:
        likely = math.ceil(variance * (reach_factor(size / 2, rule.alpha) / margin) ** 2)
        text += f"; with `--until-decided` it is likely to stop at about {_sized(max(likely, rule.min_n))}"
    return PlannedEffect(effect, _realistic(size), True, f"{text}{_because(noise.source)}.")


def _realistic(size: int | None) -> int | None:
    return size if size is not None and size <= MANY else None


def _sized(size: int, factors: tuple[float, float] = (1.0, 1.0)) -> str:
    """`1,031 items (515 to 2,062)`, with what the variance leaves open."""
    if size > MANY:
        return "no realistic number of items"
    low, high = (math.ceil(size * factor) if math.isfinite(factor) else MANY + 1 for factor in factors)
    if low == high:
        return f"{whole(size)} items"
    return f"{whole(size)} items ({whole(low)} to {whole(high) if high <= MANY else 'no realistic number'})"


def _equivalence(rule: TargetRule | EquivalenceRule, noise: _Noise, unit: str) -> PlannedEffect:
    margin, items = told(rule.margin, unit, change=True), whole(round(noise.items))
    required_n = noise.needed(rule.margin, rule.alpha, _MISSED / 2)
    possible_from = noise.needed(rule.margin, rule.alpha)
    smallest = noise.reach(rule.alpha, _MISSED / 2) * noise.standard_error
    if noise.items < possible_from and isinstance(rule, TargetRule) and not noise.source:
        least = f"at least {whole(possible_from)} independent items ({whole(required_n)} for 80% power)"
        if possible_from > MANY:
            least = "no realistic number of items"
        text = f"cannot pass: ± {margin} takes {least}; {items} are available."
        return PlannedEffect(smallest, _realistic(required_n), False, text)
    size = _sized(required_n, noise.factors)
    text = f"needs {size} for 80% power at ± {margin}; {items} are available" if noise.sized else f"has {items} items"
    if required_n > noise.items:
        text += f", enough for ± {told(smallest, unit, change=True)}"
    return PlannedEffect(smallest, _realistic(required_n), True, f"{text}{_because(noise.source)}.")


def _absolute(rule: AbsoluteRule, noise: _Noise, unit: str) -> PlannedEffect:
    items = round(noise.items)
    width = noise.reach(rule.alpha) * noise.standard_error
    effect = noise.reach(rule.alpha, _MISSED) * noise.standard_error
    text = (
        f"with {whole(items)} items, the bound is about {told(width, unit, change=True)} from the value; a model "
        f"{told(effect, unit, change=True)} inside the limit passes with 80% power"
    )
    return PlannedEffect(effect, None, True, f"{text}{_because(noise.source)}.")


def _because(source: str) -> str:
    return f" ({source})" if source else ""

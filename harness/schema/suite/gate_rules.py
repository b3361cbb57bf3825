"""What a suite may write below `gates`: one model per kind of rule, and waivers."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from harness.core.errors import Where
from harness.schema.suite.types import Name, Strict
from harness.schema.suite.written_limits import Allowance, Factor, Limit, PositiveLimit

Alpha = Annotated[float, Field(gt=0, lt=0.5)]
Severity = Literal["error", "warn"]
MAX_FAMILY = 20
"""Slices or members that Holm's correction can handle: bounds are computed beforehand at alpha/1 … alpha/20."""

_METRIC = r"^[a-z0-9][a-z0-9_-]*\.[^\s.].*$"
_SLICE = r"^[^=]+=.+$"


def _metric(value: str) -> str:
    if re.match(_METRIC, value) is None:
        raise ValueError(f"expected `evaluation.metric`, such as reviews.accuracy, found {value[:60]!r}")
    return value


def _slice(value: str) -> str:
    if re.match(_SLICE, value) is None:
        raise ValueError(f"expected `key=value`, such as source=tweets, found {value[:60]!r}")
    return value


MetricId = Annotated[str, AfterValidator(_metric), Field(json_schema_extra={"pattern": _METRIC})]
SliceName = Annotated[str, AfterValidator(_slice), Field(json_schema_extra={"pattern": _SLICE})]


class AlphaSpending(Strict):
    """An error rate that several attempts share: every one is held to alpha / attempts (Bonferroni)."""

    attempts: int = Field(
        ge=1, le=1000, description="Candidates that may be judged under one lock file; every counted run is one."
    )


class PlannedLooks(Strict):
    """Looks whose number is fixed beforehand: each is held to alpha / looks (Bonferroni), by the figure's method."""

    looks: int = Field(ge=2, le=10, description="Times that the gate may be judged, each time with more items.")


class Defaults(Strict):
    """What rules take over when they do not say otherwise."""

    alpha: Alpha = Field(0.05, description="One-sided error rate of each bound; 0.05 reads the 95% bound.")
    on_inconclusive: Literal["fail", "warn"] = Field(
        "fail", description="fail: an inconclusive gate blocks (exit code 11). warn: the gate is only shown."
    )
    min_n: int = Field(100, ge=1, description="A gate with fewer items is inconclusive.")
    min_coverage: float = Field(1.0, gt=0, le=1, description="Minimum fraction of items with an answer.")
    severity: Severity = Field("error", description="warn: the gate is shown but never blocks.")
    alpha_spending: AlphaSpending | None = Field(
        None, description="Share alpha among this many attempts, which the lock file counts; off by default."
    )


Missing = Annotated[
    Literal["worst_case", "complete_case"],
    Field(
        description="Under min_coverage < 1: count missing answers as the worst that they could be, or leave them out."
    ),
]


class BaseRule(Defaults):
    """What every rule takes."""

    kind: str
    id: Name = Field(description="Stable name, used in reports and waivers.")
    metric: MetricId = Field(description="`evaluation.metric`, such as `reviews.accuracy`.")
    model: str | None = Field(None, description="Model to judge. Defaults to every release candidate.")

    @property
    def evaluation(self) -> str:
        return self.metric.partition(".")[0]

    @property
    def metric_name(self) -> str:
        return self.metric.partition(".")[2]

    @property
    def compared_with(self) -> str | None:
        """The model that it names to compare with; None where it names none."""
        return None


class SlicedRule(BaseRule):
    """A rule that can look at one slice, or at each slice of a kind."""

    slice: SliceName | None = Field(None, description="One slice, such as `source=tweets`.")
    each_slice: str | None = Field(None, description="Slice column, such as `source`: one verdict per slice.")
    correction: Literal["none", "holm"] = Field(
        "none", description="holm: a slice fails only at a level corrected for the number of slices."
    )
    sequential: bool | PlannedLooks = Field(
        False,
        description="true: judge by bounds that hold at every number of items at once, so that one may look as often "
        "as one likes and stop as soon as the gate is decided. {looks: 3}: look up to three times.",
    )
    missing: Missing = "worst_case"
    adjust: bool = Field(
        False,
        description="Where only some items have a costly value (a judge's verdict, a label): judge the figure that the "
        "cheap values of all items make surer. It estimates the same.",
    )

    @property
    def reads_point(self) -> bool:
        """Whether it is judged by the value itself and not by a bound."""
        return False

    @property
    def is_relative(self) -> bool:
        """Whether its margin is a ratio."""
        return False

    @property
    def anytime(self) -> bool:
        """Whether its bounds hold at every number of items at once."""
        return self.sequential is True

    @property
    def looks(self) -> int:
        """Times that it may be judged by bounds which hold once; they share alpha."""
        return self.sequential.looks if isinstance(self.sequential, PlannedLooks) else 1

    @model_validator(mode="after")
    def _slices(self) -> SlicedRule:
        if self.slice is not None and self.each_slice is not None:
            raise ValueError("expected `slice` or `each_slice`, found both")
        if self.sequential and self.reads_point:
            raise ValueError("`sequential` does not fit `bound: point`: the value itself has no bounds")
        if self.adjust and (self.anytime or self.slice is not None or self.each_slice is not None):
            other = "sequential: true" if self.anytime else "slice" if self.slice is not None else "each_slice"
            raise ValueError(f"`adjust` does not fit `{other}`: only figures of all items at one look are adjusted")
        if self.adjust and self.is_relative:
            raise ValueError("`adjust` does not fit a relative margin: differences are adjusted, not ratios")
        if self.correction == "holm" and self.each_slice is None:
            raise ValueError("`correction: holm` requires `each_slice`: a single claim needs no correction")
        return self


class ComparedRule(SlicedRule):
    """A rule about candidate against baseline."""

    baseline: str | None = Field(None, description="Model to compare with. Defaults to the baseline in `compare`.")

    @property
    def compared_with(self) -> str | None:
        return self.baseline


class Ratio(Strict):
    """A margin as candidate / baseline: 1.05 allows 5% more, 0.98 asks for at least 98%."""

    ratio: Factor


class SuperiorityRule(ComparedRule):
    """Better than the baseline by more than `margin`."""

    kind: Literal["superiority"]
    margin: Allowance = 0.0


class NonInferiorityRule(ComparedRule):
    """Not worse than the baseline by more than `margin`."""

    kind: Literal["non_inferiority"]
    margin: Allowance | Ratio

    @property
    def is_relative(self) -> bool:
        return isinstance(self.margin, Ratio)


class EquivalenceRule(ComparedRule):
    """The difference to the baseline lies within ± `margin` (two one-sided tests)."""

    kind: Literal["equivalence"]
    margin: PositiveLimit


class AbsoluteRule(SlicedRule):
    """The model's own level: at least `min`, at most `max`."""

    kind: Literal["absolute"]
    min: Limit | None = None
    max: Limit | None = None
    bound: Literal["lower", "upper", "point"] | None = Field(
        None,
        description="lower (for min), upper (for max): the conservative bound (default). point: the estimate.",
    )

    @property
    def reads_point(self) -> bool:
        return self.bound == "point"

    @model_validator(mode="after")
    def _limits(self) -> AbsoluteRule:
        if self.min is None and self.max is None:
            raise ValueError("expected `min`, `max` or both, found neither")
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError(f"expected min ≤ max, found {self.min} and {self.max}")
        if (self.bound == "lower" and self.min is None) or (self.bound == "upper" and self.max is None):
            raise ValueError(
                f"`bound: {self.bound}` does not fit: `min` is judged by the lower bound, `max` by the upper one"
            )
        if self.bound in {"lower", "upper"} and self.min is not None and self.max is not None:
            raise ValueError(f"`bound: {self.bound}` does not fit: a rule with `min` and `max` reads both bounds")
        return self


class TargetRule(SlicedRule):
    """The model's level lies within `ideal` ± `margin`."""

    kind: Literal["target"]
    ideal: Limit | None = Field(None, description="Defaults to the metric's own ideal.")
    margin: PositiveLimit


class NoFlipsRule(BaseRule):
    """No item that the baseline gets right is broken by the model (items with `tag`, or all)."""

    kind: Literal["no_flips"]
    tag: str | None = None
    baseline: str | None = None

    @property
    def compared_with(self) -> str | None:
        return self.baseline


Sliced = SuperiorityRule | NonInferiorityRule | EquivalenceRule | AbsoluteRule | TargetRule
Leaf = Sliced | NoFlipsRule
"""A rule about one figure."""

KINDS: dict[str, type[Leaf]] = {
    "superiority": SuperiorityRule,
    "non_inferiority": NonInferiorityRule,
    "equivalence": EquivalenceRule,
    "absolute": AbsoluteRule,
    "target": TargetRule,
    "no_flips": NoFlipsRule,
}


class Composition(Defaults):
    """Several rules judged as one gate."""

    id: Name = Field(description="Stable name, used in reports and waivers.")
    model: str | None = Field(None, description="Model to judge. Defaults to every release candidate.")

    @property
    def kind(self) -> Literal["all_of", "any_of", "mean_of", "pooled", "max_drop"]:
        return "all_of" if isinstance(self, AllOfRule) else "any_of"

    @property
    def members(self) -> tuple[Rule, ...]:
        """The rules below this one, in the order of the file."""
        return tuple(getattr(self, self.kind))

    def with_members(self, members: list[Rule]) -> Composition:
        return self.model_copy(update={self.kind: members})


class AllOfRule(Composition):
    """Every member must pass; no correction is needed (intersection–union)."""

    all_of: list[Any] = Field(min_length=1, max_length=MAX_FAMILY, description="Rules that all must pass.")


class AnyOfRule(Composition):
    """One member must pass, at a level that Holm corrects for the number of members."""

    any_of: list[Any] = Field(min_length=1, max_length=MAX_FAMILY, description="Rules of which at least one must pass.")


class WeightedMetric(Strict):
    """A part of a joint gate that counts more or less than the others."""

    metric: MetricId
    weight: float = Field(1.0, gt=0, allow_inf_nan=False)


def _weighted(value: Any) -> Any:
    return {"metric": value} if isinstance(value, str) else value


PartMetric = Annotated[
    WeightedMetric,
    BeforeValidator(_weighted, json_schema_input_type=MetricId | WeightedMetric),
    Field(description="`evaluation.metric`, or {metric, weight}."),
]


Claim = SuperiorityRule | NonInferiorityRule | EquivalenceRule
_CLAIMS: dict[str, type[Claim]] = {
    "superiority": SuperiorityRule,
    "non_inferiority": NonInferiorityRule,
    "equivalence": EquivalenceRule,
}


_JOINT_KEYS = ("id", "model", "margin", "baseline", "missing")


class JointRule(Composition):
    """One claim about several evaluations at once: their weighted mean, their pooled items, or the worst of them."""

    claim: Literal["superiority", "non_inferiority", "equivalence"] = Field(alias="kind")
    margin: Allowance = Field(0.0, description="In the unit that all parts share.")
    baseline: str | None = Field(None, description="Model to compare with. Defaults to each evaluation's baseline.")
    missing: Missing = "worst_case"

    @property
    def how(self) -> Literal["mean_of", "pooled", "max_drop"]:
        if isinstance(self, MeanOfRule):
            return "mean_of"
        return "pooled" if isinstance(self, PooledRule) else "max_drop"

    @property
    def kind(self) -> Any:
        return self.how

    @property
    def weights(self) -> dict[str, float]:
        """Metric → its weight."""
        return {part.metric: part.weight for part in getattr(self, self.how)}

    @property
    def title(self) -> str:
        """What is judged, in words."""
        names = [f"{metric} (weight {weight:g})" if weight != 1 else metric for metric, weight in self.weights.items()]
        comma = "," if len(names) > 2 else ""
        listed = f"{', '.join(names[:-1])}{comma} and {names[-1]}"
        how = {"mean_of": "the mean of", "pooled": "the pooled items of", "max_drop": "the worst of"}[self.how]
        return f"{how} {listed}"

    @property
    def members(self) -> tuple[Rule, ...]:
        """A rule for each part, which says what it needs; the parts are not judged on their own."""
        return tuple(self.about(metric, id=metric) for metric in self.weights)

    def about(self, metric: str, **more: Any) -> Claim:
        """The same claim as a rule about one figure."""
        own = {key: getattr(self, key) for key in (*Defaults.model_fields, *_JOINT_KEYS)}
        return _CLAIMS[self.claim].model_construct(**{**own, "kind": self.claim, "metric": metric, **more})

    def with_members(self, members: list[Rule]) -> Composition:
        """The same at the level of its members."""
        return self.model_copy(update={"alpha": members[0].alpha})

    @model_validator(mode="after")
    def _parts(self) -> JointRule:
        if len(self.weights) < len(getattr(self, self.how)):
            raise ValueError("the same metric is named twice")
        if self.claim == "equivalence" and not self.margin > 0:
            raise ValueError("`equivalence` requires a `margin` above 0")
        return self


class MeanOfRule(JointRule):
    """Evaluations count by their weights, however many items they have."""

    mean_of: list[PartMetric] = Field(min_length=2, max_length=MAX_FAMILY)


class PooledRule(JointRule):
    """Items count alike, whichever evaluation they are from."""

    pooled: list[PartMetric] = Field(min_length=2, max_length=MAX_FAMILY)


class MaxDropRule(JointRule):
    """No evaluation may lose: the worst one is judged."""

    max_drop: list[PartMetric] = Field(min_length=2, max_length=MAX_FAMILY)


JOINTS: dict[str, type[JointRule]] = {"mean_of": MeanOfRule, "pooled": PooledRule, "max_drop": MaxDropRule}
Rule = Leaf | Composition
COMPOSITIONS: dict[str, type[Composition]] = {"all_of": AllOfRule, "any_of": AnyOfRule}
COMPOSED_KEYS = ("alpha", "severity", "on_inconclusive", "alpha_spending")
"""What a composition decides for its members; a member may not say otherwise."""


def leaves(rule: Rule) -> Iterator[Leaf]:
    """The rules about figures that a rule comes down to; itself when it is one."""
    if not isinstance(rule, Composition):
        yield rule
        return
    for member in rule.members:
        yield from leaves(member)


def joint_rules(rules: Sequence[Rule]) -> Iterator[JointRule]:
    """The rules about several evaluations, those inside compositions too."""
    for rule in rules:
        if isinstance(rule, JointRule):
            yield rule
        elif isinstance(rule, Composition):
            yield from joint_rules(rule.members)


def models_of(rule: Rule, release: Sequence[str]) -> list[str | None]:
    """Whom a rule judges, each on its own; [None] for a composition whose members all name a model."""
    if rule.model is not None:
        return [rule.model]
    if isinstance(rule, Composition) and all(leaf.model is not None for leaf in leaves(rule)):
        return [None]
    return list(release)


class Waiver(Strict):
    """A gate that does not block until a day, with the reason and who answers for it."""

    gate: str
    reason: str = Field(min_length=1)
    owner: str = Field(min_length=1)
    expires: date = Field(description="Last day of the waiver, in UTC, such as 2027-01-31.")
    model: str | None = Field(None, description="Apply the waiver to this model only.")


@dataclass(frozen=True, slots=True)
class LeftOutGate:
    """A verdict that was asked for and that a part of a suite cannot give.

    Attributes:
        model: whom it would have judged; None for a composition whose members name their models.
        reason: what is missing.
    """

    rule: Rule
    model: str | None
    reason: str


@dataclass(frozen=True, slots=True)
class RuleOrigin:
    """What a policy has to do with a rule.

    Attributes:
        policy: the policy that the rule is from; None for a suite's own.
        changes: what was made stricter, in words: by the suite of a policy's rule, or by a policy of the suite's own.
    """

    policy: str | None = None
    changes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RequiredEvaluation:
    """An evaluation that a policy asks of every released model, whether a gate names it or not."""

    evaluation: str
    policy: str


@dataclass(frozen=True, slots=True)
class GateSet:
    """The gates of a suite, and of the policies that hold it.

    Attributes:
        places: rule id (of a member: `gate/member`) → its place in the file.
        left_out: verdicts that `--only` left nothing to judge for; each is an error.
        origins: rule id → what a policy has to do with it; of rules that none touches there is no entry.
        required: evaluations that policies ask for.
    """

    defaults: Defaults = field(default_factory=Defaults)
    rules: tuple[Rule, ...] = ()
    waivers: tuple[Waiver, ...] = ()
    places: dict[str, Where] = field(default_factory=dict)
    left_out: tuple[LeftOutGate, ...] = ()
    origins: dict[str, RuleOrigin] = field(default_factory=dict)
    required: tuple[RequiredEvaluation, ...] = ()

    def __bool__(self) -> bool:
        """Whether any gate was asked for."""
        return bool(self.rules or self.left_out or self.required)

    @property
    def leaves(self) -> tuple[Leaf, ...]:
        """All rules about figures, those inside compositions too."""
        return tuple(leaf for rule in self.rules for leaf in leaves(rule))

    def narrowed(self, left_out: Sequence[LeftOutGate], release: Sequence[str]) -> GateSet:
        """The same set where some verdicts cannot be given; rules that can judge no one are no longer asked.

        Args:
            release: the candidates that rules judged before any was left out.
        """
        out = {(gate.rule.id, gate.model) for gate in left_out}
        rules = tuple(
            rule
            for rule in self.rules
            if not all((rule.id, model) in out for model in models_of(rule, release) or ["?"])
        )
        return replace(self, rules=rules, left_out=(*self.left_out, *left_out))


def waiver_of(gates: GateSet, gate: str, model: str | None, today: date) -> tuple[str | None, bool]:
    """The waiver of a gate in words, and whether it holds today.

    Args:
        today: the day in UTC, so that one waiver ends at one moment on all machines; the last day is included.
    """
    fitting = [waiver for waiver in gates.waivers if waiver.gate == gate and waiver.model in (None, model)]
    if not fitting:
        return None, False
    latest = max(fitting, key=lambda waiver: waiver.expires)
    holds = today <= latest.expires
    until = f"waived until {latest.expires} (UTC)" if holds else f"waiver expired on {latest.expires} (UTC)"
    return f"{until} by {latest.owner}: {latest.reason}", holds

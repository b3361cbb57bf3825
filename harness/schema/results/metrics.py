"""Figures: metrics, comparisons, training seeds, flips, tables."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from harness.core.interval import Interval, Number
from harness.core.metric import Counted
from harness.schema.results.base import Direction, Result


class SeedsResult(Result):
    """A figure over several training seeds that were crossed with the items.

    Attributes:
        level_of_inference: `recipe` from three seeds on: the interval holds for what training with another seed
            would give. `checkpoint`: fewer, or no interval; the figures are of these checkpoints only.
        seeds: the training seeds, in the order of `values`.
        values: the candidate's figure by seed, minus the baseline's mean in a comparison.
        interval: their mean, with a t interval with `df` = seeds − 1 degrees of freedom.
        ratio: mean candidate / baseline with its interval (log scale); None where the comparison has none.
        variance_seeds, variance_items, variance_interaction: V = V_seeds + V_items − V_interaction.
        seeds_identical: the seeds do not differ on any item (the one-checkpoint interval holds for them all).
        baseline_seeds: seeds of the baseline; empty when it is one checkpoint.
    """

    level_of_inference: Literal["checkpoint", "recipe"]
    seeds: list[int]
    baseline_seeds: list[int] = Field(default_factory=list)
    values: list[float | None]
    interval: Interval
    ratio: Interval | None = None
    p: float | None = None
    variance_seeds: float | None = None
    variance_items: float | None = None
    variance_interaction: float | None = None
    df: float
    n: int
    clusters: int
    n_eff: float | None = None
    coverage: list[float] = Field(default_factory=list, description="share of items with status ok, by candidate seed")
    baseline_coverage: list[float] = Field(default_factory=list, description="the same of the baseline's seeds")
    seeds_identical: bool = False
    method: str
    weaknesses: list[str] = Field(default_factory=list)
    unmet: list[str] = Field(default_factory=list)
    fault: str | None = Field(None, description="why the seeds cannot be judged together; gates are errors")


class SamplingResult(Result):
    """Where the variance of a figure of sampled answers comes from.

    Attributes:
        samples: answers to each item.
        items: the variance of the figure that other items would bring, with every item's own mean known.
        sampling: the variance that other answers to the same items would bring; it falls with `samples`.
    """

    samples: int
    items: float
    sampling: float

    @property
    def sentence(self) -> str:
        """The same for people."""
        whole = self.items + self.sampling
        share = self.sampling / whole if whole > 0 else 0.0
        return (
            f"a mean over {self.samples} sampled answers to each item: {share:.0%} of its variance comes from the "
            f"answers, which more of them reduce, and {1 - share:.0%} from the items"
        )


class AdjustedResult(Result):
    """A mean whose costly values chance gave to some items, made surer by cheap values of all items.

    Costly is a judge's verdict on some texts, or the candidate's answer where the baseline answered more items.

    Attributes:
        interval: estimates the same as the plain one.
        n, total: items with a costly value, and all.
        n_eff: independent costly values that would be as sure without the cheap ones.
        gain: of the effective number, by these.
        unmet: preconditions that the values do not meet; no gate passes on them.
    """

    interval: Interval
    n: int
    total: int
    n_eff: float
    gain: float
    method: str = ""
    weaknesses: list[str] = Field(default_factory=list)
    unmet: list[str] = Field(default_factory=list)

    @property
    def sentence(self) -> str:
        """The gain for people."""
        return f"cheap values of {self.total:,} items make {self.n:,} costly ones worth {self.gain:.2f} × as many"


class MetricResult(Result):
    """One metric of one model, on all items or on a slice.

    Attributes:
        id: `evaluation.metric`, such as `reviews.accuracy`.
        interval: the value with its interval, and its one-sided bounds for absolute and target gates.
        n, clusters: items and independent clusters behind the value.
        n_eff: how many independent items of equal weight carry it; `min_n` of gates reads this one.
        unmet: preconditions of `method` that these items do not meet; no gate passes on its bounds.
        seeds: the level over several training seeds; all else is of the first seed's checkpoint.
        anytime: bounds that hold at every number of items at once, for gates with `sequential: true`.
        missing, worst_case: items without an answer, and bounds over everything that these could be (Manski);
            None where none is missing, or where the metric has no worst value.
        sampling: of means over several sampled answers to each item, the parts of its variance; None elsewhere.
        adjusted: of means of costly values that only some items have, with what cheap values of all items say; gates
            with `adjust: true` read it. None elsewhere.
        counted: what `n` counts. Blocks of timings are no items: `min_n` of gates does not read them.
    """

    id: str
    evaluation: str
    metric: str
    model: str
    slice: str | None = None
    protocol: str
    interval: Interval
    n: int
    clusters: int
    n_eff: float | None = None
    unit: str
    direction: Direction
    ideal: float | None = None
    method: str
    weaknesses: list[str] = Field(default_factory=list)
    unmet: list[str] = Field(default_factory=list)
    seeds: SeedsResult | None = None
    anytime: Interval | None = None
    missing: int = 0
    worst_case: Interval | None = None
    sampling: SamplingResult | None = None
    adjusted: AdjustedResult | None = None
    counted: Counted = "items"
    status: Literal["ok", "undefined"] = "ok"
    reason: str | None = None


class OverlapResult(Result):
    """A difference without the items that training data hold, and how much these could explain.

    Attributes:
        n: items that overlap with training data.
        without: the difference on the other items, with its interval.
        explained, low, high: the difference on all items minus that one, with its 95% interval: what contamination
            could explain lies within. No ends where too few items overlap to tell.
    """

    n: int
    without: Interval
    explained: float
    low: Number = None
    high: Number = None


class ComparisonResult(Result):
    """Candidate minus baseline for one metric on identical items.

    Attributes:
        baseline, candidate: the models.
        baseline_value, candidate_value: the metric of either on the shared items.
        delta: candidate − baseline with its interval, in the metric's unit (not oriented).
        improvement: delta oriented so that above zero is better; None for target metrics.
        ratio: candidate / baseline with its interval (log scale), for ratio metrics that are positive.
        simultaneous: of slices, delta with the interval at 1 − (1 − confidence)/m for m slices (Bonferroni): with
            the confidence of `delta` all of the metric's slices hold their true differences at once.
        p: two-sided p-value of "no difference"; `test` names the test.
        mde: smallest true difference that this n would detect with 80% power at alpha 0.05
            (one-sided), in the metric's unit.
        n_eff, unmet: as of `MetricResult`.
        only_baseline, only_candidate: items that the other side lacks (they are left out).
        identical: every paired statistic is equal.
        distance_change: for target metrics |candidate − ideal| − |baseline − ideal|, descriptive.
        p_adjusted, family, correction: of slices, within the `family` of this metric's slices with a p-value.
        seeds: the difference over several training seeds; all else is of the first seed's checkpoint.
        slow: the metric has no sufficient statistics and was recomputed on every resample.
        anytime, missing, worst_case, sampling: as of `MetricResult`.
        adjusted: as of `MetricResult`, or with what further items of the baseline say.
        overlap: the difference without items that overlap with training data; None where none do.
        counted: as of `MetricResult`.
    """

    id: str
    evaluation: str
    metric: str
    slice: str | None = None
    baseline: str
    candidate: str
    baseline_protocol: str
    candidate_protocol: str
    baseline_value: float | None
    candidate_value: float | None
    delta: Interval
    improvement: float | None
    ratio: Interval | None = None
    simultaneous: Interval | None = None
    p: float | None = None
    p_adjusted: float | None = None
    family: int | None = None
    correction: str | None = None
    test: str | None = None
    mde: float | None = None
    required_n: int | None = Field(
        None, description="number of items that detect a true difference of the observed size with 80% power"
    )
    discordant: float | None = None
    n: int
    clusters: int
    n_eff: float | None = None
    unit: str
    direction: Direction
    ideal: float | None = None
    distance_change: float | None = None
    identical: bool = False
    only_baseline: int = 0
    only_candidate: int = 0
    method: str
    weaknesses: list[str] = Field(default_factory=list)
    unmet: list[str] = Field(default_factory=list)
    comparability: list[str] = Field(default_factory=list)
    seeds: SeedsResult | None = None
    slow: bool = False
    anytime: Interval | None = None
    missing: int = 0
    worst_case: Interval | None = None
    sampling: SamplingResult | None = None
    adjusted: AdjustedResult | None = None
    overlap: OverlapResult | None = None
    counted: Counted = "items"
    status: Literal["ok", "undefined", "refused"] = "ok"
    reason: str | None = None


class FlipsResult(Result):
    """What changed item by item between two models on one evaluation (2×2 table)."""

    evaluation: str
    baseline: str
    candidate: str
    both_right: int
    fixed: int
    broken: int
    both_wrong: int
    changed_wrong: int = Field(0, description="both wrong, with different answers")


class TableResult(Result):
    """A confusion matrix (rows: gold, columns: predicted) or a reliability table of a model."""

    evaluation: str
    model: str
    kind: Literal["confusion", "reliability"]
    rows: list[str]
    columns: list[str]
    values: list[list[float | None]]

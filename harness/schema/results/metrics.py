"""Figures: metrics, comparisons, training seeds, flips, tables."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from harness.schema.results.base import Direction, Result


class SeedsResult(Result):
    """A figure over several training seeds that were crossed with the items.

    Attributes:
        reads: `recipe` from three seeds on: the interval holds for what training with another seed
            would give. `checkpoint`: fewer, or no interval; the figures are of these checkpoints only.
        seeds: the training seeds, in the order of `values`.
        values: the candidate's figure by seed, minus the baseline's mean in a comparison.
        delta: their mean; low, high, bounds, p: as in the result that this belongs to, with
            `freedom` = seeds − 1 degrees of freedom.
        variance_seeds, variance_items, variance_interaction: V = V_seeds + V_items − V_interaction.
        alike: the seeds do not differ on any item (the one-checkpoint interval holds for them all).
        baseline_seeds: seeds of the baseline; empty when it is one checkpoint.
    """

    reads: Literal["checkpoint", "recipe"]
    seeds: list[int]
    baseline_seeds: list[int] = Field(default_factory=list)
    values: list[float | None]
    delta: float | None
    low: float | None = None
    high: float | None = None
    bounds: dict[str, tuple[float | None, float | None]] = Field(default_factory=dict)
    ratio: float | None = None
    ratio_low: float | None = None
    ratio_high: float | None = None
    ratio_bounds: dict[str, tuple[float | None, float | None]] = Field(default_factory=dict)
    p: float | None = None
    standard_error: float | None = None
    variance_seeds: float | None = None
    variance_items: float | None = None
    variance_interaction: float | None = None
    freedom: int
    n: int
    clusters: int
    alike: bool = False
    method: str
    weaknesses: list[str] = Field(default_factory=list)


class MetricResult(Result):
    """One metric of one model, on all items or on a slice.

    Attributes:
        id: `evaluation.metric`, such as `reviews.accuracy`.
        low, high: the two-sided interval at `confidence`.
        bounds: alpha → [lower, upper] one-sided bounds, for absolute and target gates.
        n, clusters: items and independent clusters behind the value.
        seeds: the level over several training seeds; all else is of the first seed's checkpoint.
    """

    id: str
    evaluation: str
    metric: str
    model: str
    slice: str | None = None
    protocol: str
    value: float | None
    low: float | None = None
    high: float | None = None
    confidence: float = 0.95
    bounds: dict[str, tuple[float | None, float | None]] = Field(default_factory=dict)
    n: int
    clusters: int
    unit: str
    direction: Direction
    ideal: float | None = None
    method: str
    weaknesses: list[str] = Field(default_factory=list)
    seeds: SeedsResult | None = None
    status: Literal["ok", "undefined"] = "ok"
    reason: str | None = None


class ComparisonResult(Result):
    """Candidate minus baseline for one metric on identical items.

    Attributes:
        delta: candidate − baseline, in the metric's unit (not oriented).
        improvement: delta oriented so that above zero is better; None for target metrics.
        low, high: two-sided interval of delta at `confidence`.
        bounds: alpha → [lower, upper] one-sided bounds of **delta**.
        ratio, ratio_low, ratio_high, ratio_bounds: candidate / baseline with its interval (log
            scale), for ratio metrics that are positive; None otherwise.
        p: two-sided p-value of "no difference"; `test` names the test.
        mde: smallest true difference that this n would detect with 80% power at alpha 0.05
            (one-sided), in the metric's unit.
        only_baseline, only_candidate: items that the other side lacks (they are left out).
        identical: every paired statistic is equal.
        distance_change: for target metrics |candidate − ideal| − |baseline − ideal|, descriptive.
        p_adjusted, family, correction: of slices, within the `family` of this metric's slices with a p-value.
        adjusted_low, adjusted_high: of slices, at 1 − (1 − confidence)/m for m slices (Bonferroni): with
            `confidence` all of the metric's slices hold their true differences at once.
        seeds: the difference over several training seeds; all else is of the first seed's checkpoint.
        slow: the metric has no sufficient statistics and was recomputed on every resample.
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
    delta: float | None
    improvement: float | None
    low: float | None = None
    high: float | None = None
    confidence: float = 0.95
    bounds: dict[str, tuple[float | None, float | None]] = Field(default_factory=dict)
    ratio: float | None = None
    ratio_low: float | None = None
    ratio_high: float | None = None
    ratio_bounds: dict[str, tuple[float | None, float | None]] = Field(default_factory=dict)
    p: float | None = None
    p_adjusted: float | None = None
    family: int | None = None
    correction: str | None = None
    adjusted_low: float | None = None
    adjusted_high: float | None = None
    test: str | None = None
    mde: float | None = None
    needed: int | None = Field(
        None, description="number of items that detect a true difference of the observed size with 80% power"
    )
    standard_error: float | None = None
    discordant: float | None = None
    n: int
    clusters: int
    unit: str
    direction: Direction
    ideal: float | None = None
    distance_change: float | None = None
    identical: bool = False
    only_baseline: int = 0
    only_candidate: int = 0
    method: str
    weaknesses: list[str] = Field(default_factory=list)
    comparability: list[str] = Field(default_factory=list)
    seeds: SeedsResult | None = None
    slow: bool = False
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

"""Whether the tests behind the verdicts hold on the run's own records."""

from __future__ import annotations

from pydantic import Field

from harness.schema.results.base import Result


class FalseAlarmsResult(Result):
    """How often a difference test claims a difference when the two sides are swapped by coin.

    Attributes:
        alarms: of `swaps` random swaps of whole clusters those with p ≤ alpha; rate, low, high: their share
            with its exact 99% interval.
        nominal: the rate is compatible with alpha or below; None when nothing could be counted.
        differing: clusters that differ between the two sides at all.
        reason: why nothing was counted.
    """

    evaluation: str
    metric: str
    baseline: str
    candidate: str
    test: str | None
    alpha: float
    swaps: int
    alarms: int
    undefined: int = 0
    rate: float | None = None
    low: float | None = None
    high: float | None = None
    nominal: bool | None = None
    n: int
    clusters: int
    differing: int
    reason: str | None = None


class NoiseResult(Result):
    """What differs when one model is asked the same twice, with another batch size and order.

    Attributes:
        identical: every statistic is equal to the last bit.
        largest: largest change of any statistic on any item; None when it is not known.
        changed: items with a changed statistic; answers: of those, items with another answer.
        delta: change of the metric itself: the noise floor, below which no difference means anything.
    """

    evaluation: str
    model: str
    metric: str
    n: int
    identical: bool
    largest: float | None
    changed: int
    answers: int
    delta: float | None
    reason: str | None = None


class BoundResult(Result):
    """How often the bound that a gate reads lies beyond the truth, on samples of the run's own records.

    Attributes:
        gate: its id; of a member of a composition `gate/member`.
        missed: of `draws` samples of whole clusters those whose bound lies beyond the figure of all records; rate, low,
            high: their share with its exact 99% interval.
        undefined: samples without a bound.
        holds: the rate is compatible with alpha or below; None when nothing could be counted.
        reason: why nothing was counted.
    """

    gate: str
    metric: str
    model: str
    baseline: str | None = None
    slice: str | None = None
    alpha: float
    draws: int
    missed: int
    undefined: int = 0
    rate: float | None = None
    low: float | None = None
    high: float | None = None
    holds: bool | None = None
    reason: str | None = None


class SelftestResult(Result):
    """`harness selftest`: whether the tests behind the verdicts hold on the run's own records.

    Attributes:
        passed: no test claims differences, and no bound of a gate misses the truth, more often than it may.
        noise_reason: why no model was asked again; None when one was.
        sentence: the whole for people.
    """

    passed: bool
    sentence: str
    false_alarms: list[FalseAlarmsResult]
    bounds: list[BoundResult] = Field(default_factory=list)
    noise: list[NoiseResult] = Field(default_factory=list)
    noise_reason: str | None = None

"""What an estimate or a paired difference is, whatever method made it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

Kind = Literal["mean", "ratio", "additive", "recompute"]
Value = Callable[[FloatArray, Any], FloatArray]
"""Sums [..., k] and numbers of items [...] to values [...]."""

Bounds = dict[float, tuple[float, float]]
"""alpha → one-sided (lower, upper) bounds, each at level 1 − alpha. Both together are the
1 − 2·alpha interval that two one-sided tests (TOST) ask for."""

NAN = float("nan")


@dataclass(frozen=True, slots=True)
class Estimate:
    """The level of one metric for one model.

    Attributes:
        value: the metric on all its items; NaN when undefined.
        low, high: two-sided interval at `confidence`; NaN when undefined.
        bounds: one-sided bounds by alpha.
        n: items behind the value.
        clusters: independent groups of items; `n` when every item stands for itself.
        method: how the interval was made, for people.
        weaknesses: what a reader must know before trusting the interval.
        standard_error: of the value, NaN when unknown.
    """

    value: float
    low: float
    high: float
    confidence: float
    bounds: Bounds
    n: int
    clusters: int
    method: str
    weaknesses: tuple[str, ...] = ()
    standard_error: float = NAN


@dataclass(frozen=True, slots=True)
class Difference:
    """Candidate minus baseline of one metric on identical items; not oriented.

    Attributes:
        delta: candidate − baseline.
        low, high: two-sided interval of delta at `confidence`.
        bounds: one-sided bounds of delta by alpha.
        p: two-sided p-value of "no difference"; 1 for identical systems; NaN when undefined.
        test: the test behind `p`.
        standard_error: of delta.
        mde: smallest true difference that is found with 80% power at alpha 0.05, one-sided.
        discordant: share of pairs that differ, for binary statistics; NaN otherwise.
        identical: every paired statistic is equal.
        ratio, ratio_low, ratio_high, ratio_bounds: candidate / baseline on the log scale, for kind
            `ratio` with positive values; NaN and empty otherwise.
    """

    delta: float
    low: float
    high: float
    confidence: float
    bounds: Bounds
    p: float
    test: str
    n: int
    clusters: int
    standard_error: float
    mde: float
    discordant: float
    identical: bool
    method: str
    weaknesses: tuple[str, ...] = ()
    ratio: float = NAN
    ratio_low: float = NAN
    ratio_high: float = NAN
    ratio_bounds: Bounds = field(default_factory=dict)
    base_value: float = NAN
    candidate_value: float = NAN


@dataclass(frozen=True, slots=True)
class Interval:
    """An interval with its one-sided bounds, before it is told what it belongs to."""

    low: float
    high: float
    bounds: Bounds
    standard_error: float = NAN

    @classmethod
    def of(
        cls,
        limits: Callable[[float], tuple[float, float]],
        confidence: float,
        alphas: tuple[float, ...],
        standard_error: float = NAN,
    ) -> Interval:
        """Asks `limits(alpha)` for one-sided (lower, upper) bounds at every level that is needed."""
        low, high = limits((1.0 - confidence) / 2.0)
        return cls(low, high, {alpha: limits(alpha) for alpha in alphas}, standard_error)

    @classmethod
    def undefined(cls, alphas: tuple[float, ...]) -> Interval:
        return cls(NAN, NAN, dict.fromkeys(alphas, (NAN, NAN)))

    def mapped(self, function: Callable[[float], float]) -> Interval:
        """The interval under an increasing function, such as exp."""
        bounds = {alpha: (function(low), function(high)) for alpha, (low, high) in self.bounds.items()}
        return Interval(function(self.low), function(self.high), bounds)

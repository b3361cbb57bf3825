"""What an estimate or a paired difference is, whatever method made it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from harness.core.interval import NAN, Interval

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

Kind = Literal["mean", "ratio", "additive", "recompute"]
Value = Callable[[FloatArray, Any], FloatArray]
"""Sums [..., k] and numbers of items [...] to values [...]."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """The level of one metric for one model.

    Attributes:
        interval: the metric on all its items, with its interval.
        n: items behind the value.
        clusters: independent groups of items; `n` when every item stands for itself.
        n_eff: how many independent items of equal weight carry the figure.
        method: how the interval was made, for people.
        weaknesses: what a reader must know before trusting the interval.
        unmet: preconditions of the method that these items do not meet: no verdict may pass on its bounds.
    """

    interval: Interval
    n: int
    clusters: int
    n_eff: float
    method: str
    weaknesses: tuple[str, ...] = ()
    unmet: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Difference:
    """Candidate minus baseline of one metric on identical items; not oriented.

    Attributes:
        delta: candidate − baseline, with its interval.
        ratio: candidate / baseline, with an interval made on the log scale; None unless the metric is a ratio
            of sums and both values are positive.
        p: two-sided p-value of "no difference"; 1 for identical systems; NaN when undefined.
        test: the test behind `p`.
        mde: smallest true difference that is found with 80% power at alpha 0.05, one-sided.
        n_eff, unmet: as of `Estimate`.
        discordant: share of pairs that differ, for binary statistics; NaN otherwise.
        identical: every paired statistic is equal, or differs by no more than scoring is exact to.
        base_value, candidate_value: the metric on either side; NaN when undefined.
    """

    delta: Interval
    ratio: Interval | None
    p: float
    test: str
    n: int
    clusters: int
    n_eff: float
    mde: float
    discordant: float
    identical: bool
    method: str
    weaknesses: tuple[str, ...] = ()
    unmet: tuple[str, ...] = ()
    base_value: float = NAN
    candidate_value: float = NAN

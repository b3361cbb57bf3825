"""The one decision that every statistical gate comes down to.

A quantity with one-sided bounds (low, high) must lie within limits (floor, ceiling). Superiority
is an improvement above a floor, non-inferiority one above −margin (or a ratio below a ceiling),
equivalence a difference within ± margin, target a level within ideal ± margin.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

Outcome = Literal["pass", "fail", "inconclusive", "error"]


@dataclass(frozen=True, slots=True)
class Limits:
    """What is allowed; `strict`: reaching the limit is not enough."""

    floor: float = -math.inf
    ceiling: float = math.inf
    strict: bool = False


@dataclass(frozen=True, slots=True)
class JudgedValue:
    """A value with its one-sided lower and upper bound at the gate's alpha; NaN where there is none."""

    value: float
    low: float
    high: float

    @property
    def sound(self) -> bool:
        """All three are finite numbers and the bounds are in order."""
        return all(math.isfinite(number) for number in (self.value, self.low, self.high)) and self.low <= self.high

    def negated(self) -> JudgedValue:
        return JudgedValue(-self.value, -self.high, -self.low)


def decide(interval: JudgedValue, limits: Limits) -> Outcome:
    """pass when the bounds clear the limits, fail when they show the harm, else inconclusive.

    Numbers that are not finite are an error, never a pass.
    """
    if not interval.sound or math.isnan(limits.floor) or math.isnan(limits.ceiling):
        return "error"
    if limits.strict:
        if interval.low > limits.floor and interval.high < limits.ceiling:
            return "pass"
        return "fail" if interval.high <= limits.floor or interval.low >= limits.ceiling else "inconclusive"
    if interval.low >= limits.floor and interval.high <= limits.ceiling:
        return "pass"
    return "fail" if interval.high < limits.floor or interval.low > limits.ceiling else "inconclusive"


def deciding_bound(interval: JudgedValue, limits: Limits, outcome: Outcome) -> float:
    """The bound behind an outcome: the one that shows the harm, else the one nearest its limit."""
    below = math.isfinite(limits.floor)
    above = math.isfinite(limits.ceiling)
    if outcome == "fail":
        return interval.high if below and interval.high <= limits.floor else interval.low
    if below and above:
        return interval.low if interval.low - limits.floor <= limits.ceiling - interval.high else interval.high
    return interval.low if below else interval.high


def gap(interval: JudgedValue, limits: Limits) -> float:
    """Distance from the value to the nearest limit, on whichever side of it the value lies."""
    return min(abs(interval.value - limit) for limit in (limits.floor, limits.ceiling) if math.isfinite(limit))

"""What the methods of a paired comparison take, and what they give back."""

from __future__ import annotations

from dataclasses import dataclass

from harness.statistics.clusters import Groups
from harness.statistics.result import NAN, FloatArray, Interval, Value


@dataclass(frozen=True, slots=True)
class Job:
    """A comparison to make: two clean sides of the same items, and how sure to be.

    Attributes:
        levels: the metric on the baseline and on the candidate.
        only_test: the p-value is wanted, not an interval that would have to be resampled.
    """

    base: FloatArray
    candidate: FloatArray
    value: Value
    groups: Groups
    levels: tuple[float, float]
    delta: float
    identical: bool
    confidence: float
    alphas: tuple[float, ...]
    resamples: int
    seed: int
    only_test: bool = False

    @property
    def unit(self) -> str:
        return "clusters" if self.groups.clustered else "items"


@dataclass(frozen=True, slots=True)
class Made:
    """What one method found: an interval, a p-value, and what to say about them."""

    interval: Interval
    p: float
    test: str
    method: str
    said: tuple[str | None, ...] = ()
    discordant: float = NAN

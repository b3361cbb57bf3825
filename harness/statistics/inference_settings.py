"""How sure figures are to be, by which levels and how many draws: one object from the suite to the statistics."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from harness.core.interval import NAN, Interval


@dataclass(frozen=True, slots=True)
class InferenceSettings:
    """What every interval and test of a figure is made with.

    Attributes:
        confidence: of two-sided intervals.
        alphas: levels of the one-sided bounds.
        resamples: of bootstrap and randomization tests.
        seed: of all that is drawn.
        anytime: add bounds that hold at every number of items at once.
        only_test: leave out intervals that would have to be bootstrapped; the p-value is the same.
    """

    confidence: float = 0.95
    alphas: tuple[float, ...] = (0.05,)
    resamples: int = 10_000
    seed: int = 0
    anytime: bool = False
    only_test: bool = False

    def interval(
        self, limits: Callable[[float], tuple[float, float]], standard_error: float = NAN, value: float = NAN
    ) -> Interval:
        """The interval whose one-sided (lower, upper) bounds `limits(alpha)` gives."""
        return Interval.of(limits, self.confidence, self.alphas, standard_error, value)

    def exactly(self, value: float) -> Interval:
        """The interval of what does not vary at all."""
        return Interval.exactly(value, self.confidence, self.alphas)

    def undefined(self, value: float = NAN) -> Interval:
        """An interval without ends."""
        return Interval.undefined(self.confidence, self.alphas, value)


DEFAULT_INFERENCE = InferenceSettings()

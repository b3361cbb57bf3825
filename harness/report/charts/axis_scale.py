"""Linear scales and round ticks for hand-made charts."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from harness.schema.results import number_format


@dataclass(frozen=True, slots=True)
class Scale:
    """Maps [low, high] of the data to [start, end] of the drawing."""

    low: float
    high: float
    start: float
    end: float
    step: float

    def __call__(self, value: float) -> float:
        share = (value - self.low) / (self.high - self.low)
        return round(self.start + min(1.0, max(0.0, share)) * (self.end - self.start), 2)

    def ticks(self) -> list[tuple[float, str]]:
        """(position, label) at round values inside the scale."""
        first, last = math.ceil(self.low / self.step - 1e-9), math.floor(self.high / self.step + 1e-9)
        return [(self(k * self.step), number_format.tick(k * self.step, self.step)) for k in range(first, last + 1)]


def scale(values: Iterable[float], start: float, end: float, *, zero: bool = False, ticks: int = 4) -> Scale:
    """A scale over finite values with some air at both ends; `zero` makes it include zero."""
    finite = [value for value in values if math.isfinite(value)]
    if zero or not finite:
        finite.append(0.0)
    low, high = min(finite), max(finite)
    if high - low < 1e-12:
        pad = abs(high) * 0.5 or 1.0
        low, high = low - pad, high + pad
    air = (high - low) * 0.06
    low, high = low - air, high + air
    rough = (high - low) / ticks
    power = 10.0 ** math.floor(math.log10(rough))
    step = next((m * power for m in (1, 2, 5, 10) if m * power >= 0.7 * rough), 10 * power)
    return Scale(low, high, start, end, step)

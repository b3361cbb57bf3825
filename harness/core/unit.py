"""Units of figures: which are shares of one and shown as percent, and between what values a figure of a unit lies."""

from __future__ import annotations

import math
from dataclasses import dataclass

INF = math.inf


@dataclass(frozen=True, slots=True)
class Unit:
    """The unit of a figure.

    Attributes:
        name: as results hold it.
        fraction: whether figures are shares of one: people read them as percent, and differences as points.
        low, high: the smallest and the largest level that a figure of this unit can have.
    """

    name: str
    fraction: bool = False
    low: float = -INF
    high: float = INF


_KNOWN = {name: Unit(name, True, 0.0, 1.0) for name in ("fraction", "share", "proportion", "rate", "probability", "f1")}
_KNOWN |= {
    unit.name: unit
    for unit in (
        Unit("bits/byte", low=0.0),
        Unit("brier", low=0.0, high=2.0),
        Unit("bleu (0–100)", low=0.0, high=100.0),
        Unit("chrf (0–100)", low=0.0, high=100.0),
        # Edits may be more than the reference has words.
        Unit("ter (0–100)", low=0.0),
        Unit("ratio", low=0.0),
        Unit("r", low=-1.0, high=1.0),
    )
}


def unit_of(name: str) -> Unit:
    """The unit of a name; every name outside the list stands for a unit that is shown as it is."""
    if name.startswith("perplexity"):
        return Unit(name, low=1.0)
    return _KNOWN.get(name.lower(), Unit(name))


def range_of(unit: str, direction: str, ideal: float | None) -> tuple[float, float]:
    """Between what levels a figure lies; a share whose ideal is 0 is a signed difference of two shares."""
    known = unit_of(unit)
    if known.fraction and direction == "target" and ideal == 0:
        return -known.high, known.high
    return known.low, known.high

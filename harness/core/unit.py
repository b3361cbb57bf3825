"""Units of figures: the one list of those that are shares of one and shown as percent."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Unit:
    """The unit of a figure.

    Attributes:
        name: as results hold it.
        fraction: whether figures are shares of one: people read them as percent, and differences as points.
    """

    name: str
    fraction: bool = False


_FRACTIONS = {
    name: Unit(name, fraction=True) for name in ("fraction", "share", "proportion", "rate", "probability", "f1")
}


def unit_of(name: str) -> Unit:
    """The unit of a name; every name outside the list stands for a unit that is shown as it is."""
    return _FRACTIONS.get(name.lower(), Unit(name))

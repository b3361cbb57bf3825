"""Counts as people write them in a suite (`2M` tokens), and sizes and durations as they read them."""

from __future__ import annotations

import re

_COUNT = {"": 1, "k": 10**3, "K": 10**3, "M": 10**6, "G": 10**9, "B": 10**9}
_PATTERN = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([A-Za-z]*)\s*\Z")


def count(value: int | str) -> int:
    """`2M` → 2000000, `500k` → 500000, `12` → 12.

    Raises:
        ValueError: when it is not a positive whole number with one of the units k, M, G.
    """
    return round(_parse(value, _COUNT, "a count such as 500, 20k or 2M"))


def _parse(value: int | float | str, units: dict[str, int], expected: str) -> float:
    if isinstance(value, bool):
        raise ValueError(f"expected {expected}, found {value}")
    if isinstance(value, int | float):
        number = float(value)
    else:
        match = _PATTERN.match(value)
        if match is None or match.group(2) not in units:
            raise ValueError(f"expected {expected}, found {value!r}")
        number = float(match.group(1)) * units[match.group(2)]
    if not 0 < number < float("inf"):
        raise ValueError(f"expected {expected} above zero, found {value!r}")
    return number


def show_count(number: float) -> str:
    """1234567 → `1.23M`; for people, three digits."""
    return _shown(number, ("", "k", "M", "G"))


def show_seconds(number: float) -> str:
    """95 → `1 min 35 s`; for people."""
    if number < 10:
        return f"{number:.1f} s"
    if number < 60:
        return f"{number:.0f} s"
    minutes, rest = divmod(round(number), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min"


def show_estimate(number: float) -> str:
    """A forecast, no more exact than it can be: `a few seconds`, `about 40 s`, `about 7 min`, `about 1 h 30 min`."""
    if number < 8:
        return "a few seconds"
    if number < 55:
        return f"about {5 * round(number / 5)} s"
    minutes = round(number / 60)
    if minutes < 60:
        return f"about {max(minutes, 1)} min"
    hours, minutes = divmod(10 * round(number / 600), 60)
    return f"about {hours} h {minutes} min" if minutes else f"about {hours} h"


def show_bytes(number: float) -> str:
    """2_500_000 → `2.5 MB` (decimal); for people, three digits."""
    return _shown(number, (" B", " kB", " MB", " GB"))


def _shown(number: float, units: tuple[str, ...]) -> str:
    for unit in units[:-1]:
        # 999.6 would be written as 1e+03, so it belongs to the next unit.
        if abs(number) < 999.5:
            return f"{number:.3g}{unit}"
        number /= 1000
    return f"{number:.3g}{units[-1]}" if abs(number) < 999.5 else f"{number:.0f}{units[-1]}"

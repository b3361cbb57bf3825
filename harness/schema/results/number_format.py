"""Numbers as people read them: one way of writing for every unit.

Fractions are shown ×100 (`%` for a level, `points` for a difference); everything else in its own
unit. A difference is written to the precision that its interval supports. Verdicts write a figure with its
unit and as few digits as matter.
"""

from __future__ import annotations

import math
from typing import TypeGuard

from harness.core.metric import unit_of
from harness.schema import units

_MISSING = "–"
_MILLION = 1_000_000
"""From here on three digits matter, as in numbers of parameters: `8.29M`."""
_UNNAMED_UNITS = frozenset({"", "share", "fraction", "probability", "F1", "Brier", "score", "figure"})


def is_fraction(unit: str) -> bool:
    return unit_of(unit).fraction


def shown_unit(unit: str) -> str:
    """The unit of a difference, as a word: `points`, `bits/byte`, …"""
    return "points" if is_fraction(unit) else unit


def _scaled(value: float, unit: str) -> float:
    return value * 100 if is_fraction(unit) else value


def decimals(low: float | None, high: float | None, unit: str) -> int:
    """Decimals that an interval supports: two significant digits of its width."""
    floor = 1 if is_fraction(unit) else 2
    if low is None or high is None or not math.isfinite(high - low) or high <= low:
        return floor if is_fraction(unit) else 3
    width = _scaled(high - low, unit)
    return max(floor, min(5, 1 - math.floor(math.log10(width)))) if width < 100 else floor - 1


def fixed(value: float, places: int, sign: bool = False) -> str:
    """`−0.20`, `+1,234.5`: a true minus sign, no negative zero."""
    rounded = round(value, places)
    text = f"{abs(rounded):,.{places}f}"
    if rounded < 0:
        return "−" + text
    return "+" + text if sign and rounded > 0 else text


def level(value: float | None, unit: str, low: float | None = None, high: float | None = None) -> str:
    """A metric's value: `71.3%`, `8.29M`, `1.842 bits/byte` without the unit's name."""
    if value is None or not math.isfinite(value):
        return _MISSING
    if abs(value) >= _MILLION:
        return ("−" if value < 0 else "") + units.show_count(abs(value))
    text = fixed(_scaled(value, unit), decimals(low, high, unit))
    return text + "%" if is_fraction(unit) else text


def ideal(value: float, unit: str) -> str:
    """An ideal value, exactly: `50%`, `0`."""
    return f"{value * 100:g}%" if is_fraction(unit) else f"{value:g}"


def difference(value: float | None, unit: str, low: float | None = None, high: float | None = None) -> str:
    """A signed difference without its unit: `+25.1`, `−0.031`."""
    if value is None or not math.isfinite(value):
        return _MISSING
    if abs(value) >= _MILLION:
        return ("−" if value < 0 else "+") + units.show_count(abs(value))
    return fixed(_scaled(value, unit), decimals(low, high, unit), sign=True)


def interval(low: float | None, high: float | None, unit: str, sign: bool = True) -> str:
    """`−1.0…+0.6`; a dash where the interval is undefined."""
    if low is None or high is None:
        return _MISSING
    places = decimals(low, high, unit)
    percent = "" if sign or not is_fraction(unit) else "%"
    ends = (fixed(_scaled(end, unit), places, sign=sign) for end in (low, high))
    return "…".join(ends) + percent


def ratio(value: float | None) -> str:
    """A ratio: `1.031`."""
    return _MISSING if value is None else f"{value:.3f}"


def p_value(p: float | None) -> str:
    """`0.021`, `<0.001`; a dash where there was no test."""
    if p is None:
        return _MISSING
    return "<0.001" if p < 0.001 else f"{p:.3f}"


def amount(value: float | None, unit: str) -> str:
    """An unsigned amount such as a minimum detectable effect: `2.1 points`, `0.014 bits/byte`."""
    if value is None or not math.isfinite(value):
        return _MISSING
    scaled = _scaled(value, unit)
    if scaled == 0:
        return f"0 {shown_unit(unit)}"
    places = max(1, min(5, 1 - math.floor(math.log10(abs(scaled)))))
    return f"{fixed(scaled, places)} {shown_unit(unit)}"


def change(value: float | None, unit: str) -> str:
    """A signed difference with its unit: `+11.8 points`, `−0.014 bits/byte`."""
    return f"{difference(value, unit)} {shown_unit(unit)}".rstrip()


def tick(value: float, step: float) -> str:
    """An axis label with as many decimals as its step needs."""
    return fixed(value, max(0, -math.floor(math.log10(step) + 1e-9)))


def count(value: object) -> str:
    """`2.1M`; a dash for anything that is not a number."""
    return units.show_count(value) if _number(value) else _MISSING


def seconds(value: object) -> str:
    return units.show_seconds(value) if _number(value) else _MISSING


def size(value: object) -> str:
    return units.show_bytes(value) if _number(value) else _MISSING


def flops(value: object) -> str:
    """Floating-point operations: `3.4 TFLOP`."""
    if not _number(value):
        return _MISSING
    for name, power in (("EFLOP", 1e18), ("PFLOP", 1e15), ("TFLOP", 1e12), ("GFLOP", 1e9), ("MFLOP", 1e6)):
        if value >= power:
            return f"{value / power:.3g} {name}"
    return f"{value:.0f} FLOP"


def in_unit(value: float, unit: str = "", *, signed: bool = False) -> str:
    """A figure in a verdict: `0.712`, `+1.84 bits/byte`; small numbers keep three digits that matter."""
    magnitude = abs(value)
    if magnitude >= 1000:
        text = f"{magnitude:,.0f}"
    elif magnitude >= 10:
        text = f"{magnitude:.4g}"
    else:
        # Rounded as the percentages of `level` are, so that 0.6675 is 0.668 as 66.75 is 66.8%.
        text = f"{round(magnitude * 100, 1) / 100:g}" if magnitude >= 0.01 else f"{magnitude:.2g}"
    sign = "−" if value < 0 else ("+" if signed and value > 0 else "")
    return f"{sign}{text}" + (f" {unit}" if unit not in _UNNAMED_UNITS else "")


def told(value: float, unit: str = "", *, change: bool, signed: bool = False) -> str:
    """A figure in a sentence: a share as `71.3%`, a change of one as `+1.9 points`; others as `in_unit` has them.

    What is no finite number is a dash.
    """
    if not math.isfinite(value):
        return _MISSING
    if not is_fraction(unit):
        return in_unit(value, unit, signed=signed)
    percent = abs(value) * 100
    # One decimal, as `level` has it, and two digits of what is smaller.
    text = f"{round(percent, 1):,g}" if percent >= 1 else f"{percent:.2g}"
    sign = "−" if value < 0 else ("+" if signed and value > 0 else "")
    return f"{sign}{text}{points(text) if change else '%'}"


def points(number: str) -> str:
    """The unit behind a number of points: ` point` behind 1."""
    return " point" if number == "1" else " points"


def confidence(alpha: float) -> str:
    """0.05 → `95%`; 0.0167 → `98.3%`."""
    return f"{round(100 * (1 - alpha), 1):g}%"


def whole(number: int) -> str:
    """1234 → `1,234`."""
    return f"{number:,}"


def items(n: int, clusters: int, n_eff: float | None = None, counted: str = "items") -> str:
    """`804 items`, `804 items in 268 clusters`, `804 items in 268 clusters (310 effective)`; `20 blocks` of timings."""
    if counted != "items":
        return plural(n, counted.removesuffix("s"))
    text = plural(n, "item") + (f" in {whole(clusters)} clusters" if 0 < clusters < n else "")
    return f"{text} ({whole(round(n_eff))} effective)" if n_eff is not None and 0 < round(n_eff) < n else text


def sample_size(n: int, n_eff: float | None) -> str:
    """`1,000`, `1,000 (52 eff.)` where fewer independent items of equal weight carry a figure."""
    return f"{whole(n)} ({whole(round(n_eff))} eff.)" if n_eff is not None and 0 < round(n_eff) < n else whole(n)


def plural(number: int, noun: str) -> str:
    """`1 member`, `3 members`."""
    return f"{whole(number)} {noun if number == 1 else noun + 's'}"


def _number(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)

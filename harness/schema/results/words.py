"""Numbers as people read them in a verdict."""

from __future__ import annotations

_PLAIN_UNITS = {"", "share", "fraction", "probability", "F1", "Brier", "score"}


def number(value: float, unit: str = "", *, signed: bool = False) -> str:
    """`0.712`, `+1.84 bits/byte`; small numbers keep three digits that matter."""
    size = abs(value)
    if size >= 1000:
        text = f"{size:,.0f}"
    elif size >= 10:
        text = f"{size:.4g}"
    else:
        text = f"{round(size, 3):g}" if size >= 0.01 else f"{size:.2g}"
    sign = "−" if value < 0 else ("+" if signed and value > 0 else "")
    return f"{sign}{text}" + (f" {unit}" if unit not in _PLAIN_UNITS else "")


def confidence(alpha: float) -> str:
    """0.05 → `95%`; 0.0167 → `98.3%`."""
    return f"{round(100 * (1 - alpha), 1):g}%"


def count(items: int) -> str:
    """1234 → `1,234`."""
    return f"{items:,}"


def items(n: int, clusters: int) -> str:
    """`804 items`, `804 items in 268 clusters`."""
    noun = "item" if n == 1 else "items"
    return f"{count(n)} {noun}" + (f" in {count(clusters)} clusters" if 0 < clusters < n else "")


def plural(number: int, noun: str) -> str:
    """`1 member`, `3 members`."""
    return f"{count(number)} {noun if number == 1 else noun + 's'}"

"""Names of the figures that say what another tool let pass: a whole item, or one of its checks."""

from __future__ import annotations

PASSED = "passed"
"""Whether an item passed all that it was held to."""


def verdict_figure(name: str) -> str:
    """The figure that says whether one check passed, by the check's name."""
    return f"{name} {PASSED}"


def is_verdict(figure: str) -> bool:
    """Whether a figure says what passed, and is no score."""
    return figure == PASSED or figure.endswith(f" {PASSED}")

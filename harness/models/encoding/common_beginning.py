"""What texts or rows of tokens begin with alike."""

from __future__ import annotations

from collections.abc import Sequence


def common_beginning(rows: Sequence[Sequence[object]]) -> int:
    """Length of the longest beginning that all of one or more rows, or texts, have."""
    for place, column in enumerate(zip(*rows, strict=False)):
        if any(element != column[0] for element in column):
            return place
    return min(map(len, rows))

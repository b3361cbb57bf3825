"""Labelled texts of similar length side by side, so that almost nothing is computed on padding."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

Batch = tuple[int, ...]


def batches_by_length(lengths: Sequence[int], size: int, *, key: Sequence[int]) -> list[Batch]:
    """Cuts examples into batches of equal length where possible, in a random order.

    Examples of one length fill batches first; what is left over is sorted by length and cut.
    The number of batches depends on the lengths alone, and the choice on `key` alone.

    Args:
        lengths: tokens of each example.
        size: examples a batch.
        key: whole numbers that name the pass, such as (seed, epoch).
    """
    random = np.random.default_rng(list(key))
    open_batches: dict[int, list[int]] = {}
    batches: list[Batch] = []
    for place in random.permutation(len(lengths)).tolist():
        batch = open_batches.setdefault(lengths[place], [])
        batch.append(place)
        if len(batch) == size:
            batches.append(tuple(batch))
            del open_batches[lengths[place]]
    rest = sorted((place for batch in open_batches.values() for place in batch), key=lambda place: lengths[place])
    batches.extend(tuple(rest[first : first + size]) for first in range(0, len(rest), size))
    return [batches[place] for place in random.permutation(len(batches)).tolist()]

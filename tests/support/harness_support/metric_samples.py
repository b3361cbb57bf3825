"""Small metrics and made-up records that several tests share."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]


def mean(sums: Array, n: Any) -> Array:
    return sums[..., 0] / n


def ratio(sums: Array, n: Any) -> Array:
    return sums[..., 0] / sums[..., 1]


def macro_f1(sums: Array, n: Any) -> Array:
    """Columns by class: true positives, gold, predicted."""
    right, gold, predicted = sums[..., 0::3], sums[..., 1::3], sums[..., 2::3]
    both = gold + predicted
    return np.mean(np.where(both > 0, 2 * right / np.where(both > 0, both, 1), 0.0), axis=-1)


def f1_rows(gold: npt.NDArray[Any], predicted: npt.NDArray[Any], classes: int) -> Array:
    rows = np.zeros((len(gold), 3 * classes))
    items = np.arange(len(gold))
    rows[items, 3 * gold] = gold == predicted
    rows[items, 3 * gold + 1] = 1
    rows[items, 3 * predicted + 2] = 1
    return rows


def answers(
    rng: np.random.Generator, n: int, classes: int = 3, accuracy: float = 0.7
) -> tuple[npt.NDArray[Any], npt.NDArray[Any], npt.NDArray[Any]]:
    """Gold and two systems of equal quality that often agree."""
    gold = rng.integers(0, classes, n)
    shared = rng.random(n) < 0.6
    sides = []
    common = np.where(rng.random(n) < accuracy, gold, rng.integers(0, classes, n))
    for _ in range(2):
        own = np.where(rng.random(n) < accuracy, gold, rng.integers(0, classes, n))
        sides.append(np.where(shared, common, own))
    return gold, sides[0], sides[1]


def directional(predicted: Array, training: Array, sign: Array) -> float:
    """The mean of y·Δ + (1 − y)·(−Δ) over the cells in which both conditionals exist.

    Args:
        predicted, training: conditionals of the same shape; NaN where the condition never holds.
        sign: as `signs` gives it, in that shape.
    """
    cells = sign * (predicted - training)
    known = ~np.isnan(cells)
    return float(cells[known].mean()) if known.any() else float("nan")

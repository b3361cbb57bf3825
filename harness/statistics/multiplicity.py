"""Many tests at once: Holm for claims, Benjamini–Hochberg for exploration.

A p-value that is NaN (undefined) stays NaN and is no member of the family.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from harness.statistics.result import FloatArray

_Step = Callable[[FloatArray, int], FloatArray]


def holm(p: Sequence[float] | FloatArray) -> FloatArray:
    """Holm (1979) adjusted p-values: max over the smaller ones of (m − rank + 1)·p, at most 1.

    Controls the chance of any false claim, whatever the dependence.
    """
    return _adjust(p, lambda ordered, m: np.maximum.accumulate((m - np.arange(m)) * ordered))


def benjamini_hochberg(p: Sequence[float] | FloatArray) -> FloatArray:
    """Benjamini & Hochberg (1995) adjusted p-values: min over the larger ones of m/rank·p.

    Controls the expected share of false claims under independence or positive dependence.
    """
    return _adjust(p, lambda ordered, m: np.minimum.accumulate((m / np.arange(1, m + 1) * ordered)[::-1])[::-1])


def _adjust(p: Sequence[float] | FloatArray, step: _Step) -> FloatArray:
    values = np.asarray(p, dtype=np.float64)
    out = np.full(values.shape, np.nan)
    known = np.flatnonzero(~np.isnan(values))
    order = known[np.argsort(values[known], kind="stable")]
    out[order] = np.minimum(step(values[order], len(order)), 1.0)
    return out

"""Many tests at once: Holm's adjustment.

A p-value that is NaN (undefined) stays NaN and is no member of the family.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from harness.statistics.result import FloatArray


def holm(p: Sequence[float] | FloatArray) -> FloatArray:
    """Holm (1979) adjusted p-values: max over the smaller ones of (m − rank + 1)·p, at most 1.

    Controls the chance of any false claim, whatever the dependence.
    """
    values = np.asarray(p, dtype=np.float64)
    out = np.full(values.shape, np.nan)
    known = np.flatnonzero(~np.isnan(values))
    order = known[np.argsort(values[known], kind="stable")]
    out[order] = np.minimum(np.maximum.accumulate((len(order) - np.arange(len(order))) * values[order]), 1.0)
    return out

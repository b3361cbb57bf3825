"""A difference without items that training data hold, beside the one with them."""

from __future__ import annotations

import math
from collections.abc import Sequence

from harness.core.interval import finite, number_or_nan
from harness.schema.results.metrics import ComparisonResult, OverlapResult

_YES, _NO = "overlap=yes", "overlap=no"


def without_overlap(whole: ComparisonResult, slices: Sequence[ComparisonResult], is_mean: bool) -> OverlapResult | None:
    """What contaminated items could explain of a difference; None where none overlap, or the rest has no figure.

    Of a mean, with a share s of contaminated items, δ − δ_clean = s·(δ_contaminated − δ_clean); of other figures it is
    the difference of two that depend on each other positively. Either gets the parts' own intervals, joined as squares
    (Zou & Donner 2008), so that few contaminated items explain much and one says nothing.
    """
    by_name = {row.slice: row for row in slices}
    dirty, clean = by_name.get(_YES), by_name.get(_NO)
    if dirty is None or clean is None or clean.delta.value is None or whole.delta.value is None or not dirty.n:
        return None
    explained = whole.delta.value - clean.delta.value
    first, share = (dirty, dirty.n / (dirty.n + clean.n)) if is_mean else (whole, 1.0)
    (below, above), (clean_below, clean_above) = _reach(first), _reach(clean)
    return OverlapResult(
        n=dirty.n,
        without=clean.delta,
        explained=explained,
        low=finite(explained - share * math.hypot(below, clean_above)),
        high=finite(explained + share * math.hypot(above, clean_below)),
    )


def _reach(row: ComparisonResult) -> tuple[float, float]:
    """How far the ends of a row's interval lie below and above it; nothing of sides that are identical."""
    if row.identical and not row.delta.known:
        return 0.0, 0.0
    value = number_or_nan(row.delta.value)
    return value - number_or_nan(row.delta.low), number_or_nan(row.delta.high) - value

"""A difference without items that training data hold, beside the one with them."""

from __future__ import annotations

import math
from collections.abc import Sequence

from harness.core.interval import number_or_nan
from harness.schema.results.metrics import ComparisonResult, OverlapResult
from harness.statistics.distributions import normal_isf

_YES, _NO = "overlap=yes", "overlap=no"


def without_overlap(whole: ComparisonResult, slices: Sequence[ComparisonResult], is_mean: bool) -> OverlapResult | None:
    """What contaminated items could explain of a difference; None where none overlap, or the rest has no figure.

    Of a mean, with a share s of contaminated items, δ − δ_clean = s·(δ_contaminated − δ_clean), whose error is
    s·√(SE_contaminated² + SE_clean²). Of other figures the error is at most √(SE² + SE_clean²).
    """
    by_name = {row.slice: row for row in slices}
    dirty, clean = by_name.get(_YES), by_name.get(_NO)
    if dirty is None or clean is None or clean.delta.value is None or whole.delta.value is None or not dirty.n:
        return None
    explained = whole.delta.value - clean.delta.value
    errors = [number_or_nan(row.delta.standard_error) for row in ((dirty, clean) if is_mean else (whole, clean))]
    error = math.hypot(*(0.0 if math.isnan(error) else error for error in errors))
    if is_mean:
        error *= dirty.n / (dirty.n + clean.n)
    reach = normal_isf((1 - whole.delta.confidence) / 2) * error
    return OverlapResult(
        n=dirty.n, without=clean.delta, explained=explained, low=explained - reach, high=explained + reach
    )

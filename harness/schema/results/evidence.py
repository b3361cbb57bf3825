"""How much evidence a row rests on: the one number that `min_n`, plans and reports read."""

from __future__ import annotations

from harness.schema.results.metrics import ComparisonResult, MetricResult

_ROUNDING = 1e-6


def too_few_items(row: MetricResult | ComparisonResult, min_n: int) -> bool:
    """Whether a row rests on fewer items than a gate asks for. Blocks of timings are no items."""
    return row.counted == "items" and evidence(row) < min_n


def evidence(row: MetricResult | ComparisonResult) -> float:
    """Independent items of equal weight behind a row.

    Sides that are identical on every item have no variance that clusters could share: their items count as they are.
    Results of 0.1.0 hold no effective number; their items count too.
    """
    if row.n_eff is None or (isinstance(row, ComparisonResult) and row.identical):
        return float(row.n)
    return min(row.n_eff, float(row.n)) + _ROUNDING

"""Rows read as their recipe's: what training with another seed would give, where enough seeds were trained."""

from __future__ import annotations

from typing import TypeVar

from harness.schema.results.metrics import ComparisonResult, MetricResult

Row = TypeVar("Row", MetricResult, ComparisonResult)


def reads_recipe(row: MetricResult | ComparisonResult) -> bool:
    """Whether a row is judged as the recipe's: three seeds or more, and they differ."""
    return row.seeds is not None and row.seeds.reads == "recipe" and not row.seeds.alike


def of_recipe(row: Row) -> Row:
    """The row with its recipe's figures, where three or more training seeds were crossed with the items.

    It then says what training with another seed would give, not what one lucky checkpoint did; both values
    and `mde` are None. The row itself where there are fewer seeds, or where they do not differ at all.
    """
    seeds = row.seeds
    if seeds is None or not reads_recipe(row):
        return row
    common = {"low": seeds.low, "high": seeds.high, "bounds": seeds.bounds, "n": seeds.n}
    if isinstance(row, ComparisonResult):
        improvement = None if row.improvement is None or seeds.delta is None else seeds.delta
        if improvement is not None and row.direction == "lower":
            improvement = -improvement
        ratio = {"ratio": seeds.ratio, "ratio_low": seeds.ratio_low, "ratio_high": seeds.ratio_high}
        return row.model_copy(
            update={
                **common,
                **ratio,
                "ratio_bounds": seeds.ratio_bounds,
                "delta": seeds.delta,
                "baseline_value": None,
                "candidate_value": None,
                "improvement": improvement,
                "standard_error": seeds.standard_error,
                "mde": None,
                "p": seeds.p,
                "identical": False,
            }
        )
    return row.model_copy(update={**common, "value": seeds.delta})

"""Rows read as their recipe's: what training with another seed would give, where enough seeds were trained."""

from __future__ import annotations

from typing import TypeVar

from harness.schema.results.metrics import ComparisonResult, MetricResult

Row = TypeVar("Row", MetricResult, ComparisonResult)


def reads_recipe(row: MetricResult | ComparisonResult) -> bool:
    """Whether a row is judged as the recipe's: three seeds or more, and they differ."""
    return row.seeds is not None and row.seeds.level_of_inference == "recipe" and not row.seeds.seeds_identical


def of_recipe(row: Row) -> Row:
    """The row with its recipe's figures, where three or more training seeds were crossed with the items.

    It then says what training with another seed would give, not what one lucky checkpoint did; both values
    and `mde` are None. The row itself where there are fewer seeds, or where they do not differ at all.
    """
    seeds = row.seeds
    if seeds is None or not reads_recipe(row):
        return row
    if isinstance(row, MetricResult):
        return row.model_copy(
            update={"interval": seeds.interval, "n": seeds.n, "n_eff": seeds.n_eff, "unmet": seeds.unmet}
        )
    improvement = None if row.improvement is None or seeds.interval.value is None else seeds.interval.value
    if improvement is not None and row.direction == "lower":
        improvement = -improvement
    return row.model_copy(
        update={
            "delta": seeds.interval,
            "ratio": seeds.ratio,
            "n": seeds.n,
            "n_eff": seeds.n_eff,
            "unmet": seeds.unmet,
            "baseline_value": None,
            "candidate_value": None,
            "improvement": improvement,
            "mde": None,
            "p": seeds.p,
            "identical": False,
        }
    )

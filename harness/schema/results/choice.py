"""A model that was chosen among several."""

from __future__ import annotations

from pydantic import Field

from harness.schema.results.base import Result
from harness.schema.results.number_format import change


class ChoiceResult(Result):
    """The best of several models.

    Attributes:
        among: the models.
        by: `evaluation.metric` by which it was chosen.
        on: the data on which it was chosen: `validation` or `test`.
        values: model → the metric there; models without a value are left out.
        winner: the chosen one; None where no model has a value.
        difference: winner minus the suite's baseline on the test data.
        bound: one-sided bound of the difference at the level alpha, on the side that must not be crossed.
        unit: of the metric.
        alpha: of `bound`: divided by the number of models where they were chosen on the test data.
    """

    among: list[str]
    by: str
    on: str
    values: dict[str, float] = Field(default_factory=dict)
    winner: str | None = None
    difference: float | None = None
    bound: float | None = None
    unit: str = ""
    alpha: float

    @property
    def paid(self) -> bool:
        """Whether the bounds pay for the choice."""
        return self.on == "test"

    @property
    def sentence(self) -> str:
        """Who was chosen, how, and what that means for its figures."""
        count = len(self.among)
        chosen = f"{self.winner} is the best of {count} models by {self.by} on {self.on} data"
        if not self.paid:
            return f"{chosen}: the choice costs its figures on the test data nothing."
        bound = ""
        if self.bound is not None:
            bound = f"; the bound of its change at alpha {self.alpha:.3g} is {change(self.bound, self.unit)}"
        return f"{chosen}, so luck is part of its figures: gates read its bounds at alpha / {count}{bound}."

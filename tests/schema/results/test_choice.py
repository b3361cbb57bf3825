"""What is said of a model that was chosen among several."""

from __future__ import annotations

import pytest

from harness.pipeline.results.series_results import series_notes
from harness.schema.results.choice import ChoiceResult
from harness.schema.results.series import SeriesChoice, SeriesResult


@pytest.mark.parametrize(
    ("unit", "words"), [("share", "+11.8 points."), ("bits/byte", "+0.118 bits/byte."), ("", "+0.118.")]
)
def test_a_bound_is_said_in_the_unit_of_differences(unit: str, words: str) -> None:
    choice = ChoiceResult(
        among=["a", "b", "c"], by="notes.accuracy", on="test", winner="a", bound=0.1176, alpha=0.05 / 3, unit=unit
    )
    assert choice.sentence.endswith(f"the bound of its change at alpha 0.0167 is {words}")


def test_a_chosen_checkpoint_is_told_of_alike() -> None:
    best = SeriesChoice(
        step=40, model="m-40", metric="notes.accuracy", split="test", value=0.7, difference=0.05, bound=0.021,
        alpha=0.05, unit="share",
    )  # fmt: skip
    made = SeriesResult.model_construct(name="m", steps=(), first_failing={}, best=best, winner=None)
    assert "its difference is +5.0 points, one-sided bound +2.1 points" in series_notes([made])[1]

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.schema import units


@pytest.mark.parametrize(
    ("text", "number"), [("2M", 2_000_000), ("500k", 500_000), ("1.5k", 1500), (12, 12), ("12", 12), ("1G", 10**9)]
)
def test_counts(text: int | str, number: int) -> None:
    assert units.count(text) == number


@pytest.mark.parametrize("text", ["", "M", "-2", "2 parsecs", "1e9x", "nan", "0", 0, -1, True, "２M", float("inf")])
def test_what_is_no_count(text: object) -> None:
    if text == "２M":  # full-width digits are digits to `int`; they are read, not refused
        assert units.count("２M") == 2_000_000
        return
    with pytest.raises(ValueError, match="expected a count"):
        units.count(text)  # type: ignore[arg-type]  # the point of the test


@given(st.integers(1, 10**12))
def test_shown_counts_read_back_within_three_digits(number: int) -> None:
    assert units.count(units.show_count(number)) == pytest.approx(number, rel=0.006)


@given(st.floats(0, 1e6))
def test_shown_durations_are_short(number: float) -> None:
    assert len(units.show_seconds(number)) <= 14

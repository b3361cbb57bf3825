from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from harness.core.interval import Bound, Interval, finite, number_or_nan

numbers = st.one_of(st.none(), st.floats(allow_nan=True, allow_infinity=True))
bounds = st.builds(Bound, alpha=st.sampled_from([0.05, 0.01, 0.05 / 3]), low=numbers, high=numbers)
intervals = st.builds(
    Interval,
    value=numbers,
    low=numbers,
    high=numbers,
    standard_error=numbers,
    bounds=st.lists(
        st.builds(Bound, alpha=st.sampled_from([0.05, 0.01, 0.05 / 3]), low=numbers, high=numbers), max_size=2
    ),
)


@given(intervals)
def test_json_holds_no_nan_and_gives_the_same_interval_back(interval: Interval) -> None:
    text = json.dumps(interval.model_dump(mode="json"), allow_nan=False)
    assert Interval.model_validate_json(text) == interval


@given(intervals)
def test_exchanging_the_sides_twice_changes_nothing(interval: Interval) -> None:
    there = interval.negated()
    assert there.negated() == interval
    assert (there.low is None) == (interval.high is None)


@given(numbers)
def test_undefined_is_null_in_files_and_nan_in_arithmetic(number: float | None) -> None:
    kept = finite(number)
    assert kept is None or math.isfinite(kept)
    assert math.isnan(number_or_nan(kept)) == (kept is None)


def test_bounds_are_found_by_their_level_whatever_its_last_digit() -> None:
    interval = Interval.of(lambda alpha: (-alpha, alpha), 0.95, (0.05, 0.05 / 3), 0.2, 0.0)
    assert (interval.low, interval.high) == pytest.approx((-0.025, 0.025))
    assert interval.at(0.05 / 3 + 1e-12).high == 0.05 / 3
    assert interval.has_bounds_at([0.05, 0.05 / 3])
    assert not interval.has_bounds_at([0.05, 0.01])
    assert interval.only([0.05]).bounds == (Bound(alpha=0.05, low=-0.05, high=0.05),)
    with pytest.raises(KeyError):
        interval.at(0.01)


def test_a_mapped_interval_keeps_what_is_undefined() -> None:
    interval = Interval(value=0.0, low=-1.0, bounds=(Bound(alpha=0.05, high=1.0),)).mapped(math.exp)
    assert (interval.value, interval.low, interval.high) == (1.0, math.exp(-1), None)
    assert interval.at(0.05) == Bound(alpha=0.05, high=math.e)


def test_an_interval_is_not_changed() -> None:
    with pytest.raises(ValidationError):
        Interval(value=1.0).value = 2.0  # type: ignore[misc]  # that it may not is what is tested

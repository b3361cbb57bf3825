"""Figures in sentences: rounded as those of the tables; shares in percent, their changes in points."""

from __future__ import annotations

import math

import pytest

from harness.schema.results.gate_words import margin_in_points
from harness.schema.results.number_format import in_unit, level, told


def test_sentences_and_tables_round_alike() -> None:
    for value in (k / 2000 for k in range(41, 1999, 2)):
        shown = level(value, "fraction", value - 0.02, value + 0.02)
        assert float(told(value, "fraction", change=False).rstrip("%")) == float(shown.rstrip("%"))


@pytest.mark.parametrize(
    ("value", "level_told", "change_told"),
    [
        (0, "0%", "0 points"),
        (1, "100%", "+100 points"),
        (-1, "−100%", "−100 points"),
        (0.607, "60.7%", "+60.7 points"),
        (0.01, "1%", "+1 point"),
        (-0.0057, "−0.57%", "−0.57 points"),
        (0.00012, "0.012%", "+0.012 points"),
        (12.5, "1,250%", "+1,250 points"),
    ],
)
def test_shares_are_told_in_percent_and_their_changes_in_points(value, level_told, change_told) -> None:
    assert told(value, "fraction", change=False) == level_told
    assert told(value, "fraction", change=True, signed=True) == change_told
    assert told(value, "bits/byte", change=True, signed=True) == in_unit(value, "bits/byte", signed=True)


@pytest.mark.parametrize("unit", ["fraction", "bits/byte"])
@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_no_number_is_a_dash(value, unit) -> None:
    assert told(value, unit, change=True, signed=True) == "–"


@pytest.mark.parametrize(
    ("margin", "level_shown", "change_shown"),
    [
        ("≥ 0.4", "≥ 40%", "≥ 40 points"),
        ("> 0", "> 0%", "> 0 points"),
        ("≥ −0.05", "≥ −5%", "≥ −5 points"),
        ("≥ 0.2 and ≤ 1", "≥ 20% and ≤ 100%", "≥ 20 points and ≤ 100 points"),
        ("0.5 ± 0.05", "50% ± 5 points", "50 points ± 5 points"),
        ("> 0.01", "> 1%", "> 1 point"),
        ("± 1e-05", "± 0.001 points", "± 0.001 points"),
    ],
)
def test_margins_are_shown_in_percent_and_points(margin, level_shown, change_shown) -> None:
    assert margin_in_points(margin, level=True) == level_shown
    assert margin_in_points(margin, level=False) == change_shown
    assert margin_in_points(level_shown, level=True) == level_shown

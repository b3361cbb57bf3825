"""Amplification on tables computed by hand."""

from __future__ import annotations

import numpy as np
import pytest
from harness_support.metric_samples import directional

from harness.metrics.bias.bias_amplification import Counts, shares, signs, zhao

OUTPUTS, GROUPS = ("cooking", "driving", "reading"), ("f", "m")


def amplified(predicted: Counts, training: Counts) -> float:
    return float(zhao(shares(predicted, OUTPUTS, GROUPS), shares(training, OUTPUTS, GROUPS)))


def test_zhao_by_hand() -> None:
    training = {("cooking", "f"): 66, ("cooking", "m"): 34, ("driving", "f"): 20, ("driving", "m"): 80}
    training |= {("reading", "f"): 50, ("reading", "m"): 50}
    predicted = {("cooking", "f"): 84, ("cooking", "m"): 16, ("driving", "f"): 30, ("driving", "m"): 70}
    predicted |= {("reading", "f"): 9, ("reading", "m"): 1}
    # Cooking is tied to f: 0.84 − 0.66; driving to m: 0.70 − 0.80; reading is tied to none.
    assert amplified(predicted, training) == pytest.approx((0.18 - 0.10) / 2)
    # Without a predicted driving, cooking alone is left; without any, nothing is.
    assert amplified({("cooking", "f"): 1}, training) == pytest.approx(1 - 0.66)
    assert np.isnan(amplified({}, training))
    assert np.isnan(amplified(predicted, {("reading", "f"): 1, ("reading", "m"): 1}))


def test_shares_of_more_than_two_groups() -> None:
    found = shares({("o", "a"): 1, ("o", "b"): 3}, ("o", "p"), ("a", "b", "c"))
    assert found[0].tolist() == [0.25, 0.75, 0.0]
    assert np.isnan(found[1]).all()


def test_directional_by_hand_in_both_directions() -> None:
    # 100 items: P(f) = 0.4; cooking 50 (f 30, m 20), driving 50 (f 10, m 40).
    training = {("cooking", "f"): 30.0, ("cooking", "m"): 20.0, ("driving", "f"): 10.0, ("driving", "m"): 40.0}
    sign = signs(training, {"cooking": 50.0, "driving": 50.0}, GROUPS)
    # 0.30 > 0.4·0.5 and 0.40 > 0.6·0.5; the other two cells are below.
    assert sign.tolist() == [[1.0, -1.0], [-1.0, 1.0]]
    table = np.array([[30.0, 20.0], [10.0, 40.0]])
    # A→T: P(cooking | f) rises from 0.75 to 0.85, P(driving | m) stays at 2/3.
    given_group = table / table.sum(axis=0)
    predicted = np.array([[0.85, 1 / 3], [0.15, 2 / 3]])
    assert directional(predicted, given_group, sign) == pytest.approx((0.10 + 0.0 + 0.10 + 0.0) / 4)
    # T→A: P(f | cooking) falls from 0.6 to 0.5, P(m | driving) rises from 0.8 to 0.9.
    given_output = table / table.sum(axis=1, keepdims=True)
    reverse = np.array([[0.5, 0.5], [0.1, 0.9]])
    assert directional(reverse, given_output, sign) == pytest.approx((-0.1 - 0.1 + 0.1 + 0.1) / 4)
    # A condition that never holds leaves its cells out.
    reverse[1] = np.nan
    assert directional(reverse, given_output, sign) == pytest.approx(-0.1)
    assert np.isnan(directional(np.full((2, 2), np.nan), given_output, sign))


def test_independent_cells_are_not_tied_by_rounding() -> None:
    """Counts a_i·b_j are exactly independent, whatever their quotients are rounded to."""
    outputs, groups = ("x", "y", "z"), ("a", "b")
    for first in range(1, 8):
        for second in range(1, 8):
            rows, columns = (first, second, 3), (first + 1, 5)
            table = {
                (output, group): float(row * column)
                for output, row in zip(outputs, rows, strict=True)
                for group, column in zip(groups, columns, strict=True)
            }
            totals = {output: float(row * sum(columns)) for output, row in zip(outputs, rows, strict=True)}
            assert (signs(table, totals, groups) == -1).all()
            tied = signs({**table, ("x", "a"): table["x", "a"] + 1}, {**totals, "x": totals["x"] + 1}, groups)
            assert tied[0, 0] == 1

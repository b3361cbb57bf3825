import math

import pytest

from harness.statistics.power import effective_n, mde, needed_n, needed_n_observed


def test_items_for_a_difference_of_proportions() -> None:
    assert needed_n(0.01, 0.15) == 9274
    assert needed_n(0.03, 0.15) == 1031


def test_mde_inverts_needed_n() -> None:
    assert mde(math.sqrt(0.15 / 9274)) == pytest.approx(0.01, abs=1e-6)
    assert needed_n_observed(500, math.sqrt(0.15 / 500), 0.01) == 9274


def test_clusters_count_once_unless_their_correlation_is_known() -> None:
    assert effective_n(1000) == 1000
    assert effective_n(1000, 50) == 50
    assert effective_n(1000, 50, icc=0.0) == 1000
    assert effective_n(1000, 50, icc=1.0) == 50


def test_nothing_to_plan_with() -> None:
    assert math.isnan(mde(0.0))
    assert math.isnan(mde(float("nan")))


@pytest.mark.parametrize("margin", [0.0, -1.0, float("nan"), float("inf")])
def test_impossible_margins_are_refused(margin: float) -> None:
    with pytest.raises(ValueError, match="margin"):
        needed_n(margin, 0.15)

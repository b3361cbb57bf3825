import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.multitest import multipletests

from harness.statistics.multiplicity import holm

_P = st.lists(st.floats(0, 1), min_size=1, max_size=30)


@given(_P)
def test_holm_equals_statsmodels(p: list[float]) -> None:
    assert holm(p) == pytest.approx(multipletests(p, method="holm")[1], abs=1e-9)


def test_unordered_p_values_keep_their_places() -> None:
    assert holm([0.04, 0.01, 0.03]) == pytest.approx([0.06, 0.03, 0.06])


def test_undefined_is_no_member_of_the_family() -> None:
    found = holm([0.01, float("nan"), 0.04])
    assert np.isnan(found[1])
    assert found[[0, 2]] == pytest.approx(holm([0.01, 0.04]))
    assert len(holm([])) == 0

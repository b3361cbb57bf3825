import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from scipy.optimize import brentq
from statsmodels.stats.contingency_tables import mcnemar

from harness.statistics.proportions import mcnemar_exact, tango, tango_bounds, tango_clustered, wilson


@given(n=st.integers(1, 3000), share=st.floats(0, 1), alpha=st.sampled_from([0.005, 0.025, 0.05]))
def test_wilson_equals_scipy(n: int, share: float, alpha: float) -> None:
    k = round(share * n)
    expected = stats.binomtest(k, n).proportion_ci(1 - 2 * alpha, "wilson")
    assert wilson(k, n, alpha) == pytest.approx((expected.low, expected.high), abs=1e-9)


def test_wilson_without_successes_is_not_certain() -> None:
    low, high = wilson(0, 20, 0.025)
    assert low == 0
    assert high == pytest.approx(0.1611, abs=1e-4)


def test_wilson_of_nothing_is_undefined() -> None:
    assert all(math.isnan(bound) for bound in wilson(0, 0, 0.05))


@given(broken=st.integers(0, 400), fixed=st.integers(0, 400))
def test_mcnemar_equals_statsmodels(broken: int, fixed: int) -> None:
    expected = mcnemar([[5, broken], [fixed, 7]], exact=True).pvalue if broken + fixed else 1.0
    assert mcnemar_exact(broken, fixed) == pytest.approx(expected, abs=1e-9)
    assert mcnemar_exact(broken, fixed) == mcnemar_exact(fixed, broken)


@pytest.mark.parametrize(
    ("broken", "fixed", "n", "alpha", "expected"),
    [
        # Bentur et al. 2009 in Fagerland, Lydersen & Laake (2014), Statistics in Medicine 33:2850.
        (7, 1, 21, 0.025, (-0.517, -0.026)),
        # R, PropCIs::scoreci.mp(25, 28, 618, 0.90), to four digits.
        (25, 28, 618, 0.05, (-0.0148, 0.0247)),
    ],
)
def test_tango_equals_published_intervals(
    broken: int, fixed: int, n: int, alpha: float, expected: tuple[float, float]
) -> None:
    digits = 5e-4 if n == 21 else 5e-5
    assert tango(broken, fixed, n, alpha) == pytest.approx(expected, abs=digits)


def _profile_score(value: float, broken: int, fixed: int, n: int) -> float:
    """The score statistic with the nuisance parameter found by brute force, not by its closed form."""
    same = n - broken - fixed

    def slope(q: float) -> float:
        parts = [(fixed, q + value, 1.0), (broken, q, 1.0), (same, 1 - 2 * q - value, -2.0)]
        return sum(count * factor / p for count, p, factor in parts if count)

    lowest, highest = max(0.0, -value) + 1e-13, (1 - value) / 2 - 1e-13
    q = brentq(slope, lowest, highest, xtol=1e-15)
    return (fixed - broken - n * value) / math.sqrt(n * (2 * q + value - value**2))


@given(broken=st.integers(1, 30), fixed=st.integers(1, 30), same=st.integers(1, 300))
def test_tango_bounds_solve_the_score_equation(broken: int, fixed: int, same: int) -> None:
    n = broken + fixed + same
    low, high = tango(broken, fixed, n, 0.025)
    z = stats.norm.isf(0.025)
    assert _profile_score(low, broken, fixed, n) == pytest.approx(z, abs=1e-6)
    assert _profile_score(high, broken, fixed, n) == pytest.approx(-z, abs=1e-6)


@given(broken=st.integers(0, 50), fixed=st.integers(0, 50), same=st.integers(0, 100))
def test_tango_is_mirrored_and_holds_the_estimate(broken: int, fixed: int, same: int) -> None:
    n = max(1, broken + fixed + same)
    low, high = tango(broken, fixed, n, 0.05)
    assert tango(fixed, broken, n, 0.05) == (-high, -low)
    assert -1 <= low <= (fixed - broken) / n <= high <= 1


def test_tango_without_discordant_pairs_has_its_closed_form() -> None:
    z2 = stats.norm.isf(0.05) ** 2
    assert tango(0, 0, 100, 0.05) == pytest.approx((-z2 / (100 + z2), z2 / (100 + z2)), abs=1e-12)


def test_tango_of_all_fixed_ends_at_one() -> None:
    low, high = tango(0, 10, 10, 0.025)
    assert high == 1.0
    assert 0 < low < 1
    assert np.isfinite(low)


@pytest.mark.filterwarnings("error::RuntimeWarning")
@pytest.mark.parametrize("alpha", [0.025, 0.0025, 1e-6])
def test_two_clusters_have_bounds_at_any_level(alpha: float) -> None:
    """A t quantile with one degree of freedom beyond what a normal tail can express."""
    for broken, fixed, n in ((0, 0, 2), (1, 0, 2), (0, 2, 2), (2, 3, 40)):
        low, high = tango_clustered(broken, fixed, n, 1.0, 1, alpha)
        assert -1 <= low <= (fixed - broken) / n <= high <= 1
    # At the normal quantile the two are the same.
    level = float(stats.norm.sf(stats.t.isf(0.05, 1)))
    assert tango_clustered(2, 3, 40, 1.0, 1, 0.05) == pytest.approx(tango(2, 3, 40, level))


def test_one_table_and_many_at_once_have_equal_bounds_to_the_last_bit() -> None:
    rng = np.random.default_rng(0)
    n = rng.integers(1, 500, 200)
    broken = rng.integers(0, n + 1)
    fixed = rng.integers(0, n - broken + 1)
    many = tango_bounds(broken, fixed, n, 0.05)
    alone = [tango_bounds([b], [c], [m], 0.05) for b, c, m in zip(broken, fixed, n, strict=True)]
    assert [float(low[0]) for low, _ in alone] == many[0].tolist()
    assert [float(high[0]) for _, high in alone] == many[1].tolist()

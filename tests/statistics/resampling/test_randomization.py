import numpy as np
import pytest
from harness_support.metric_samples import answers, f1_rows, macro_f1, mean
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from harness.statistics.clusters import Groups
from harness.statistics.proportions import mcnemar_exact
from harness.statistics.resampling.randomization import side_swap, sign_flip


@given(broken=st.integers(0, 6), fixed=st.integers(0, 6), same=st.integers(0, 20))
def test_flipping_single_items_is_mcnemar(broken: int, fixed: int, same: int) -> None:
    change = np.array([-1.0] * broken + [1.0] * fixed + [0.0] * same)
    found = sign_flip(change, Groups.of(None, len(change)))
    assert found.exact
    assert found.p == pytest.approx(mcnemar_exact(broken, fixed), abs=1e-12)


def test_exact_flips_equal_scipy() -> None:
    change = np.random.default_rng(1).normal(0.3, 1, 12)
    oracle = stats.permutation_test(
        (change,), lambda x, axis: x.sum(axis=axis), permutation_type="samples", vectorized=True, n_resamples=np.inf
    )
    assert sign_flip(change, Groups.of(None, 12)).p == pytest.approx(oracle.pvalue, abs=1e-9)


def test_exact_swaps_of_a_corpus_metric_equal_scipy() -> None:
    gold, one, two = answers(np.random.default_rng(3), 30)
    differ = np.flatnonzero(one != two)[:10]
    gold, one, two = gold[differ], one[differ], two[differ]

    def gap(left: np.ndarray, right: np.ndarray) -> np.ndarray:
        levels = [
            macro_f1(f1_rows(gold, np.asarray(side, dtype=int), 3).sum(axis=0), len(gold)) for side in (left, right)
        ]
        return levels[1] - levels[0]

    oracle = stats.permutation_test((one, two), gap, permutation_type="samples", vectorized=False, n_resamples=np.inf)
    found = side_swap(f1_rows(gold, one, 3), f1_rows(gold, two, 3), macro_f1, Groups.of(None, len(gold)))
    assert found.exact
    assert found.p == pytest.approx(oracle.pvalue, abs=1e-9)


@pytest.mark.parametrize("spread", [0.0, 1e-3])
def test_sampled_flips_are_near_the_exact_ones(spread: float) -> None:
    rng = np.random.default_rng(5)
    change = np.array([1.0] * 24 + [-1.0] * 12 + [0.0] * 50) + rng.normal(0, spread, 86)
    found = sign_flip(change, Groups.of(None, 86), resamples=20_000)
    assert not found.exact
    assert found.p == pytest.approx(mcnemar_exact(12, 24), abs=0.04 if spread else 0.01)
    assert found.p > 0


def test_sampled_p_is_never_zero() -> None:
    found = sign_flip(np.ones(100), Groups.of(None, 100), resamples=999)
    assert found.p == pytest.approx(1 / 1000)


def test_clusters_flip_whole() -> None:
    """Ten clusters of ten equal items carry ten coins, not a hundred."""
    names = np.repeat(np.arange(10), 10).astype(str).tolist()
    found = sign_flip(np.ones(100), Groups.of(names, 100))
    assert found.exact
    assert found.p == pytest.approx(2 / 2**10)
    assert found.differing == 10


def test_identical_sides_give_one() -> None:
    rows = np.random.default_rng(0).normal(size=(20, 1))
    assert side_swap(rows, rows, mean, Groups.of(None, 20)).p == 1.0
    assert sign_flip(np.zeros(20), Groups.of(None, 20)).p == 1.0


def test_swaps_that_make_the_metric_undefined_count_against_a_difference() -> None:
    base, candidate = np.zeros((10, 2)), np.ones((10, 2))
    found = side_swap(base, candidate, lambda s, n: s[..., 0] / s[..., 1], Groups.of(None, 10))
    assert not found.p <= 0.05

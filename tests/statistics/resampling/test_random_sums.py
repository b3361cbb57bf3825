"""Random sums: the same whichever way they are multiplied, with the moments that they must have."""

from __future__ import annotations

import numpy as np
import pytest

from harness.statistics.clusters import Groups
from harness.statistics.resampling import random_sums as resampling
from harness.statistics.resampling.random_sums import chosen_sums, resampled_sums


def one_hot(n: int, bins: int = 45) -> np.ndarray:
    rng = np.random.default_rng(3)
    rows = np.zeros((n, bins))
    rows[np.arange(n), rng.integers(0, bins, n)] = rng.random(n)
    return rows


@pytest.mark.parametrize("sums", [resampled_sums, chosen_sums])
@pytest.mark.parametrize("n", [300, 5000])
def test_sparse_products_are_the_dense_ones(sums: object, n: int, monkeypatch: pytest.MonkeyPatch) -> None:
    assert callable(sums)
    rows, counts = one_hot(n), np.ones(n, dtype=np.int64)
    sparse = sums(rows, counts, 70, [0])
    monkeypatch.setattr(resampling, "_SPARSE", 0.0)
    np.testing.assert_allclose(sums(rows, counts, 70, [0]), sparse, atol=1e-12)


def test_heads_of_few_and_of_many_coins_are_binomial() -> None:
    counts = np.array([1, 2, 63, 64, 65, 128, 300, 512, 513, 4000])
    heads = chosen_sums(np.eye(len(counts)), counts, 40_000, [1])
    assert (heads >= 0).all()
    assert (heads <= counts).all()
    np.testing.assert_allclose(heads.mean(axis=0) / counts, 0.5, atol=0.01)
    np.testing.assert_allclose(heads.var(axis=0) / (counts / 4), 1.0, atol=0.04)
    np.testing.assert_allclose(np.corrcoef(heads.T), np.eye(len(counts)), atol=0.03)


def test_sums_of_whole_numbers_and_of_others_are_the_same_to_the_bit_in_any_order() -> None:
    rng = np.random.default_rng(0)
    codes = rng.integers(0, 40, 400)
    for rows in (rng.integers(-2, 3, (400, 2)).astype(float), rng.normal(size=(400, 2))):
        order = rng.permutation(400)
        first, second = Groups(codes, 40, 400).sums(rows), Groups(codes[order], 40, 400).sums(rows[order])
        assert np.array_equal(first, second)


def test_clusters_by_number_are_those_by_name() -> None:
    names = ["b", "a", "b", "c", "a"]
    by_name, by_number = Groups.of(names, 5), Groups.of(np.array([7, 1, 7, 3, 1]), 5)
    assert by_name.codes is not None
    assert by_number.codes is not None
    assert by_name.codes.tolist() == by_number.codes.tolist() == [0, 1, 0, 2, 1]
    assert Groups.of(np.array([4, 2, 9]), 3).codes is None

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from harness.statistics import clusters as module
from harness.statistics.clusters import Groups, content_order, distinct

_ROWS = hnp.arrays(np.float64, hnp.array_shapes(min_dims=2, max_dims=2, max_side=12), elements=st.integers(-2, 2))


@given(_ROWS)
def test_distinct_rows_equal_numpy(rows: np.ndarray) -> None:
    cells, counts = distinct(rows)
    expected, expected_counts = np.unique(rows + 0.0, axis=0, return_counts=True)
    assert np.array_equal(cells, expected)
    assert np.array_equal(counts, expected_counts)


def test_colliding_hashes_are_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "row_hashes", lambda rows: np.zeros(len(rows), dtype=np.uint64))
    cells, counts = distinct(np.array([[1.0], [2.0], [1.0]]))
    assert cells[:, 0].tolist() == [1.0, 2.0]
    assert counts.tolist() == [2, 1]


def test_negative_zero_is_zero() -> None:
    assert len(distinct(np.array([[0.0], [-0.0]]))[0]) == 1


@given(_ROWS, st.randoms())
def test_order_depends_on_content_only(rows: np.ndarray, random) -> None:
    order = list(range(len(rows)))
    random.shuffle(order)
    moved = rows[order]
    assert np.array_equal(rows[content_order(rows)], moved[content_order(moved)])


def test_cluster_sums_do_not_depend_on_the_order_of_items() -> None:
    rng = np.random.default_rng(0)
    rows, names = rng.normal(size=(500, 2)), rng.integers(0, 20, 500).astype(str)
    order = rng.permutation(500)
    first = Groups.of(names.tolist(), 500).sums(rows)
    second = Groups.of(names[order].tolist(), 500).sums(rows[order])
    assert set(map(tuple, first)) == set(map(tuple, second))
    assert Groups.of(names.tolist(), 500).sizes().sum() == 500

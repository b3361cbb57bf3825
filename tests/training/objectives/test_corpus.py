import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from harness.training.objectives.corpus import Corpus, pack, plan_rows

_START, _END = 100, 101


def test_rows_are_full_and_hold_every_token_in_order() -> None:
    documents = [[1, 2, 3], [4, 5, 6, 7], [8, 9]]
    rows = pack(documents, length=5, around=(_START, _END), between=(_END,), seed=0)
    assert (rows[:, 0] == _START).all()
    assert (rows[:, -1] == _END).all()
    text = [token for token in rows[:, 1:-1].ravel().tolist() if token != _END]
    assert sorted(text) == list(range(1, 10))
    assert [token for token in text if token in (4, 5, 6, 7)] == [4, 5, 6, 7]


def test_rows_without_borders_begin_with_the_beginning_of_a_text() -> None:
    rows = pack([[1, 2, 3], [4, 5, 6]], length=4, around=(), between=(_END,), seed=0)
    assert rows.shape == (2, 4)
    assert rows[0, 0] == _END
    assert sorted(rows.ravel().tolist()) == [1, 2, 3, 4, 5, 6, _END, _END]


def test_a_corpus_shorter_than_a_row_is_repeated() -> None:
    assert pack([[1]], length=8, around=(_START, _END), between=(_END,), seed=0).tolist() == [
        [_START, 1, _END, 1, _END, 1, _END, _END]
    ]


@given(
    st.dictionaries(st.sampled_from("abc"), st.lists(st.lists(st.integers(0, 9), max_size=9), min_size=1), min_size=1),
    st.integers(1, 40),
)
def test_the_plan_has_as_many_rows_as_asked(documents: dict[str, list[list[int]]], rows: int) -> None:
    if not any(len(document) for texts in documents.values() for document in texts):
        return
    planned = plan_rows(Corpus(documents, 10), {}, rows=rows, length=6, around=(_START, _END), between=(_END,), seed=1)
    assert planned.shape == (rows, 6)


def test_shares_are_size_times_weight() -> None:
    corpus = Corpus({"large": [[1] * 10] * 300, "small": [[2] * 10] * 100}, 3)
    rows = plan_rows(corpus, {"small": 9.0}, rows=400, length=12, around=(_START, _END), between=(_END,), seed=0)
    assert np.mean((rows == 2).any(axis=1)) == 0.75


def test_the_plan_hangs_on_the_seed_alone() -> None:
    corpus = Corpus({"a": [[place] * 5 for place in range(10)] * 3}, 10)
    plans = [
        plan_rows(corpus, {}, rows=12, length=7, around=(_START, _END), between=(_END,), seed=seed)
        for seed in (0, 0, 1)
    ]
    assert np.array_equal(plans[0], plans[1])
    assert not np.array_equal(plans[0], plans[2])


def test_frequencies_count_tokens() -> None:
    assert Corpus({"a": [[0, 1, 1]], "b": [[1]]}, 3).frequencies().tolist() == [1, 3, 0]

from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.core.digests import fraction
from harness.core.errors import DataError
from harness.data.splits import DEFAULT_SHARES, Prepared, assign, checked_shares, normalized, split_name, split_rows

WORDS = st.sampled_from(["good", "Good ", "bad", "BAD", "fine", "ﬁne", "", " ", "plain"])


def prepared(text: str, cluster: str | None = None, split: str | None = None) -> Prepared:
    return Prepared({"text": text}, cluster, "part", split, (), "part", 1)


@given(st.lists(st.tuples(WORDS, st.integers(0, 30), st.sampled_from([None, "train", "validation", "test"]))))
def test_no_normalized_text_crosses_splits_and_every_row_is_accounted_for(
    rows: list[tuple[str, int, str | None]],
) -> None:
    made = split_rows(
        [prepared(text, f"part/{parent}", split) for text, parent, split in rows], DEFAULT_SHARES, ["text"]
    )
    by_split: dict[str, set[str]] = {"train": set(), "validation": set(), "test": set()}
    for split, _, row in made.rows():
        by_split[split].add(normalized(row.fields["text"]))
    assert not by_split["train"] & by_split["validation"]
    assert not by_split["train"] & by_split["test"]
    assert not by_split["validation"] & by_split["test"]
    assert made.count + made.dropped["duplicates"] + made.dropped["empty"] == len(rows)
    assert made.dropped["duplicates"] == made.dropped["duplicates_train"] + made.dropped["duplicates_validation"]


@given(st.text(), st.permutations(["a/1", "a/2", "b/1"]))
def test_a_clusters_split_depends_on_nothing_but_its_name(cluster: str, others: list[str]) -> None:
    alone = assign(cluster, DEFAULT_SHARES)
    rows = [prepared(f"text {name}", name) for name in others] + [prepared("another", cluster)]
    made = split_rows(rows, DEFAULT_SHARES, ["text"])
    assert {split for split, name, _ in made.rows() if name == cluster} == {alone}


def test_shares_are_met_and_follow_the_documented_hash() -> None:
    names = [f"movie/{number}" for number in range(20_000)]
    found = [assign(name, DEFAULT_SHARES) for name in names]
    assert found.count("train") / len(found) == pytest.approx(0.80, abs=0.01)
    assert found.count("validation") / len(found) == pytest.approx(0.07, abs=0.01)
    assert all((split == "train") == (fraction(name) < 0.80) for name, split in zip(names, found, strict=True))


def test_a_split_without_share_gets_nothing() -> None:
    shares: Mapping[str, float] = checked_shares({"test": 1.0})
    assert {assign(str(number), shares) for number in range(200)} == {"test"}


def test_evaluation_keeps_its_items_and_train_loses_the_copies() -> None:
    rows = [
        prepared("Same text", "a", "train"),
        prepared("same  TEXT", "b", "test"),
        prepared("same text", "c", "test"),
    ]
    made = split_rows(rows, DEFAULT_SHARES, ["text"])
    assert [split for split, _, _ in made.rows()] == ["test", "test"]


def test_rows_without_cluster_fall_with_their_text() -> None:
    made = split_rows([prepared("Same text"), prepared("same text ")], DEFAULT_SHARES, ["text"])
    assert len({cluster for _, cluster, _ in made.rows()}) == 1


def test_unique_keeps_the_first_of_each_text() -> None:
    made = split_rows([prepared("one"), prepared("ONE"), prepared("two")], DEFAULT_SHARES, ["text"], unique=True)
    assert [row.fields["text"] for _, _, row in made.rows()] == ["one", "two"]
    assert made.dropped["repeated"] == 1


@pytest.mark.parametrize("shares", [{"train": 0.5}, {"train": 1.2, "test": -0.2}, {"training": 1.0}])
def test_wrong_shares_are_refused(shares: dict[str, float]) -> None:
    with pytest.raises(DataError):
        checked_shares(shares)


def test_split_names() -> None:
    assert [split_name(name) for name in ("Train", "dev", "valid", "TEST")] == [
        "train",
        "validation",
        "validation",
        "test",
    ]
    with pytest.raises(DataError, match="Did you mean 'test'"):
        split_name("tests")

"""Which items a limit keeps."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from harness.core.evaluation import Item
from harness.evaluations.subsample import choose


def items(sizes: list[int]) -> list[Item]:
    return [
        Item(id=f"{cluster}.{place}", payload={}, texts={}, clusters={"parent": f"c{cluster}"})
        for cluster, size in enumerate(sizes)
        for place in range(size)
    ]


sizes = st.lists(st.integers(1, 6), min_size=1, max_size=15)


@given(sizes, st.integers(1, 40))
def test_at_most_the_limit_and_never_nothing(drawn: list[int], limit: int) -> None:
    kept = choose(items(drawn), limit, "parent")
    assert 0 < len(kept) <= limit


@given(sizes, st.integers(1, 40), st.randoms())
def test_the_order_of_the_items_does_not_matter(drawn: list[int], limit: int, random: object) -> None:
    every = items(drawn)
    shuffled = list(every)
    random.shuffle(shuffled)  # type: ignore[attr-defined]  # a random.Random, which hypothesis does not type
    assert {i.id for i in choose(every, limit, "parent")} == {i.id for i in choose(shuffled, limit, "parent")}


@given(sizes, st.integers(6, 30), st.integers(0, 10))
def test_smaller_limits_keep_subsets_and_whole_clusters(drawn: list[int], limit: int, more: int) -> None:
    every = items(drawn)
    kept = choose(every, limit, "parent")
    assert {i.id for i in kept} <= {i.id for i in choose(every, limit + more, "parent")}
    for cluster in {i.clusters["parent"] for i in kept}:
        assert sum(i.clusters["parent"] == cluster for i in kept) == drawn[int(cluster[1:])]


def test_without_a_limit_everything_stays_in_order() -> None:
    every = items([2, 3])
    assert choose(every, None, "parent") == every
    assert choose(every, 5, "parent") == every


def test_items_without_the_level_are_their_own_clusters() -> None:
    assert len(choose(items([9]), 4, "template")) == 4

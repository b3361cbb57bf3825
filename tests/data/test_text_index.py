from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from harness.data.text_index import TextIndex

TEXTS = st.sampled_from(["", "a", "b", "\0", "\ud800", "a longer text"])


@given(st.lists(st.tuples(TEXTS, st.integers(0, 5))), TEXTS, st.lists(TEXTS))
def test_it_agrees_with_a_mapping_of_sets(pairs: list[tuple[str, int]], asked: str, several: list[str]) -> None:
    index, plain = TextIndex(), dict[str, set[int]]()
    for text, number in pairs:
        index.add(text, number)
        plain.setdefault(text, set()).add(number)
    assert index.numbers(asked) == plain.get(asked, set())
    assert index.of_any(several) == set().union(*(plain.get(text, set()) for text in several))

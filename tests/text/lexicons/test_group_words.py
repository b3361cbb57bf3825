"""Which listed words a text holds, against the plain search of every word at every place."""

from __future__ import annotations

import re

from hypothesis import example, given
from hypothesis import strategies as st

from harness.text.lexicons.group_words import GroupWords

LISTED = {"a": ("gay", "gay men", "he"), "b": ("men", "trans-woman", "she"), "c": ("'em", "He")}
PIECES = st.sampled_from(
    ["gay", "Gay", "men", " ", "  ", "-", "'em", "he", "HE", "she", "trans", "woman", "x", "é", "\n"]
)


def plainly(text: str, words: dict[str, tuple[str, ...]]) -> dict[str, dict[str, int]]:
    counts: dict[str, dict[str, int]] = {}
    for group, listed in words.items():
        for word in {one.casefold() for one in listed}:
            pattern = re.escape(word).replace(r"\ ", r"\s+")
            number = len(re.findall(rf"(?<!\w)(?={pattern}(?!\w))", text, re.IGNORECASE))
            if number:
                counts.setdefault(group, {})[word] = number
    return counts


@given(st.lists(PIECES, max_size=12).map("".join), st.booleans())
@example("trans-woman, gay  men", True)
@example("'em 'em", False)
def test_found_words_are_those_of_a_plain_search(text: str, only_words: bool) -> None:
    listed = {group: words for group, words in LISTED.items() if not (only_words and group == "c")}
    found = GroupWords(listed).found(text)
    assert {g: {w: words.count(w) for w in set(words)} for g, words in found.items()} == plainly(text, listed)

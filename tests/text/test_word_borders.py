from __future__ import annotations

import unicodedata

import pytest

from harness.text.lexicons.group_words import GroupWords
from harness.text.lexicons.lexicon import inline_lexicon
from harness.text.swaps.swap import swap


def swapped(text: str, **groups: list[str]) -> str | None:
    found = swap(text, [inline_lexicon("own", groups)])
    return found[0].text if found else None


def decomposed(text: str) -> str:
    return unicodedata.normalize("NFD", text)


@pytest.mark.parametrize(
    ("text", "groups", "wanted"),
    [
        ("नरेंद्र ने कहा", {"purush": ["नर"], "stri": ["मादा"]}, None),
        ("दलित बस्ती", {"a": ["दल"], "b": ["संघ"]}, None),
        (decomposed("José came"), {"a": ["Jose"], "b": ["John"]}, None),
        (decomposed("Sa mère arrive"), {"f": ["mère"], "m": ["père"]}, "Sa père arrive"),
        ("Sa mère arrive", {"f": [decomposed("mère")], "m": ["père"]}, "Sa père arrive"),
        ("A Jehovah’s Witness came", {"a": ["Jehovah's Witness"], "b": ["Roman Catholic"]}, "A Roman Catholic came"),
        ("A trans\nwoman left", {"a": ["trans woman"], "b": ["cis woman"]}, "A cis woman left"),
        ("A trans\u00a0woman left", {"a": ["trans woman"], "b": ["cis woman"]}, "A cis woman left"),
        ("A non‑binary person", {"a": ["non-binary"], "b": ["cisgender"]}, "A cisgender person"),
        ("पुरुष आया", {"m": ["पुरुष"], "f": ["स्त्री"]}, "स्त्री आया"),
    ],
)
def test_swaps_and_groups_find_a_listed_word_alike(text: str, groups: dict[str, list[str]], wanted: str | None) -> None:
    assert swapped(text, **groups) == wanted
    spoken_of = GroupWords({group: tuple(words) for group, words in groups.items()}).found(text)
    assert bool(spoken_of) == (wanted is not None)


def test_the_built_in_words_end_at_marks_too() -> None:
    assert swap(decomposed("hé said"), ["gender"]) == []


def test_a_decomposed_word_is_found_inside_a_sentence() -> None:
    words = GroupWords({"f": ("étudiante",), "m": ("étudiant",)})
    assert words.found(decomposed("Une étudiante et un Étudiant")) == {"f": ["étudiante"], "m": ["étudiant"]}

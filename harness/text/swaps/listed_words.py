"""Swaps by lists: given names between groups, and lexicons of any groups."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import combinations

from harness.text.lexicons.builtin_lists import NAME_GROUPS, given_names, name_counterpart
from harness.text.lexicons.lexicon import Entry, Lexicon
from harness.text.lexicons.ordinary_words import is_ordinary, reading
from harness.text.swaps.edits import Edit, Swapped, apply, article_edit, like
from harness.text.swaps.given_names import find_names, name_edits
from harness.text.swaps.words import Words
from harness.text.word_borders import after, before, pattern_of, protected

MIXED = "mixed"


def swap_names(text: str) -> Iterator[Swapped]:
    """Given names with names of the same gender and length in each other group of `NAME_GROUPS`.

    The names of one group become names of the other and the other way round, so that two people stay
    two people. Gendered words stay as they are.
    """
    words = Words(text)
    names = [(index, given_names()[words.items[index].text.capitalize()]) for index in find_names(words)]
    present = tuple(dict.fromkeys(name.group for _, name in names))
    for first, second in _exchanges(present, NAME_GROUPS):
        edits: list[Edit] = []
        for index, name in names:
            other = {first: second, second: first}.get(name.group)
            target = name_counterpart(name.word, group=other) if other in NAME_GROUPS else None
            if target is not None:
                edits += name_edits(words, index, target, name.group)
        yield from _result(text, edits, "names", first, second)


def is_unclear(text: str, lexicon: Lexicon) -> bool:
    """Whether a text is not swapped because a word of the lexicon may be a name or an ordinary word (`Hope`)."""
    return any(
        is_ordinary(entry.word) and reading(text, *match.span()) == "unclear"
        for match, entry in _entries(text, lexicon)
    )


def _entries(text: str, lexicon: Lexicon) -> list[tuple[re.Match[str], Entry]]:
    """The lexicon's words in a text, outside of addresses, mentions and hashtags."""
    taken = protected(text)
    return [
        (match, entry)
        for match in _pattern(lexicon).finditer(text)
        if (entry := lexicon.find(match[0])) is not None and not any(a <= match.start() < b for a, b in taken)
    ]


def swap_lexicon(text: str, lexicon: Lexicon) -> Iterator[Swapped]:
    """The words of each group that stands in the text with those of each other group."""
    entries = _entries(text, lexicon)
    readings = [reading(text, *match.span()) if is_ordinary(entry.word) else "name" for match, entry in entries]
    if "unclear" in readings:
        return
    entries = [entry for entry, told in zip(entries, readings, strict=True) if told == "name"]
    present = tuple(dict.fromkeys(entry.group for _, entry in entries))
    for first, second in _exchanges(present, lexicon.groups):
        edits: list[Edit] = []
        for match, entry in entries:
            other = {first: second, second: first}.get(entry.group)
            target = lexicon.counterpart(entry.word, other) if other is not None else None
            if target is not None:
                edits.append(Edit(match.start(), match.end(), like(match[0], target), entry.group))
                edits += article_edit(text, match.start(), match[0], target)
        yield from _result(text, edits, lexicon.name, first, second)


def _exchanges(present: tuple[str, ...], groups: tuple[str, ...]) -> list[tuple[str, str]]:
    """Which two groups change places: each present one with each other one, each two once."""
    absent = [group for group in groups if group not in present]
    return [*((here, there) for here in present for there in absent), *combinations(present, 2)]


def _result(text: str, edits: list[Edit], kind: str, first: str, second: str) -> Iterator[Swapped]:
    groups = {edit.group for edit in edits if edit.group is not None}
    if not groups:
        return
    source, target = (first, second) if groups == {first} else (second, first) if groups == {second} else (MIXED, MIXED)
    swapped = apply(text, edits, kind, source, target)
    if swapped is not None:
        yield swapped


def _pattern(lexicon: Lexicon) -> re.Pattern[str]:
    words = pattern_of(entry.word for entry in lexicon.entries)
    return re.compile(f"{before()}(?:{words}){after()}", re.IGNORECASE)

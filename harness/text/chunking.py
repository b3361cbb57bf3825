"""Cutting long texts into pieces, the same for every model.

Models read a limited number of tokens, and tokens differ by model; so texts are cut by what all
of them see: at sentence borders, else between words, else (a very long word) between characters.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_WORD = re.compile(r"\S+")
_SENTENCE_END = re.compile(r"[.!?…][\"'”’»)\]]*\Z|[。！？]\Z")
_LETTERS_A_WORD = 6
_LETTERS_A_SIGN = 4


@dataclass(frozen=True, slots=True)
class _Unit:
    """A word, or a part of a very long one.

    Attributes:
        start, end: its place in the text.
        cost: its size in letters; see `pieces`.
        border: whether a sentence ends with it.
    """

    start: int
    end: int
    cost: int
    border: bool


def pieces(text: str, window: int) -> list[str]:
    """Cuts a text into pieces of at most `window` words.

    A piece also holds at most 6·window letters, where any character that is not a letter of
    a to z counts as four: a token is about four letters of English, but often a single digit, sign or
    letter of another script, so this keeps the number of tokens near 1.5 a word for any text. White
    space between two pieces belongs to neither; apart from it the pieces are the text. Pieces
    without a letter or digit are left out.
    """
    budget = _LETTERS_A_WORD * window
    units = list(_units(text, budget))
    texts: list[str] = []
    first = 0
    while first < len(units):
        size, cost, last = 0, 0, first
        sentence: int | None = None
        while last < len(units) and size < window and cost + units[last].cost <= budget:
            size += 1
            cost += units[last].cost
            last += 1
            if units[last - 1].border:
                sentence = last
        if last < len(units) and sentence is not None:
            last = sentence
        texts.append(text[units[first].start : units[last - 1].end])
        first = last
    return [piece for piece in texts if any(character.isalnum() for character in piece)]


def _units(text: str, budget: int) -> Iterator[_Unit]:
    for match in _WORD.finditer(text):
        start, cost = match.start(), 0
        for place in range(match.start(), match.end()):
            character = text[place]
            step = 1 if character.isascii() and character.isalpha() else _LETTERS_A_SIGN
            if cost + step > budget:
                yield _Unit(start, place, cost, border=False)
                start, cost = place, 0
            cost += step
        ends = _SENTENCE_END.search(match.group()) is not None or "\n" in text[match.end() : match.end() + 1]
        yield _Unit(start, match.end(), cost, border=ends)

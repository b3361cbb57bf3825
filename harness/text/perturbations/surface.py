"""Typing errors, case and punctuation. Addresses, mentions and hashtags are never touched."""

from __future__ import annotations

from collections.abc import Iterator

from harness.core.digests import fraction
from harness.text.swaps.words import Words

SHORTEST = 5
"""Words with fewer letters are left alone: a slip in them easily makes another word."""
SHARE = 0.15
_KEYS = ("qwertyuiop", "asdfghjkl", "zxcvbnm")
_ENDS = ".!?"


def misspell(text: str) -> Iterator[str]:
    """Three texts with slips of the keyboard: letters exchanged, left out, and hit beside.

    About a seventh of the words of five letters or more, at least one, is hit in each, chosen by a
    hash of the text, so that all models see the same slips. The first and the last letter stay.
    """
    words = [word for word in Words(text).items if len(word.text) >= SHORTEST and not word.shouted]
    if not words:
        return
    count = max(1, round(SHARE * len(words)))
    for kind in ("exchanged", "left out", "beside"):
        ranked = sorted(words, key=lambda word: fraction(f"{kind}\n{text}\n{word.start}"))
        changed = text
        for word in sorted(ranked[:count], key=lambda word: -word.start):
            slip = _slip(word.text, kind, fraction(f"place\n{kind}\n{text}\n{word.start}"))
            changed = changed[: word.start] + slip + changed[word.end :]
        if changed != text:
            yield changed


def change_case(text: str) -> Iterator[str]:
    """The text in small letters and in capitals, where that changes it."""
    for changed in (text.lower(), text.upper()):
        if changed != text:
            yield changed


def repunctuate(text: str) -> Iterator[str]:
    """The text without its last mark, with a full stop, and with its commas left out."""
    bare = text.rstrip()
    stem = bare.rstrip(_ENDS)
    for changed in dict.fromkeys((stem, f"{stem}.", f"{stem} .", bare.replace(",", ""))):
        if changed.strip() and changed != text:
            yield changed


def _slip(word: str, kind: str, where: float) -> str:
    place = 1 + int(where * (len(word) - 3))
    if kind == "exchanged":
        return word[:place] + word[place + 1] + word[place] + word[place + 2 :]
    if kind == "left out":
        return word[:place] + word[place + 1 :]
    letter = _beside(word[place])
    return word[:place] + letter + word[place + 1 :]


def _beside(letter: str) -> str:
    for row in _KEYS:
        at = row.find(letter.lower())
        if at >= 0:
            neighbor = row[at + 1] if at + 1 < len(row) else row[at - 1]
            return neighbor.upper() if letter.isupper() else neighbor
    return letter

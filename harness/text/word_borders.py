"""Where a listed word stands in a text: one rule for swaps, group words and word lists.

A word ends where no letter, digit, underscore or combining mark follows: in Indic scripts a vowel sign belongs to its
word, and a decomposed `é` is `e` and a mark. Words and texts are compared in NFC, whatever their case; an apostrophe
is `'` or `’`, a hyphen `-` or one that does not break, and a space any white space, line ends and no-break spaces too.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import cache

_LAST = 0x1FFFF
_JOINERS = "\u200c\u200d"
_APOSTROPHES = "'’ʼ"
_HYPHENS = "-‐‑"
_SPACE = re.compile(r"\s+")
_PROTECTED = re.compile(
    r"https?://\S+|www\.\S+|\S+@\S+\.\w+|\b[\w-]+\.(?:com|org|net|ly|co|tv)\b\S*|[@#]\w+|&\w+;|<[^<>\s][^<>]*>",
    re.IGNORECASE,
)
_SAME = str.maketrans({**dict.fromkeys("’ʼ", "'"), **dict.fromkeys("‐‑", "-")})


@cache
def word_characters() -> str:
    """The inside of a character class: word characters, combining marks, and what joins them."""
    marks = [code for code in range(0x300, _LAST) if unicodedata.category(chr(code))[0] == "M"]
    runs: list[tuple[int, int]] = []
    for code in marks:
        if runs and code == runs[-1][1] + 1:
            runs[-1] = (runs[-1][0], code)
        else:
            runs.append((code, code))
    return r"\w" + "".join(f"{chr(first)}-{chr(last)}" for first, last in runs) + _JOINERS


@cache
def before() -> str:
    """A pattern for the place where a word may begin."""
    return f"(?<![{word_characters()}])"


@cache
def after() -> str:
    """A pattern for the place where a word may end."""
    return f"(?![{word_characters()}])"


def plain_form(word: str) -> str:
    """A word or phrase as it is compared."""
    return _SPACE.sub(" ", unicodedata.normalize("NFC", word).strip().translate(_SAME)).casefold()


def pattern_of(words: Iterable[str]) -> str:
    """Alternatives that find words and phrases in running text, the longest first; never anything without words."""
    forms = {form for word in words for form in _forms(word)}
    return "|".join(map(_flexible, sorted(forms, key=lambda form: (-len(form), form)))) or r"(?!)"


def protected(text: str) -> list[tuple[int, int]]:
    """The spans of addresses, mentions, hashtags, entities and markup, which no swap touches."""
    return [match.span() for match in _PROTECTED.finditer(text)]


def _forms(word: str) -> tuple[str, str]:
    """Composed and decomposed: texts are searched as they are."""
    stripped = _SPACE.sub(" ", word.strip()).translate(_SAME)
    return unicodedata.normalize("NFC", stripped), unicodedata.normalize("NFD", stripped)


def _flexible(form: str) -> str:
    parts = []
    for character in form:
        if character == " ":
            parts.append(r"\s+")
        elif character == "'":
            parts.append(f"[{_APOSTROPHES}]")
        elif character == "-":
            parts.append(f"[{_HYPHENS}]")
        else:
            parts.append(re.escape(character))
    return "".join(parts)

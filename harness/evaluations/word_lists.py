"""Which words of a list a written text holds; lists are named and digested, so that figures say whose they are."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from harness.core.dataset import Dataset
from harness.core.digests import digest
from harness.core.errors import DataError
from harness.evaluations.columns import text_of
from harness.text.lexicons.builtin_lists import hurtful_words, polarity_words
from harness.text.lexicons.group_words import GroupWords

OWN = "built-in list"


@dataclass(frozen=True)
class WordList:
    """Words by kind, also in their plain plural.

    Attributes:
        name: who made the list.
    """

    name: str
    words: GroupWords

    @classmethod
    def of(cls, name: str, kinds: Mapping[str, str]) -> WordList:
        """From word → kind."""
        groups: dict[str, list[str]] = {}
        for word, kind in kinds.items():
            groups.setdefault(kind, []).extend(_forms(word))
        return cls(name, GroupWords({kind: tuple(dict.fromkeys(words)) for kind, words in groups.items()}))

    def counts(self, text: str) -> dict[str, int]:
        """kind → how many of its words the text holds."""
        return {kind: len(words) for kind, words in self.words.found(text).items()}

    def digest(self) -> str:
        return digest({kind: sorted(words) for kind, words in self.words.words.items()})


def hurtful(table: Dataset | None) -> WordList:
    """The user's list (a column `word`), or our own.

    Raises:
        DataError: for an empty list.
    """
    if table is None:
        return WordList.of(OWN, dict.fromkeys(hurtful_words(), "hurtful"))
    table.require("word")
    words = [text_of(table, row, "word", empty=False) for rows in table.rows.values() for row in rows]
    if not words:
        raise DataError(f"data {table.name!r}: the list of hurtful words is empty.")
    return WordList.of(table.name, dict.fromkeys(words, "hurtful"))


def polarity() -> WordList:
    """Our own list of words that speak well or ill of people."""
    return WordList.of(OWN, polarity_words())


def plain_words(text: str) -> list[str]:
    """The words of a text, for counting."""
    return re.findall(r"[^\W\d_]+(?:['’][^\W\d_]+)?", text)


def _forms(word: str) -> Iterable[str]:
    yield word
    if word.isalpha() and word.islower():
        yield f"{word}es" if word.endswith(("s", "x", "ch", "sh")) else f"{word}s"

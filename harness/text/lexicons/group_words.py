"""Whom a text speaks of, by words. Groups may overlap."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from harness.text.lexicons.builtin_lists import gender_words
from harness.text.lexicons.ordinary_words import is_ordinary, reading
from harness.text.word_borders import after, before, pattern_of, plain_form, protected

_WORD = re.compile(r"\w+")


@dataclass(frozen=True)
class GroupWords:
    """Groups and the words that name them.

    Attributes:
        words: group → words or phrases, as they stand in running text, whatever their case.
    """

    words: Mapping[str, tuple[str, ...]]
    _pattern: re.Pattern[str] = field(init=False, repr=False, compare=False)
    _owners: Mapping[str, tuple[str, ...]] = field(init=False, repr=False, compare=False)
    _starts: frozenset[str] | None = field(init=False, repr=False, compare=False)
    _ordinary: frozenset[str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        owners: dict[str, list[str]] = {}
        for group, words in self.words.items():
            for word in words:
                held = owners.setdefault(plain_form(word), [])
                if group not in held:
                    held.append(group)
        # Longest first, so that "gay men" is found before "gay"; the shorter ones are looked for inside.
        ordinary = frozenset(plain_form(word) for words in self.words.values() for word in words if is_ordinary(word))
        object.__setattr__(self, "_ordinary", ordinary)
        pattern = pattern_of(owners)
        object.__setattr__(self, "_owners", {word: tuple(groups) for word, groups in owners.items()})
        starts = [_WORD.match(word) for word in owners]
        first_characters = frozenset(_base(start[0]) for start in starts if start) if all(starts) else None
        object.__setattr__(self, "_starts", first_characters)
        object.__setattr__(self, "_pattern", re.compile(f"{before()}(?=({pattern}){after()})", re.IGNORECASE))

    @property
    def groups(self) -> tuple[str, ...]:
        return tuple(self.words)

    def found(self, text: str) -> dict[str, list[str]]:
        """group → the words of it in a text, in their order, as written in the list."""
        words: dict[str, list[str]] = {}
        for match in self._named(text):
            for word in self._inside(match[1]):
                if word in self._ordinary and reading(text, match.start(1), match.start(1) + len(word)) != "name":
                    continue
                for group in self._owners.get(word, ()):
                    words.setdefault(group, []).append(word)
        return words

    def is_unclear(self, text: str) -> bool:
        """Whether a word that is a name and an ordinary word stands where nothing tells which it is."""
        return any(
            word in self._ordinary and reading(text, match.start(1), match.start(1) + len(word)) == "unclear"
            for match in (self._named(text) if self._ordinary else ())
            for word in self._inside(match[1])
        )

    def unclear_notes(self, texts: Iterable[str]) -> list[str]:
        """How many texts hold such a word, in a sentence; nothing where there is none."""
        count = sum(map(self.is_unclear, texts))
        if not count:
            return []
        return [f"In {count:,} texts a word's part of speech is unclear (`May`, `Hope`): it names no group there."]

    def _named(self, text: str) -> Iterable[re.Match[str]]:
        """The matches outside of addresses, mentions, hashtags and markup, as in swaps."""
        taken: list[tuple[int, int]] | None = None
        for match in self._matches(text):
            taken = protected(text) if taken is None else taken
            if not any(start <= match.start() < end for start, end in taken):
                yield match

    def _matches(self, text: str) -> Iterable[re.Match[str]]:
        if self._starts is None:
            return self._pattern.finditer(text)
        # Hundreds of alternatives are tried only where a word begins as one of them does.
        # A decomposed letter begins with its own base letter, whose word is cut off at the mark.
        if text.isascii():  # most texts: one call for all words, and positions stay
            places = (word.start() for word in _WORD.finditer(text.lower()) if word[0] in self._starts)
        else:
            places = (word.start() for word in _WORD.finditer(text) if _base(word[0]) in self._starts)
        return (match for place in places if (match := self._pattern.match(text, place)))

    def _inside(self, phrase: str) -> Iterable[str]:
        """The phrase itself, and shorter listed ones that begin it ("gay" in "gay men")."""
        plain = plain_form(phrase)
        parts = plain.split(" ")
        return (" ".join(parts[:count]) for count in range(1, len(parts) + 1))


def _base(word: str) -> str:
    """The beginning of a word up to its first letter with a mark, alike for composed and decomposed texts."""
    decomposed = unicodedata.normalize("NFD", word).casefold()
    match = _WORD.match(decomposed)
    return match[0] if match is not None else decomposed


def own_gender_words() -> GroupWords:
    """The built-in list: gendered words, `female` and `male`."""
    lexicon = gender_words()
    words = {group: lexicon.words(group) for group in sorted(lexicon.groups)}
    return GroupWords({group: tuple(dict.fromkeys(listed)) for group, listed in words.items()})

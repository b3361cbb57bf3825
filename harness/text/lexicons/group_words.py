"""Whom a text speaks of, by words. Groups may overlap."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from harness.text.lexicons.builtin_lists import gender_words

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

    def __post_init__(self) -> None:
        owners: dict[str, list[str]] = {}
        for group, words in self.words.items():
            for word in words:
                held = owners.setdefault(_plain(word), [])
                if group not in held:
                    held.append(group)
        # Longest first, so that "gay men" is found before "gay"; the shorter ones are looked for inside.
        ranked = sorted(owners, key=lambda word: (-len(word), word))
        pattern = "|".join(re.escape(word).replace(r"\ ", r"\s+") for word in ranked) or r"(?!)"
        object.__setattr__(self, "_owners", {word: tuple(groups) for word, groups in owners.items()})
        starts = [_WORD.match(word) for word in owners]
        found = frozenset(start[0] for start in starts if start) if all(starts) else None
        object.__setattr__(self, "_starts", found)
        object.__setattr__(self, "_pattern", re.compile(rf"(?<!\w)(?=({pattern})(?!\w))", re.IGNORECASE))

    @property
    def groups(self) -> tuple[str, ...]:
        return tuple(self.words)

    def found(self, text: str) -> dict[str, list[str]]:
        """group → the words of it in a text, in their order, as written in the list."""
        found: dict[str, list[str]] = {}
        for match in self._matches(text):
            for word in self._inside(match[1]):
                for group in self._owners.get(word, ()):
                    found.setdefault(group, []).append(word)
        return found

    def _matches(self, text: str) -> Iterable[re.Match[str]]:
        if self._starts is None:
            return self._pattern.finditer(text)
        # Hundreds of alternatives are tried only where a word begins as one of them does.
        places = (word.start() for word in _WORD.finditer(text) if word[0].casefold() in self._starts)
        return (match for place in places if (match := self._pattern.match(text, place)))

    def _inside(self, phrase: str) -> Iterable[str]:
        """The phrase itself, and shorter listed ones that begin it ("gay" in "gay men")."""
        plain = _plain(phrase)
        parts = plain.split(" ")
        return (" ".join(parts[:count]) for count in range(1, len(parts) + 1))


def _plain(word: str) -> str:
    return re.sub(r"\s+", " ", word.strip()).casefold()


def own_gender_words() -> GroupWords:
    """The built-in list: gendered words, `female` and `male`."""
    lexicon = gender_words()
    words = {group: lexicon.words(group) for group in sorted(lexicon.groups)}
    return GroupWords({group: tuple(dict.fromkeys(found)) for group, found in words.items()})

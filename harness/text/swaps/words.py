"""Words of a text with what surrounds them; addresses, mentions and hashtags are not words."""

from __future__ import annotations

import re
from dataclasses import dataclass

from harness.text.word_borders import after, before, protected

_WORD = re.compile(rf"{before()}(?<!\(\w\))([^\W\d_]+)((?:['’][^\W\d_]+)*){after()}")
_SENTENCE_END = re.compile(r"[.!?…:;\n]|--|^\s*[-*•]")


@dataclass(frozen=True, slots=True)
class Word:
    """A word at `start:end` of its text; a clitic (`'s`, `'ll`) follows at `end:stop`."""

    text: str
    clitic: str
    start: int
    end: int

    @property
    def stop(self) -> int:
        return self.end + len(self.clitic)

    @property
    def key(self) -> str:
        return self.text.lower()

    @property
    def capitalized(self) -> bool:
        return self.text[0].isupper()

    @property
    def shouted(self) -> bool:
        return len(self.text) > 1 and self.text.isupper()


class Words:
    """The words of a text in order. An index outside gives an empty key, never an error."""

    def __init__(self, text: str) -> None:
        self.text = text
        taken = protected(text)
        self.items = [
            Word(match[1], match[2], match.start(1), match.end(1))
            for match in _WORD.finditer(text)
            if not any(start <= match.start() < end for start, end in taken)
        ]
        capitals = sum(word.capitalized for word in self.items)
        shouted = sum(len(word.text) for word in self.items if word.text.isupper())
        self.all_shouted = shouted > 0.7 * sum(len(word.text) for word in self.items)
        self.headline = not self.all_shouted and len(self.items) >= 4 and capitals > 0.6 * len(self.items)

    def key(self, index: int) -> str:
        """The word in lower case with its clitic, or nothing beyond the ends."""
        if 0 <= index < len(self.items):
            word = self.items[index]
            return word.key + word.clitic.lower().replace("’", "'")
        return ""

    def gap(self, index: int) -> str:
        """What stands between word `index` and the next one; the rest of the text after the
        last, nothing beyond."""
        if index >= len(self.items):
            return ""
        after = self.items[index + 1].start if index + 1 < len(self.items) else len(self.text)
        start = self.items[index].stop if index >= 0 else 0
        return self.text[start:after]

    def adjacent(self, index: int) -> bool:
        """Whether only spaces stand between word `index` and the next."""
        return index + 1 < len(self.items) and bool(self.gap(index)) and self.gap(index).isspace()

    def starts_sentence(self, index: int) -> bool:
        if index == 0:
            return True
        before = self.items[index - 1]
        initial = len(before.text) == 1 and before.capitalized and before.text != "I" and self.gap(index - 1) == ". "
        return not initial and _SENTENCE_END.search(self.gap(index - 1)) is not None

    def proper(self, index: int) -> bool:
        """Whether the word is capitalized in a way that the start of a sentence does not explain."""
        if not 0 <= index < len(self.items):
            return False
        word = self.items[index]
        return word.capitalized and not word.shouted and word.text != "I" and not self.starts_sentence(index)

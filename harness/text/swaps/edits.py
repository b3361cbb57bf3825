"""Edits to a text: case, articles, possessives, and the spans on both sides."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from harness.text.swaps.words import Words

_AN = re.compile(r"(?:[aeio]|u(?!ni|se|su|rin|ti)|heir|hour|honest|hono)", re.IGNORECASE)
_A = re.compile(r"(?:eu|ewe|one\b|once\b)", re.IGNORECASE)
_ARTICLE = re.compile(r"\b(an?)\s+\Z", re.IGNORECASE)
_PLURAL_WITHOUT_S = ("men", "people", "children")


@dataclass(frozen=True, slots=True)
class Swapped:
    """A text about other people.

    Attributes:
        text: the swapped text.
        kind: `gender`, `names` or the name of a lexicon.
        from_group, to_group: who stood and who stands in the text. Where both groups stood and
            changed places, both are `mixed`: no direction, so left out of a signed shift.
        original_spans, swapped_spans: (start, end) in characters of every change, in order.
    """

    text: str
    kind: str
    from_group: str
    to_group: str
    original_spans: tuple[tuple[int, int], ...]
    swapped_spans: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Edit:
    """Put `text` in place of `start:end`. `group` is who stood there, None for articles and the like."""

    start: int
    end: int
    text: str
    group: str | None = None


def like(source: str, target: str) -> str:
    """`target` in the case of `source`: SHOUTED, Capitalized, or as the lexicon has it."""
    if len(source) > 1 and source.isupper():
        return target.upper()
    return target[0].upper() + target[1:] if source[0].isupper() else target


def article(word: str) -> str:
    """`a` or `an`, by the first sound as far as spelling tells it."""
    return "an" if _AN.match(word) and not _A.match(word) else "a"


def replace(words: Words, index: int, target: str, group: str) -> list[Edit]:
    """The edits that put `target` in place of a word, with its article and its possessive."""
    word = words.items[index]
    edits = [Edit(word.start, word.end, like(word.text, target), group)]
    edits += article_edit(words.text, word.start, word.text, target)
    rest = words.text[word.end :]
    if word.key.endswith("s") and not target.endswith("s") and re.match(r"['’]\s+\w", rest):
        edits.append(Edit(word.end + 1, word.end + 1, "s"))
    elif word.clitic.lower() in ("'s", "’s") and word.key.endswith(_PLURAL_WITHOUT_S) and target.endswith("s"):
        edits.append(Edit(word.end + 1, word.stop, ""))
    return edits


def article_edit(text: str, start: int, old: str, new: str) -> list[Edit]:
    """The edit of an indefinite article that stands right before the changed word at `start`."""
    match = _ARTICLE.search(text[:start])
    if match is None or article(old) == article(new):
        return []
    return [Edit(match.start(1), match.end(1), like(match[1], article(new)))]


def apply(text: str, edits: Iterable[Edit], kind: str, from_group: str, to_group: str) -> Swapped | None:
    """The swapped text, or None when nothing changes."""
    parts: list[str] = []
    before: list[tuple[int, int]] = []
    after: list[tuple[int, int]] = []
    at = length = 0
    for edit in sorted(edits, key=lambda edit: edit.start):
        parts += [text[at : edit.start], edit.text]
        start = length + edit.start - at
        length, at = start + len(edit.text), edit.end
        before.append((edit.start, edit.end))
        after.append((start, length))
    swapped = "".join([*parts, text[at:]])
    if swapped == text:
        return None
    return Swapped(swapped, kind, from_group, to_group, tuple(before), tuple(after))

"""Where a text names an ordinary person by a given name alone.

A given name beside another capitalized word is a whole name, a place, a title of a work: very often a
real person, whose swapped name would be nobody's. Such names stay as they are.
"""

from __future__ import annotations

from harness.text.lexicons.builtin_lists import excluded_words, given_names
from harness.text.swaps.edits import Edit, article_edit, like
from harness.text.swaps.word_classes import word_class
from harness.text.swaps.words import Words

_PARTICLES = word_class("particles")
_KIN = word_class("kin")
_OPENERS = word_class("openers")


def _stands_alone(words: Words, index: int) -> bool:
    word = words.items[index]
    text = words.text
    if text[word.start - 1 : word.start] in ("-", "/", "_", "$") or text[word.stop : word.stop + 1] in ("-", "_"):
        return False
    if index > 0 and (words.adjacent(index - 1) or words.gap(index - 1) == ". "):
        before = words.items[index - 1]
        opener = (before.key in _OPENERS and words.starts_sentence(index - 1)) or before.text == "I"
        explained = opener or before.key in _KIN or words.starts_sentence(index)
        if before.capitalized and not explained:
            return False
        if before.key in ("mr", "mrs", "ms", "dr", "st", "jr", "prof", "rev"):
            return False
    if words.gap(index).replace(")", "").isspace() and words.proper(index + 1):
        return False
    if not words.adjacent(index):
        return True
    if words.key(index + 1) == "and" and _whole_name(words, index + 2):
        return False
    after = words.items[index + 1]
    if after.key in _PARTICLES and index + 2 < len(words.items) and words.items[index + 2].capitalized:
        return False
    first_person = words.key(index + 1) in ("i", "i'm", "i've", "i'd", "i'll") and words.gap(index + 1) != ". "
    return not after.capitalized or first_person


def _whole_name(words: Words, index: int) -> bool:
    """Whether two capitalized words stand at `index`: `Ann and Paul Smith` shares its last name."""
    return words.adjacent(index) and words.items[index].capitalized and words.items[index + 1].capitalized


def _spelling(words: Words, index: int) -> str | None:
    """The word as a given name is spelled, when it can be one here."""
    word = words.items[index]
    if word.shouted:
        return word.text.capitalize() if not words.all_shouted and len(word.text) > 3 else None
    return word.text if word.capitalized else None


def find_names(words: Words) -> list[int]:
    """The indices of given names that stand for an ordinary person throughout the text."""
    if words.headline or words.all_shouted:
        return []
    places = [index for index in range(len(words.items)) if _spelling(words, index) in given_names()]
    whole = {_spelling(words, index) for index in places if not _stands_alone(words, index)}
    return [index for index in places if _spelling(words, index) not in whole]


def names_a_known_person(words: Words) -> bool:
    """Whether the text holds a gendered name that cannot be swapped: a whole name, an ambiguous name
    in the place of a name, a given name in small letters."""
    safe = set(find_names(words))
    for index, word in enumerate(words.items):
        if index in safe:
            continue
        if word.text.capitalize() in given_names():
            return True
        entry = excluded_words().get(word.text.capitalize())
        if entry is not None and entry.kind == "name" and _used_as_name(words, index):
            return True
    return False


_NEVER_AFTER_A_NAME = word_class("never_after_a_name")


def maybe_a_name(words: Words) -> bool:
    """Whether a word that is also a given name begins a sentence, so that nothing tells which of both it is.

    A pronoun, an article or `to` right behind it tells that it is none (`Will she come`, `May the best win`).
    """
    for index, word in enumerate(words.items):
        entry = excluded_words().get(word.text.capitalize())
        if entry is None or entry.kind != "name" or not words.starts_sentence(index) or word.shouted:
            continue
        if word.capitalized and words.adjacent(index) and words.key(index + 1) not in _NEVER_AFTER_A_NAME:
            return True
    return False


def _used_as_name(words: Words, index: int) -> bool:
    word = words.items[index]
    if not word.capitalized or word.shouted:
        return False
    follows = words.adjacent(index) and words.items[index + 1].capitalized and words.key(index + 1) != "i"
    return words.proper(index) or follows


def name_edits(words: Words, index: int, target: str, group: str) -> list[Edit]:
    """The edits that put another given name in place of the one at `index`."""
    word = words.items[index]
    edits = [Edit(word.start, word.end, like(word.text, target), group)]
    edits += article_edit(words.text, word.start, word.text, target)
    if words.text[word.end : word.end + 2] in ("' ", "’ ") and word.key.endswith("s") and not target.endswith("s"):
        edits.append(Edit(word.end + 1, word.end + 1, "s"))
    return edits

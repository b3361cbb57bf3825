"""The gender swap: every gendered word and given name of a text, in one go."""

from __future__ import annotations

import re
from functools import cache

from harness.text.lexicons.builtin_lists import excluded_words, gender_words, given_names, name_counterpart
from harness.text.swaps.edits import Edit, replace
from harness.text.swaps.given_names import find_names, maybe_a_name, name_edits, names_a_known_person
from harness.text.swaps.pronoun_cases import for_her, for_his
from harness.text.swaps.word_classes import word_class
from harness.text.swaps.words import Words
from harness.text.word_borders import plain_form

_OTHER = {"male": "female", "female": "male"}
_PRONOUNS = word_class("pronouns")
_HONORIFICS = word_class("honorifics")
_TITLES = word_class("titles")
_KIN_NAMES = word_class("kin_names")
_HYPHEN_HEADS = word_class("hyphen_heads")
_HYPHEN_TAILS = word_class("hyphen_tails")
_INTERJECTION_NEXT = word_class("interjection_next")
# Word groups in which a gendered word names nobody, or names something else.
_IDIOMS = re.compile(
    r"""\b(?:(?:o+h*|hey|ah|aw+|damn|yes|c'?mon|yo|dear|boy|attaboy)[,\s]+(?:man|boy|brother|mama)
    |man\s+oh\s+man|(?:man|boy)\s+(?=oh)|man\s+(?:up|cave|hours?|power|kind|made|of\s+steel)|no\s+man['’]s\s+land
    |(?:king|queen|twin)[\s-]+(?:size|sized|bed|beds|mattress)|drama\s+queen|queen\s+bee
    |mother\s+(?:nature|board|tongue|earth|lode|ship|of\s+(?:all|god))|father\s+(?:christmas|time)|founding\s+fathers
    |sister\s+(?:company|site|city|ship)|brother\s+printer|mom\s+and\s+pop|old\s+wives['’]?
    |lady\s*bugs?|ladies['’]?\s+man|black\s+widow|widow\s*maker|son\s+of\s+a|sons\s+of|snow\s+man|hang\s*man
    |the\s+man\s+in\s+the\s+moon|right[\s-]hand\s+man|best\s+man|boy\s+scouts?|girl\s+scouts?|bat\s*boy
    |daddy\s+long|(?:nanny|day)\s+care|male\s+(?:to|connector|plug|end)|female\s+(?:connector|plug|end))\b""",
    re.IGNORECASE | re.VERBOSE,
)
_TOKEN = re.compile(r"[^\W\d_]+")
_NEUTRAL_FORM = re.compile(r"\b(?:s/he|he/she|she/he|him/her|his/hers?|\(s\)he)\b|\(s\)he\b", re.IGNORECASE)


class UndecidedError(Exception):
    """A text holds a word whose swap the words around it do not tell."""


def is_undecided(text: str) -> bool:
    """Whether the gender swap leaves a text out because it cannot tell what a word in it means.

    That is a `her` that may be an object or a possessive, or a word that may be a given name (`Grace said grace`).
    """
    if not any(word.lower() in ("her", "his") or word.capitalize() in _ambiguous() for word in _TOKEN.findall(text)):
        return False  # nothing below could be in doubt
    try:
        _edits(text)
    except UndecidedError:
        return True
    return False


def gender_edits(text: str) -> list[Edit]:
    """The edits of the whole text; empty when it holds nothing gendered, or when a part of it is gendered
    and cannot be swapped (a whole name, the title of a work, a word without counterpart or one whose reading is
    undecided), since the rest would no longer agree with it."""
    try:
        return _edits(text)
    except UndecidedError:
        return []


@cache
def _listed() -> frozenset[str]:
    """Every word and name that the swap is about, as `plain_form` gives it."""
    words = [entry.word for entry in gender_words().entries]
    return frozenset(map(plain_form, [*words, *given_names(), "her", "his"]))


@cache
def _ambiguous() -> frozenset[str]:
    """Given names that are words too."""
    return frozenset(word for word, entry in excluded_words().items() if entry.kind == "name")


def _names_nobody(text: str) -> bool:
    """Whether no word of a text is in the lists, as in most texts: looked up before the slower rules."""
    listed = _listed()
    return not any(
        word.lower() in listed or (not word.isascii() and plain_form(word) in listed) for word in _TOKEN.findall(text)
    )


def _edits(text: str) -> list[Edit]:
    if _names_nobody(text):
        return []
    words = Words(text)
    if words.headline or names_a_known_person(words):
        return []
    idle = [match.span() for pattern in (_IDIOMS, _NEUTRAL_FORM) for match in pattern.finditer(text)]
    edits: list[Edit] = []
    undecided = False
    for index, word in enumerate(words.items):
        if any(start <= word.start < end for start, end in idle) or _in_compound(words, index):
            continue
        if _excludes_the_text(words, index):
            return []
        entry = gender_words().find(word.key)
        if entry is None or _interjection(words, index):
            continue
        if _in_title(words, index):
            return []
        if _is_undecided(words, index):
            undecided = True
            continue
        target = _target(words, index, entry.group)
        if target is None:
            return []
        edits += replace(words, index, target, entry.group)
    named = _name_edits(words)
    if named is None:
        return []
    edits += named
    if undecided or (edits and maybe_a_name(words)):
        raise UndecidedError
    return edits


def _excludes_the_text(words: Words, index: int) -> bool:
    """Whether a word is one in whose presence no swap is right."""
    excluded = excluded_words().get(words.items[index].key)
    return excluded is not None and (excluded.kind == "blocking" or (excluded.kind == "title" and words.proper(index)))


def _name_edits(words: Words) -> list[Edit] | None:
    """The edits of the given names; None where one has no counterpart."""
    edits: list[Edit] = []
    for index in find_names(words):
        name = given_names()[words.items[index].text.capitalize()]
        other = name_counterpart(name.word, gender=_OTHER[name.gender])
        if other is None:
            return None
        edits += name_edits(words, index, other, name.gender)
    return edits


def _is_undecided(words: Words, index: int) -> bool:
    word = words.items[index]
    case = {"her": for_her, "his": for_his}.get(word.key)
    return case is not None and not word.clitic and case(words, index) is None


def _target(words: Words, index: int, group: str) -> str | None:
    """The counterpart, or None where the form is not English (`her's`) or no person is named (`MS`)."""
    word = words.items[index]
    if word.key in ("her", "his", "him", "hers") and word.clitic:
        return None
    if word.key == "her":
        return for_her(words, index)
    if word.key == "his":
        return for_his(words, index)
    if word.key in _HONORIFICS:
        named = index + 1 < len(words.items) and words.items[index + 1].capitalized and not words.all_shouted
        return gender_words().counterpart(word.key, _OTHER[group]) if named and word.text.istitle() else None
    return gender_words().counterpart(word.key, _OTHER[group])


def _in_compound(words: Words, index: int) -> bool:
    """Whether the word is part of a hyphenated word that is not about its sense (`man-made`)."""
    word, text = words.items[index], words.text
    left, right = text[word.start - 1 : word.start] if word.start else "", text[word.stop : word.stop + 1]
    if (left in ("_", "$", "\\", "/") and word.key in ("man", "he")) or right == "_":
        return True
    if left == "-" and index > 0 and words.gap(index - 1) == "-":
        before = words.key(index - 1)
        if before not in _HYPHEN_HEADS and gender_words().find(before) is None:
            return True
    if right == "-" and words.gap(index) == "-":
        after = words.key(index + 1)
        return after not in _HYPHEN_TAILS and gender_words().find(after) is None
    return False


def _interjection(words: Words, index: int) -> bool:
    """`Man, that was good`; `Boy was I wrong`; `thanks man`."""
    if words.key(index) not in ("man", "boy") or words.key(index - 1) in ("a", "the", "my", "old", "young", "this"):
        return False
    gap = words.gap(index).strip()
    if words.starts_sentence(index) and (gap.startswith((",", "!", "…", "..")) or not gap):
        return gap != "" or words.key(index + 1) in _INTERJECTION_NEXT
    vocative = index > 0 and words.gap(index - 1).strip() == ","
    thanked = words.key(index - 1) in ("thanks", "sorry", "lol", "hi", "hello", "please", "yeah", "cool", "up")
    return (vocative or thanked) and (gap[:1] in (",", "!", ".", "?", "…") or not words.text[words.items[index].stop :])


def _in_title(words: Words, index: int) -> bool:
    """Whether the word seems part of a proper name: `Iron Man`, `Lady Gaga`, `Men in Black`."""
    word = words.items[index]
    if words.all_shouted:
        return False
    if word.key in _HONORIFICS:
        return words.text[: word.start].endswith(("''", '"', "“"))
    follower = words.adjacent(index) and not word.clitic and words.items[index + 1].capitalized
    follower = follower and words.key(index + 1)[:2] not in ("i", "i'") and not words.items[index + 1].shouted
    if word.key in _PRONOUNS:
        long_title = follower and words.adjacent(index + 1) and words.proper(index + 2)
        quoted = words.text[word.start - 1 : word.start] in ("'", '"', "“", "‘", "`", "(", "*")
        return word.text.istitle() and (long_title or (words.proper(index) and not quoted))
    if word.key in _KIN_NAMES and (not follower or index + 1 in find_names(words)):
        return False
    if word.key in _TITLES and (follower or words.key(index + 1) == "gaga"):
        return True
    if not word.capitalized or word.shouted:
        return follower and words.proper(index - 1)
    if words.proper(index) or follower:
        return True
    joined = words.key(index + 1) in ("in", "of", "on", "and", "with", "without", "for", "from", "to")
    beyond = index + (3 if words.key(index + 2) in ("the", "a") else 2)
    return joined and words.proper(beyond) and not words.items[beyond].shouted

"""Which pronoun answers `her` and `his`: him or his, her or hers, by the words around them.

There is no tagger here, so these are rules over closed word classes. What they cannot tell (`gave her dog food`,
`met her last night`, `had her sign the form`) is left undecided, and a text that holds it is not swapped.
"""

from __future__ import annotations

import re

from harness.text.lexicons.builtin_lists import given_names
from harness.text.swaps.word_classes import word_class
from harness.text.swaps.words import Words

_CLOSED = word_class("closed")
_EITHER = word_class("either")
_SENSE = word_class("sense")
_CAUSE = word_class("cause") | _SENSE
_BARE_VERB = word_class("bare_verb")
_STATE = word_class("state")
_STATE_ADJECTIVE = word_class("state_adjective")
_GIVE = word_class("give")
_GIFT = word_class("gift")
_MOVE = word_class("move")
_PLACE = word_class("place")
_NOT_ADVERBS = word_class("not_adverbs")
_AFTER_WILL = word_class("after_will")
_TWO_OBJECTS = word_class("two_objects")
_COMPLEMENT = word_class("complement") | _CAUSE | _STATE | _GIVE | _TWO_OBJECTS
_NO_VERB = word_class("no_verb")
_PAST = word_class("past")
_THING = word_class("thing")
_OF_ONES_OWN = word_class("of_ones_own")
_COUNT = word_class("count")
_TIME = word_class("time")
_QUALITY = word_class("quality") | _STATE_ADJECTIVE
_DESCRIBED = word_class("described")
_STRETCHES = word_class("stretches")
_AFTER_STRETCHES = word_class("after_stretches")
_BARE_NOUNS = word_class("bare_nouns")
_DONE_TO = word_class("done_to")
_PLACES_BEFORE_SUBJECTS = word_class("places_before_subjects")
_MAKE = frozenset(("make", "makes", "made", "making"))
_DO = frozenset(("do", "does", "did", "doing", "done"))
_POINTING = frozenset(("a", "an", "some", "one", "two", "this", "that", "these", "those"))
_NOUNS_TOO = word_class("nouns_too")
_QUALITY_ENDINGS = ("ful", "less", "ous", "ive", "able", "ible", "ish", "ical")
_JOINED = ("and", "or")
_POSSESSIVES = ("his", "her", "my", "your", "their", "our")
_OPENING = re.compile(r"\s+[\"'“‘`(\[*_]+")
_NUMBER = re.compile(r"\s*[\"'“‘]*[#$€£:]*\d")
_AMOUNT = re.compile(r"\s*[$€£¥]\s?\d")
_BREAK = re.compile(r"[.,!?;:…)\]}”|/*<>=~]|--|[\"'’](?=\s|$|[.,!?;:])|\s[-–—&+]|\n")


def _joined(words: Words, index: int) -> str:
    """The second pronoun of `his or her`, `his/her`, `her and his`; empty when there is none."""
    if words.gap(index).strip() == "/":
        return words.key(index + 1)
    return words.key(index + 2) if words.key(index + 1) in _JOINED else ""


def _ends(words: Words, index: int) -> bool:
    """Whether the clause may be over right after word `index`: the text ends, or a stop follows."""
    gap = words.gap(index)
    if index + 1 == len(words.items):
        return not any(character.isalnum() for character in gap)
    return not _OPENING.fullmatch(gap) and bool(_BREAK.search(gap.rstrip(" \t") or gap))


def _adverb_at_end(words: Words, index: int) -> bool:
    key = words.key(index)
    if not key.endswith("ly") or key in _NOT_ADVERBS:
        return False
    return _ends(words, index) or words.key(index + 1) in _CLOSED


def _closes(words: Words, index: int) -> bool:
    """Whether the noun phrase is over after word `index`: nothing that could be possessed follows."""
    gap = words.gap(index)
    if _NUMBER.match(gap):
        return False
    if _ends(words, index) or (gap.strip() and not _OPENING.fullmatch(gap)):
        return True
    if words.gap(index + 1) == "-":
        return False
    following = words.key(index + 1)
    if following == "own":
        return False
    if following == "will":
        return words.key(index + 2) in _AFTER_WILL
    if following in _EITHER:
        return _ends(words, index + 1) or words.key(index + 2) in _CLOSED
    return following in _CLOSED or _adverb_at_end(words, index + 1)


def for_her(words: Words, index: int) -> str | None:
    """`him` or `his` in place of the `her` at `index`; None where the words around it do not tell."""
    if _AMOUNT.match(words.gap(index)):
        return "him"
    if words.key(index + 1) in ("her", "his") and words.adjacent(index):
        return "him"
    other = _joined(words, index)
    if other in _POSSESSIVES and not _ends(words, index + 1):
        return _joined_object(words, index, other)
    if _closes(words, index):
        return "him"
    told = _told_object(words, index)
    return told if told is not None else _possessive(words, index)


def _joined_object(words: Words, index: int, other: str) -> str | None:
    """`love her and her cooking` has an object, `his and her cooking` a possessive."""
    if words.gap(index).strip() == "/" or words.starts_sentence(index):
        return "his"
    return "him" if other == "her" else None


def _told_object(words: Words, index: int) -> str | None:
    """`him` where a verb and what follows tell that the `her` between them is its object."""
    before, following = words.key(index - 1), words.key(index + 1)
    after_ends = _ends(words, index + 1) or words.key(index + 2) in _CLOSED
    if following in _STRETCHES and words.key(index + 2) in _AFTER_STRETCHES:
        return "him"
    if following in _BARE_NOUNS and (before in _SENSE | _STATE or before[:4] == "help") and before not in _MAKE:
        # `heard her laugh`, `kept her company`
        return "him" if before[:4] in ("keep", "kept") and following == "company" and _ends(words, index + 1) else None
    if before in _CAUSE and following in _BARE_VERB and before not in ("have", "had", "has", "get", "got"):
        return "him"
    if before in _SENSE and following.endswith("ing") and len(following) > 4:
        return "him"
    if before in _DESCRIBED and after_ends and _is_plain_quality(following):
        return "him"
    if after_ends and (
        (before in _STATE and following in _STATE_ADJECTIVE)
        or (before in _GIVE and following in _GIFT)
        or (before in _DO and following in _DONE_TO)
    ):
        return "him"
    if before in _MOVE and following in _PLACE and after_ends:
        return "him"
    return None


def _is_plain_quality(word: str) -> bool:
    """Whether a word is an adjective that is no noun as well."""
    return (word in _QUALITY or word.endswith(_QUALITY_ENDINGS)) and word not in _NOUNS_TOO


def _possessive(words: Words, index: int) -> str | None:
    """`his`, unless the verb before or the word after allows an object as well."""
    if words.starts_sentence(index) or _has_a_thing(words, index):
        return "his"
    before, following = words.key(index - 1), words.key(index + 1)
    if following in _TIME:
        return None if not _time_of_a_thing(words, index) else "his"
    if before in _NO_VERB or not words.adjacent(index - 1):
        # `the dog behind her barked`, `without her knowing`: what looks like a verb may follow an object.
        verb = following.endswith("ed") or following in _PAST
        verb = verb or (before in ("with", "without") and following.endswith("ing"))
        subject = before in _PLACES_BEFORE_SUBJECTS and words.starts_sentence(index - 1)
        return None if verb or (subject and not _closes(words, index + 1)) else "his"
    if before in _OF_ONES_OWN and _is_her_deed(words, index - 2):
        return "his"
    beyond = words.gap(index)
    unclear = (
        before in _COMPLEMENT
        or following in _COUNT
        or following in _QUALITY
        or following.endswith(_QUALITY_ENDINGS)
        or (following.endswith("ly") and following not in _NOT_ADVERBS)
        or (following.endswith("ing") and len(following) > 4)
        or following.endswith(("'s", "s'"))
        or _NUMBER.match(beyond) is not None
        or words.proper(index + 1)
    )
    return None if unclear else "his"


def _may_be_verb(words: Words, index: int) -> bool:
    """Whether the word after `of his` may be the verb of what stands before: `knows`, `called`, `came`; or any word
    after a plural (`some friends of his live here`)."""
    key, head = words.key(index), words.key(index - 3)
    if head in _COUNT:
        return False  # `many of his works`
    ending = key.endswith("ed") or (key.endswith("s") and not key.endswith("ss"))
    return ending or key in _PAST or head.endswith("s")


def _has_a_thing(words: Words, index: int) -> bool:
    """Whether a noun that cannot stand without an article follows and ends its phrase: `told her story with humor`.

    Up to two modifiers may stand between (`her most beautiful song`); `own` alone is enough.
    """
    before = words.key(index - 1)
    if before[:4] == "wish":
        return False  # `wished her happy birthday`
    takes_more = before in _TWO_OBJECTS | _COMPLEMENT | _GIVE
    for place in range(index + 1, index + 4):
        key = words.key(place)
        if key == "own":
            return True
        if key in _THING:
            if takes_more and (key in _QUALITY or (key.endswith("s") and not key.endswith("ss"))):
                return False  # `elected her chair of the board`, `bought her shoes`
            return _ends(words, place) or words.key(place + 1) in _CLOSED
        modifier = key in _QUALITY or key in (
            "first",
            "second",
            "third",
            "last",
            "next",
            "most",
            "new",
            "only",
            "beautiful",
        )
        if not modifier or not words.adjacent(place):
            return False
    return False


def _is_her_deed(words: Words, index: int) -> bool:
    """Whether the subject at `index` is `she`, or a woman's given name."""
    if words.key(index) == "she":
        return True
    name = given_names().get(words.items[index].text.capitalize()) if 0 <= index < len(words.items) else None
    return name is not None and name.gender == "female"


def _time_of_a_thing(words: Words, index: int) -> bool:
    """Whether `last`, `next` and the like belong to a thing (`in her first film`) and are no time (`met her last`)."""
    plain = words.key(index - 1) in _NO_VERB and words.key(index + 1) in ("first", "second", "third")
    return plain and not (_ends(words, index + 1) or words.key(index + 2) in _CLOSED)


def for_his(words: Words, index: int) -> str | None:
    """`her` or `hers` in place of the `his` at `index`; None where `a friend of his` may go on either way."""
    other = _joined(words, index)
    if other in ("her", "his", "my", "your", "their", "our"):
        return "her"
    if _closes(words, index):
        return "hers"
    # `a friend of his knows` is about the friend, `a picture of his house` about the house; `one of his` owns.
    shared = words.key(index - 1) == "of" and any(words.key(index - step) in _POINTING for step in range(3, 6))
    return None if shared and _may_be_verb(words, index + 1) and not _has_a_thing(words, index) else "her"

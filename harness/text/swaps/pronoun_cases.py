"""Which pronoun answers `her` and `his`: him or his, her or hers, by the words around them.

There is no tagger here, so these are rules over closed word classes. What they cannot tell
(`gave her dog food`) is read as a possessive, which is much the more frequent.
"""

from __future__ import annotations

import re

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
_JOINED = ("and", "or")
_OPENING = re.compile(r"\s+[\"'“‘`(\[*_]+")
_NUMBER = re.compile(r"\s*[\"'“‘]*[#$€£:]*\d")
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


def for_her(words: Words, index: int) -> str:
    """`him` or `his` in place of the `her` at `index`."""
    other = _joined(words, index)
    if other in ("his", "her", "my", "your", "their", "our") and not _ends(words, index + 1):
        return "his"
    if _closes(words, index):
        return "him"
    before, following = words.key(index - 1), words.key(index + 1)
    after_ends = _ends(words, index + 1) or words.key(index + 2) in _CLOSED
    if before in _CAUSE and following in _BARE_VERB and before not in ("have", "had", "has", "get", "got"):
        return "him"
    if before in _SENSE and following.endswith("ing") and len(following) > 4:
        return "him"
    if before in _STATE and following in _STATE_ADJECTIVE:
        return "him"
    if before in _GIVE and following in _GIFT:
        return "him"
    if before in _MOVE and following in _PLACE and after_ends:
        return "him"
    return "his"


def for_his(words: Words, index: int) -> str:
    """`her` or `hers` in place of the `his` at `index`."""
    other = _joined(words, index)
    if other in ("her", "his", "my", "your", "their", "our"):
        return "her"
    return "hers" if _closes(words, index) else "her"

"""Whether texts are in English, cheaply: lists and rules in English say little of texts in another language."""

from __future__ import annotations

import re
from collections.abc import Iterable

_TOKEN = re.compile(r"[^\W\d_]+")
_COMMON = frozenset(
    {
        *(
            "the",
            "of",
            "and",
            "to",
            "it",
            "that",
            "this",
            "with",
            "for",
            "was",
            "be",
            "are",
            "you",
            "he",
            "she",
            "they",
        ),
        *("not", "but", "by", "from", "have", "has", "my", "his", "her", "their", "if", "were", "will", "would"),
        *("there", "what", "said", "which", "who", "your", "its", "could", "about", "when", "just", "like", "one"),
    }
)
"""The commonest words of English: about a third of running text, and rare in every other language."""
_ENGLISH_SHARE = 0.05
_ENOUGH_TOKENS = 60
_LOOKED_AT = 500


def is_foreign(texts: Iterable[str]) -> bool:
    """Whether texts are hardly English, by the share of its commonest words; False where there are too few to tell."""
    tokens = common = letters = latin = 0
    for number, text in enumerate(texts):
        if number == _LOOKED_AT:
            break
        for token in _TOKEN.findall(text.lower()):
            tokens += 1
            common += token in _COMMON
            letters += len(token)
            latin += sum(character < "\u0250" for character in token)
    if letters >= 2 * _ENOUGH_TOKENS and latin < letters / 2:
        return True
    return tokens >= _ENOUGH_TOKENS and common / tokens < _ENGLISH_SHARE


def language_warnings(texts: Iterable[str], what: str) -> list[str]:
    """Marks figures of English lists on texts in another language.

    Args:
        what: the lists (`the built-in swaps`).
    """
    if not is_foreign(texts):
        return []
    return [f"the texts seem not to be in English, and {what} are made for English: the figures say little."]

"""Listed words that are names and ordinary words alike: `May`, `Will`, `Hope`.

They name somebody only where they are capitalized. At the start of a sentence the capital tells nothing: then the
reading is unclear, and the text is counted as such rather than given to a group.
"""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files
from typing import Literal

from harness.text.lexicons.builtin_lists import excluded_words

Reading = Literal["name", "ordinary", "unclear"]
_START = re.compile(r"(?:\A|[.!?…:;\n])[\s\"'“‘(\[*-]*\Z")
_FOLLOWER = re.compile(r"\s+([^\W\d_]+)")
_LOOK_BACK = 40
_MORE = frozenset(
    {
        *(
            "April",
            "May",
            "June",
            "August",
            "Summer",
            "Autumn",
            "Angel",
            "Drew",
            "Pat",
            "Skip",
            "Buck",
            "Reed",
            "Cliff",
        ),
        *("Dale", "Glen", "Heath", "Miles", "Pearl", "Opal", "Olive", "Hazel", "Willow", "Sage", "Heather", "Laurel"),
        *("Violet", "Rosemary", "Cherry", "Ginger", "Charity", "Constance", "Patience", "Prudence", "Destiny", "Earl"),
        *("Harmony", "Serenity", "Trinity", "Mason", "Carter", "Cooper", "Tucker", "Turner", "Walker", "Baker", "Wade"),
        *("Cliff", "Stone", "Guy", "Peg", "Bud", "Herb", "Chip"),
    }
)


@cache
def _never_after() -> frozenset[str]:
    text = files("harness.text.swaps").joinpath("word_classes.txt").read_text(encoding="utf-8")
    return frozenset(text.partition("[never_after_a_name]")[2].partition("\n\n")[0].split())


def is_ordinary(word: str) -> bool:
    """Whether a word of a list is written as a name and is an ordinary word, too."""
    entry = excluded_words().get(word)
    return word[:1].isupper() and (word in _MORE or (entry is not None and entry.kind == "name"))


def reading(text: str, start: int, end: int) -> Reading:
    """What a word that `is_ordinary` means at a place in a text."""
    if not text[start].isupper():
        return "ordinary"
    if _START.search(text[max(0, start - _LOOK_BACK) : start]) is None:
        return "name"
    follower = _FOLLOWER.match(text, end)
    return "ordinary" if follower is not None and follower[1].lower() in _never_after() else "unclear"

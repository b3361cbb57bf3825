"""Reads which of several answers a generated text gives; what cannot be told is not guessed."""

from __future__ import annotations

import re
from collections.abc import Sequence

LETTERS = "ABCDEFGH"
_LETTER = re.compile(r"\s*(?:the answer is|answer)?\s*[:(]?\s*([A-H])\s*(?:[).:,]|\Z|\n)", re.IGNORECASE)


def read_choice(text: str, options: Sequence[str], *, cut: bool = False) -> int | None:
    """The place of the one option that a text names; None when it names none or several.

    A letter at the start decides (`B`, `(b)`, `B. The nurse`); else the options that stand in the text as
    whole words, where one that is only part of a longer one ("old man" in "very old man") does not count.

    Args:
        cut: whether the text was cut off; an option at its very end may then be half a word.
    """
    letter = _LETTER.match(text)
    if letter is not None:
        place = LETTERS.index(letter.group(1).upper())
        return place if place < len(options) else None
    spans: list[tuple[int, int, int]] = []
    for place, option in enumerate(options):
        for wanted in dict.fromkeys((option, re.sub(r"^(the|an?)\s+", "", option.strip(), flags=re.IGNORECASE))):
            for match in re.finditer(rf"(?<!\w){re.escape(wanted.strip())}(?!\w)", text, re.IGNORECASE):
                if wanted.strip() and not (cut and match.end() == len(text.rstrip())):
                    spans.append((match.start(), match.end(), place))
    named = {
        place
        for start, end, place in spans
        if not any(
            other != place and first <= start and end <= last and last - first > end - start
            for first, last, other in spans
        )
    }
    return named.pop() if len(named) == 1 else None

"""Where an answer stands in its context: to the letter, else after normalization."""

from __future__ import annotations

import unicodedata

_PLAIN = str.maketrans({"‘": "'", "’": "'", "“": '"', "”": '"', "–": "-", "—": "-", "\u00ad": ""})


def answer_place(context: str, answer: str) -> tuple[int, str] | None:
    """The first place of an answer, and its text as the context writes it; None where it does not occur.

    An answer that does not occur to the letter is looked for without regard to case, composition, width, runs of
    white space, and the shape of quotes and dashes.
    """
    start = context.find(answer)
    if start >= 0:
        return start, answer
    text, places = _normalized(context)
    wanted = _normalized(answer)[0].strip()
    place = text.find(wanted) if wanted else -1
    if place < 0:
        return None
    first, last = places[place], places[place + len(wanted) - 1]
    end = last + 1
    while end < len(context) and unicodedata.combining(context[end]):
        end += 1
    return first, context[first:end]


def _normalized(text: str) -> tuple[str, list[int]]:
    """The normal form, and the place in the text that each of its characters comes from."""
    letters: list[str] = []
    places: list[int] = []
    for place, letter in enumerate(text):
        plain = unicodedata.normalize("NFKD", letter.translate(_PLAIN)).casefold()
        if plain.isspace():
            plain = "" if letters and letters[-1] == " " else " "
        letters += plain
        places += [place] * len(plain)
    return "".join(letters), places

"""Contractions written out, and written together."""

from __future__ import annotations

import re
from collections.abc import Iterator

_SHORT = {
    "are not": "aren't",
    "cannot": "can't",
    "could not": "couldn't",
    "did not": "didn't",
    "does not": "doesn't",
    "do not": "don't",
    "had not": "hadn't",
    "has not": "hasn't",
    "have not": "haven't",
    "is not": "isn't",
    "should not": "shouldn't",
    "was not": "wasn't",
    "were not": "weren't",
    "will not": "won't",
    "would not": "wouldn't",
    "i am": "i'm",
    "you are": "you're",
    "we are": "we're",
    "they are": "they're",
    "it is": "it's",
    "that is": "that's",
    "i have": "i've",
    "we have": "we've",
    "i will": "i'll",
    "you will": "you'll",
}
_LONG = {short: long for long, short in _SHORT.items()}


def contract(text: str) -> Iterator[str]:
    """The text with its contractions written out, and with what can be contracted written so."""
    # At the end of a clause the short form is wrong ("Yes, it is."), so a word must follow it.
    for table, after in ((_LONG, r"(?!\w)"), (_SHORT, r"(?=\s+\w)")):
        changed = _replaced(text, table, after)
        if changed != text:
            yield changed


def _replaced(text: str, table: dict[str, str], after: str) -> str:
    pattern = "|".join(re.escape(key).replace("'", "['’]").replace(r"\ ", r"\s") for key in table)
    plain = {re.sub(r"\s", " ", key): value for key, value in table.items()}

    def new(match: re.Match[str]) -> str:
        old = match[0]
        value = plain[re.sub(r"\s", " ", old.lower()).replace("’", "'")]
        if old.isupper() and len(old) > 2:
            return value.upper()
        value = re.sub(r"\bi\b", "I", value)
        return value[0].upper() + value[1:] if old[0].isupper() else value

    return re.sub(rf"(?<![\w'’])(?:{pattern}){after}", new, text, flags=re.IGNORECASE)

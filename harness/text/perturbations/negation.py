"""A statement turned into its negation by one word."""

from __future__ import annotations

import re

_VERB = re.compile(r"\b(is|are|was|were)\s+(?=[A-Za-z])", re.IGNORECASE)
_BLOCKED = re.compile(
    r"\bnot\b|n['’]t\b|\b(?:never|no|nothing|nobody|none|hardly|but|although|though)\b|[?;:]", re.IGNORECASE
)
LONGEST = 25


def negate(text: str) -> str | None:
    """The text with `not` after its one form of "be"; None where that would not turn it round.

    Only short statements with just one such verb, without a negation, a contrast or a question:
    elsewhere one `not` does not negate the whole.
    """
    verbs = list(_VERB.finditer(text))
    if len(verbs) != 1 or _BLOCKED.search(text) or len(text.split()) > LONGEST:
        return None
    (verb,) = verbs
    word = "NOT" if verb[1].isupper() else "not"
    return f"{text[: verb.end()]}{word} {text[verb.end() :]}"

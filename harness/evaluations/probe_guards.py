"""Guards that probes share: what measures nothing is left out and counted, never a figure.

Equal texts, texts that are the same tokens to a model, contradictory rows, and lists in English on texts in another
language.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence

from harness.core.records import Records
from harness.core.requests import Failure, Response, Scores
from harness.text.language_guess import is_foreign

_SPACE = re.compile(r"\s+")
_UNKNOWN = "?"
ALIKE = "to this model the texts are the same tokens, so nothing was asked"


def same_text(first: str, other: str) -> bool:
    """Whether two texts differ in nothing but white space and the Unicode form."""
    return _bare(first) == _bare(other)


def _bare(text: str) -> str:
    return _SPACE.sub(" ", unicodedata.normalize("NFC", text)).strip()


def told_apart(responses: Sequence[Response], texts: int, *, unknown_only: bool = False) -> list[bool]:
    """Which of the texts after the first one differ from it in the tokens that the model read.

    Args:
        responses: of all texts, one after the other, the same number each.
        unknown_only: texts that a tokenizer makes alike for another reason than unknown words (it lower-cases, say)
            count as told apart: that a model does not see such a change is what an invariance test asks for.
    """
    step = len(responses) // texts
    read = [_read(responses[start : start + step]) for start in range(0, len(responses), step)]
    first = read[0]
    if first is None or (unknown_only and not any(inputs.endswith(_UNKNOWN) for inputs in first)):
        return [True] * (texts - 1)
    return [other is None or other != first for other in read[1:]]


def _read(responses: Sequence[Response]) -> tuple[str, ...] | None:
    """What a model read, where all responses say it."""
    inputs = [response.inputs for response in responses if isinstance(response, Scores)]
    return None if len(inputs) != len(responses) or not all(inputs) else tuple(map(str, inputs))


def alike() -> Failure:
    """Why an item has no figure of a model that cannot tell its texts apart."""
    return Failure("no_token", ALIKE)


def alike_warnings(records: Records) -> list[str]:
    """How many items a model could not tell from their variants."""
    count = sum(text is not None and ALIKE in text for text in records.texts("response"))
    if not count:
        return []
    return [
        f"{count} of {len(records)} items are the same tokens in all their variants: they failed and are no figure."
    ]


def language_warnings(texts: Iterable[str], what: str) -> list[str]:
    """Marks figures of English lists on texts in another language.

    Args:
        what: the lists (`the built-in swaps`).
    """
    if not is_foreign(texts):
        return []
    return [f"the texts seem not to be in English, and {what} are made for English: the figures say little."]

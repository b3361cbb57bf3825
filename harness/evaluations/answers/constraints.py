"""What a text can be checked for by rules: length, form, words.

A constraint is an object with one key, `{lines: 4}` or `{contains: river}`. Checks read texts only; nothing is run.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from harness.core.dataset import Dataset, Row
from harness.core.errors import DataError, unknown
from harness.evaluations.columns import text_of

_WORD = re.compile(r"\w+")
_SENTENCE = re.compile(r"[^.!?]+[.!?]+")
_BULLET = re.compile(r"\s*[-*•] \S")
_RHYME = re.compile(r"[aeiouy]+[^aeiouy]*e?\Z")


def words(text: str) -> list[str]:
    """The words of a text, lower-cased."""
    return _WORD.findall(text.lower())


def lines(text: str) -> list[str]:
    """The lines of a text that are not empty."""
    return [line for line in text.split("\n") if line.strip()]


def rhymes(first: str, second: str) -> bool:
    """Whether two different words end alike in spelling from the last vowel on (`light` and `night`)."""
    first_end, other = _RHYME.search(first.lower()), _RHYME.search(second.lower())
    return (
        first.lower() != second.lower()
        and first_end is not None
        and other is not None
        and first_end.group() == other.group()
    )


def _rhyme_scheme(text: str, scheme: str) -> bool:
    """Whether the last words of the lines rhyme as the letters say (`AABB`)."""
    ends = [words(line)[-1] for line in lines(text) if words(line)]
    if len(ends) != len(scheme):
        return False
    pairs = [(a, b) for b in range(len(scheme)) for a in range(b) if scheme[a] == scheme[b]]
    return all(rhymes(ends[a], ends[b]) for a, b in pairs)


def _json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _has(text: str, wanted: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(wanted.lower())}(?!\w)", text.lower()) is not None


_CHECKS: Mapping[str, tuple[type, Callable[[str, Any], bool]]] = {
    "min_words": (int, lambda text, n: len(words(text)) >= n),
    "max_words": (int, lambda text, n: len(words(text)) <= n),
    "sentences": (int, lambda text, n: len(_SENTENCE.findall(text)) == n),
    "lines": (int, lambda text, n: len(lines(text)) == n),
    "bullets": (int, lambda text, n: len(lines(text)) == n and all(_BULLET.match(line) for line in lines(text))),
    "contains": (str, _has),
    "avoids": (str, lambda text, word: not _has(text, word)),
    "starts": (str, lambda text, start: text.strip().startswith(start)),
    "ends": (str, lambda text, end: text.strip().endswith(end)),
    "equals": (str, lambda text, wanted: text.strip() == wanted),
    "uppercase": (bool, lambda text, wanted: (text.upper() == text and text.lower() != text) == wanted),
    "lowercase": (bool, lambda text, wanted: (text.lower() == text and text.upper() != text) == wanted),
    "json": (bool, lambda text, wanted: _json(text) == wanted),
    "repeats": (str, lambda text, word: words(text).count(word.lower()) >= 2),
    "rhyme": (str, _rhyme_scheme),
}
KINDS = tuple(_CHECKS)


def checked_constraint(value: Any) -> tuple[str, Any]:
    """A constraint's name and value.

    Raises:
        ValueError: another form, an unknown name, or a value of another type.
    """
    if not isinstance(value, Mapping) or len(value) != 1:
        raise ValueError(f"expected one constraint such as {{lines: 4}}, found {value!r:.80}")
    ((name, wanted),) = value.items()
    if name not in _CHECKS:
        raise ValueError(unknown("constraint", str(name), KINDS))
    expected = _CHECKS[name][0]
    if type(wanted) is not expected:
        raise ValueError(f"the constraint {name!r} takes a {expected.__name__}, found {wanted!r:.40}")
    return name, wanted


def met(text: str, constraints: Sequence[Mapping[str, Any]]) -> list[bool]:
    """Whether a text meets each constraint; an empty text meets none.

    Raises:
        ValueError: as `checked_constraint`.
    """
    results = []
    for constraint in constraints:
        name, wanted = checked_constraint(constraint)
        results.append(bool(text.strip()) and _CHECKS[name][1](text, wanted))
    return results


def constraints_in(dataset: Dataset, row: Row, column: str) -> list[dict[str, Any]]:
    """The constraints of a row, from a JSON list.

    Raises:
        DataError: when the cell is missing, no such list, empty, or has an unknown constraint.
    """
    cell = text_of(dataset, row, column)
    try:
        value = json.loads(cell)
        if not isinstance(value, list) or not value:
            raise ValueError(f"expected a list of constraints, found {cell[:60]!r}")
        for constraint in value:
            checked_constraint(constraint)
    except (ValueError, RecursionError) as error:
        raise DataError(
            f"{dataset.place(row)}, column {column!r}: {error}.",
            hint='use a JSON list such as [{"lines": 2}, {"contains": "river"}].',
        ) from error
    return value

"""How labels and ids are written, compared and ordered: one rule, whatever holds them.

A label is the text of its cell. Nothing is taken for a date, a number or a truth value: `01`, `1e3`, `2024-01-10`,
`NA` and `TRUE` stay as they stand. Two spellings are one label:

- a whole number with and without zeros behind its point: 1, 1.0, "1" and "1.0" are the label `1`;
- a character and its composition (Unicode NFC): `é` in one code point or in two.

The truth values of JSON and Parquet are the labels `true` and `false`, never `1` and `0`.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from numbers import Real
from typing import Any, Literal

from harness.core.errors import DataError, Where
from harness.core.storable import storable

Normalization = Literal["strip", "casefold", "nfc"]
"""What a suite may do to labels before they are compared."""

_WHOLE = re.compile(r"(-?(?:0|[1-9][0-9]*))\.0+")
_SHOWN = 6
_MOST_PLACES = 20


def label_text(value: Any) -> str:
    """The label or id that a cell holds; see the rule above."""
    text = storable(value) if isinstance(value, str) else _scalar_text(value)
    if not text.isascii():
        return unicodedata.normalize("NFC", text)
    whole = _WHOLE.fullmatch(text) if text.endswith("0") else None
    number = text if whole is None else whole[1]
    return "0" if number == "-0" else number


def as_text(value: Any) -> str:
    """The text of a scalar: truth values as in JSON, whole floats without their `.0`."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return str(value)


def _scalar_text(value: Any) -> str:
    if hasattr(value, "item") and not hasattr(value, "__len__"):
        value = value.item()  # a scalar of numpy or of a library like it
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return as_text(value)


def is_missing(value: Any) -> bool:
    """Whether a cell holds nothing: None, NaN, NaT, pandas' NA, or a text without a visible character."""
    if value is None:
        return True
    if isinstance(value, str):
        return not value.strip() or (not value.isascii() and not _stripped(value))
    if isinstance(value, float):
        return math.isnan(value)
    if type(value).__name__ in {"NAType", "NaTType"}:
        return True
    # numpy's numbers and dates, Decimal: only what is no value differs from itself.
    return type(value).__module__ in {"numpy", "decimal"} and not hasattr(value, "__len__") and value != value


def normalized_label(label: str, normalize: Sequence[Normalization]) -> str:
    """A label after what a suite asks for: `strip` (white space and invisible characters at both ends), `casefold`,
    `nfc` (which always holds)."""
    if "strip" in normalize:
        label = _stripped(label)
    return label.casefold() if "casefold" in normalize else label


def check_label_cells(
    cells: Sequence[Any], column: str, place: Callable[[int], Where | None], role: str = "label"
) -> None:
    """Refuses cells that are lists, objects or bytes; all of them in one message.

    Args:
        place: where the row of a number stands.
        role: what the cells are: `label`, `id`, `cluster` or `slice`.

    Raises:
        DataError: with the first place, the others as notes.
    """
    wrong = [(row, cell) for row, cell in enumerate(cells) if isinstance(cell, list | tuple | set | Mapping | bytes)]
    if not wrong:
        return
    kinds = {"list": "a list", "dict": "an object", "bytes": "bytes"}
    named = [(place(row), row, kinds.get(type(cell).__name__, f"a {type(cell).__name__}")) for row, cell in wrong]
    shown = [f"{where or f'row {row}'}: found {kind}" for where, row, kind in named[1:_MOST_PLACES]]
    more = [f"… and {len(wrong) - _MOST_PLACES} more rows"] if len(wrong) > _MOST_PLACES else []
    raise DataError(
        f"column {column!r}: expected a text or number as {role}, found {named[0][2]} "
        f"({len(wrong)} of {len(cells)} rows are wrong).",
        where=named[0][0],
        notes=[*shown, *more],
        hint="write one label per row; for several labels per row use multilabel_classification."
        if role == "label"
        else f"write one {role} per row, or name another column.",
    )


def mixed_spellings(values: Iterable[Any], normalize: Sequence[Normalization] = ()) -> list[str]:
    """What is spelled in several ways among the cells of a column of labels, in sentences.

    Args:
        values: the cells as read; missing ones are passed over.
    """
    spellings: dict[str, dict[str, None]] = {}
    kinds: dict[str, None] = {}
    for value, shown in _distinct(values):
        spellings.setdefault(normalized_label(label_text(value), normalize), {})[shown] = None
        kinds[_kind(value)] = None
    notes = [
        f"the label {label!r} is spelled {_listed(shown)}; they are read as one"
        for label, shown in spellings.items()
        if len(shown) > 1
    ]
    alike: dict[str, list[str]] = {}
    for label in spellings:
        alike.setdefault(_stripped(label).casefold(), []).append(label)
    notes += [
        f"the labels {_listed(map(repr, labels))} differ only in case, white space, or invisible characters, and are "
        f"{len(labels)} labels; `normalize: [strip, casefold]` makes them one"
        for labels in alike.values()
        if len(labels) > 1
    ]
    if {"number", "truth value"} <= set(kinds):
        notes.append("the labels mix truth values and numbers: `true` and `1` are two labels")
    return notes


def _distinct(values: Iterable[Any]) -> Iterable[tuple[Any, str]]:
    """Every different cell once, with how a message writes it."""
    seen: dict[tuple[type, Any], Any] = {}
    for value in values:
        if not is_missing(value):
            seen.setdefault((type(value), value), value)
    return [(value, repr(value) if isinstance(value, str) else as_text(value)) for value in seen.values()]


def _kind(value: Any) -> str:
    if isinstance(value, bool) or type(value).__name__ == "bool":
        return "truth value"
    return "number" if isinstance(value, Real) else "text"


def _stripped(label: str) -> str:
    """Without white space and invisible characters (zero-width spaces, joiners) at both ends."""
    start, end = 0, len(label)
    while start < end and _unseen(label[start]):
        start += 1
    while end > start and _unseen(label[end - 1]):
        end -= 1
    return label[start:end]


def _unseen(character: str) -> bool:
    return character.isspace() or unicodedata.category(character) == "Cf"


def _listed(items: Iterable[str]) -> str:
    shown = list(items)
    return ", ".join(shown[:_SHOWN]) + (", …" if len(shown) > _SHOWN else "")


def _same_labels(what: str, given: Mapping[str, Any] | None, labels: Sequence[str]) -> None:
    if given is not None and set(given) != set(labels):
        raise ValueError(f"`{what}` has {sorted(given)}, expected exactly the labels {sorted(labels)}")

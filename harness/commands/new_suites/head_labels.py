"""Which label of the data a row of a classifier's head means."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from harness.core.errors import DataError, SuiteError, unknown

_NUMBERED = re.compile(r"(?:LABEL_)?(\d+)\Z")


@dataclass(frozen=True, slots=True)
class LabelMap:
    """How a head answers in the data's labels.

    Attributes:
        labels: of the task, in the order of the head.
        head_labels: the head's name → the task's, where they differ; else None.
        how: why they fit, for people.
    """

    labels: tuple[str, ...]
    head_labels: Mapping[str, str] | None
    how: str


def match_labels(head: Sequence[str], data: Mapping[str, int], given: str | None = None) -> LabelMap | None:
    """Matches a head's names with the labels of the data: by name, by name without case, by number, or as given.

    Args:
        head: the head's names, in the order of its rows.
        data: label → rows.
        given: `--labels`: `HEAD=LABEL,…`, or the labels alone in the order of the head.

    Returns:
        None where nothing says which row means which label.

    Raises:
        SuiteError: when `given` does not fit.
    """
    if given is not None:
        return _given(head, data, given)
    if set(data) <= set(head):
        return LabelMap(tuple(head), None, "by name")
    folded = {name.casefold(): name for name in head}
    by_fold = {folded.get(label.casefold()): label for label in data}
    if None not in by_fold and len(by_fold) == len(data) and len(folded) == len(head):
        return _mapped({name: by_fold.get(name, name) for name in head}, "by name, whatever the case")
    numbers = {name: _number(name, place) for place, name in enumerate(head)}
    if all(label.isdecimal() for label in data) and set(data) <= set(numbers.values()):
        return _mapped(numbers, "by number")
    return None


def label_table(file: str, head: Sequence[str], data: Mapping[str, int], model: str) -> DataError:
    """The error that shows both sides, and what to type."""
    rows = [f"row {place} of the head: {name}" for place, name in enumerate(head)]
    known = [f"label of the data: {label} ({count} row{'s' if count != 1 else ''})" for label, count in data.items()]
    example = ",".join(f"{name}={label}" for name, label in zip(head, [*data, *["…"] * len(head)], strict=False))
    return DataError(
        f"nothing says which label each row of {model}'s head means.",
        notes=[*rows, *known],
        hint=f"pass --labels, for example `--labels {example}`, in the order in which the model learned them "
        f"({file} does not tell).",
    )


def _number(name: str, place: int) -> str:
    numbered = _NUMBERED.match(name)
    return numbered[1] if numbered else str(place)


def _mapped(names: Mapping[str, str], how: str) -> LabelMap | None:
    if len(set(names.values())) != len(names):
        return None
    return LabelMap(tuple(names.values()), dict(names), how)


def _given(head: Sequence[str], data: Mapping[str, int], given: str) -> LabelMap:
    parts = [part.strip() for part in given.split(",")]
    if any("=" in part for part in parts):
        pairs = [part.rpartition("=")[::2] for part in parts]
        names = {name.strip(): label.strip() for name, label in pairs}
    else:
        names = dict(zip(head, parts, strict=False)) if len(parts) == len(head) else {}
    hint = f"give one label for each of {', '.join(head)}: `--labels {','.join(f'{name}=…' for name in head)}`."
    for name in names:
        if name not in head:
            raise SuiteError(f"--labels: {unknown('name of the head', name, head)}", hint=hint)
    if set(names) != set(head) or len(set(names.values())) != len(names) or not all(names.values()):
        raise SuiteError(
            f"--labels: expected {len(head)} different labels, one for each row of the head, found {given!r}.",
            hint=hint,
        )
    lost = [label for label in data if label not in names.values()]
    if lost:
        raise SuiteError(
            f"--labels: no row of the head gets {', '.join(map(repr, lost))}, which the data has.",
            hint=hint,
        )
    ordered = {name: names[name] for name in head}
    return LabelMap(tuple(ordered.values()), None if all(k == v for k, v in ordered.items()) else ordered, "as given")

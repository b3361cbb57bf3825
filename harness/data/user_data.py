"""Rows of others (a user's file, the hub, an outside source) → prepared rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from harness.core.errors import DataError, Where, unknown
from harness.core.labels import as_text
from harness.data.parsers.raw_row import Raw, number_of, plain
from harness.data.splits import Prepared, split_name

MAX_LABELS = 200


@dataclass(frozen=True, slots=True)
class Wishes:
    """What a reference says of its columns.

    Attributes:
        columns: our name → theirs; empty for all columns that every row has.
        split: their column that names the split, or None.
    """

    columns: Mapping[str, str] = field(default_factory=dict)
    id: str | None = None
    cluster: str | None = None
    slices: Sequence[str] = ()
    split: str | None = None


@dataclass(frozen=True, slots=True)
class Adopted:
    rows: list[Prepared]
    columns: tuple[str, ...]
    labels: dict[str, tuple[str, ...]]
    duplicates: tuple[str, ...]
    ignored: tuple[str, ...]


def adopt(raws: Sequence[Raw], wishes: Wishes, where: str) -> Adopted:
    """Checks and types the columns; `label` becomes a text with a fixed order of labels.

    A column is numbers when every value is one, else texts. Labels are sorted, by value when all
    are numbers.

    Raises:
        DataError: for no rows, a missing column (with the nearest name), a value that is missing
            or nested, or too many labels; with file and line.
    """
    if not raws:
        raise DataError("expected rows, found none.", where=Where(where), hint="check that this is the right file.")
    known = _columns(raws)
    chosen = dict(wishes.columns) or {name: name for name in _whole(raws, known) if name not in _own(wishes)}
    for name in [*chosen.values(), *_own(wishes)]:
        if name not in known:
            hint = "map the columns in the suite: `columns: {text: <its column>, label: <its column>}`."
            raise DataError(unknown("column", name, known), where=Where(where, raws[0].line), hint=hint)
    values = {ours: _typed(raws, theirs, ours, where) for ours, theirs in chosen.items()}
    labels = {"label": _labels(values["label"], where)} if _is_label(values.get("label")) else {}
    if labels:
        values["label"] = [as_text(value) for value in values["label"]]
    duplicates = (
        ("text",)
        if "text" in values
        else tuple(name for name, column in values.items() if name not in labels and isinstance(column[0], str))
    )
    rows = []
    for index, raw in enumerate(raws):
        place = Where(where, raw.line)
        cluster = None if wishes.cluster is None else f"cluster/{_scalar(raw, wishes.cluster, place)}"
        split = None if wishes.split is None else split_name(_scalar(raw, wishes.split, place), place)
        rows.append(
            Prepared(
                fields={name: column[index] for name, column in values.items()},
                cluster=cluster,
                namespace="text",
                split=split,
                slices=tuple(f"{name}={_scalar(raw, name, place)}" for name in wishes.slices),
                origin="" if wishes.id is None else f"id/{_scalar(raw, wishes.id, place)}",
                line=raw.line,
            )
        )
    used = {*chosen.values(), *_own(wishes)}
    return Adopted(rows, tuple(values), labels, duplicates, tuple(name for name in known if name not in used))


def _own(wishes: Wishes) -> list[str]:
    single = [name for name in (wishes.id, wishes.cluster, wishes.split) if name is not None]
    return [*single, *wishes.slices]


def _columns(raws: Sequence[Raw]) -> dict[str, int]:
    """Column → number of rows that have it, in order of appearance."""
    known: dict[str, int] = {}
    for raw in raws:
        for name, value in raw.fields.items():
            known[name] = known.get(name, 0) + (value is not None)
    return known


def _whole(raws: Sequence[Raw], known: Mapping[str, int]) -> list[str]:
    return [
        name
        for name, count in known.items()
        if count == len(raws) and isinstance(plain(raws[0].fields[name]), str | int | float)
    ]


def _scalar(raw: Raw, name: str, place: Where) -> str:
    value = plain(raw.fields.get(name))
    if value is None or value == "" or not isinstance(value, str | int | float):
        raise DataError(f"column {name!r} has no value.", where=place, hint="fill it in, or remove the row.")
    return as_text(value)


def _typed(raws: Sequence[Raw], theirs: str, ours: str, where: str) -> list[Any]:
    values = []
    for raw in raws:
        value = plain(raw.fields.get(theirs))
        place = Where(where, raw.line)
        if value is None or (ours == "label" and value == ""):
            raise DataError(f"column {theirs!r} has no value.", where=place, hint="fill it in, or remove the row.")
        if not isinstance(value, str | int | float):
            kind = type(value).__name__
            raise DataError(f"column {theirs!r}: expected a text or number, found a {kind}.", where=place)
        values.append(value)
    if all(isinstance(value, bool) for value in values):
        return values
    if all(isinstance(value, int) and not isinstance(value, bool) and abs(value) < 1 << 63 for value in values):
        return values
    if all(isinstance(value, int | float) and not isinstance(value, bool) for value in values):
        return [number_of(value, theirs, Where(where, raw.line)) for value, raw in zip(values, raws, strict=True)]
    return [as_text(value) for value in values]


def _is_label(values: Sequence[Any] | None) -> bool:
    """A column of measurements (numbers with fractions) is no label column."""
    return values is not None and not any(isinstance(value, float) and not value.is_integer() for value in values)


def _labels(values: Sequence[Any], where: str) -> tuple[str, ...]:
    found = {as_text(value) for value in values}
    if len(found) > MAX_LABELS:
        raise DataError(
            f"column 'label' has {len(found)} different values; expected at most {MAX_LABELS}.",
            where=Where(where),
            hint="if another column holds the label, set `columns: {label: <its column>}`; remove it for unlabeled "
            "text.",
        )
    try:
        return tuple(sorted(found, key=lambda label: (float(label), label)))
    except ValueError:
        return tuple(sorted(found))

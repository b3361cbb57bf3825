"""Rows of others (a user's file, the hub, an outside source) → prepared rows."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from harness.core.errors import DataError, Where, unknown
from harness.core.labels import (
    Normalization,
    as_text,
    check_label_cells,
    is_missing,
    label_text,
    mixed_spellings,
    normalized_label,
)
from harness.data.build_dataset import PreparedRows
from harness.data.parsers.raw_row import Raw, RawRows, number_of, plain
from harness.data.splits import Prepared, split_name
from harness.text.conversations import ConversationError, is_tool_list, looks_like_messages, read_conversation

MAX_LABELS = 200
LABEL = "label"
MISSING = "missing"
"""The slice of rows that have no value in a column of slices."""
UNLABELED = "unlabeled"
_LIST, _TOOLS = "list", "tools"
_SHOWN = 20
_FEW = 3


@dataclass(frozen=True, slots=True)
class Wishes:
    """What a reference says of its columns.

    Attributes:
        columns: our name → theirs; empty for all columns that every row has.
        split: their column that names the split, or None.
        missing_cluster: `own` lets a row without a cluster be one of its own.
        missing_label: `keep` lets a row be without a label; its cell is empty then.
        normalize: what is done to labels before they are compared.
    """

    columns: Mapping[str, str] = field(default_factory=dict)
    id: str | None = None
    cluster: str | None = None
    slices: Sequence[str] = ()
    split: str | None = None
    missing_cluster: Literal["error", "own"] = "error"
    missing_label: Literal["drop", "keep"] = "drop"
    normalize: Sequence[Normalization] = ()


@dataclass(frozen=True, kw_only=True)
class Adopted(PreparedRows):
    """A user's rows, prepared.

    Attributes:
        ignored: their columns that are not used.
        incomplete: their column → why it cannot be used.
        lists: our columns whose cells are lists of texts, held as JSON.
        conversations: our column whose cells are conversations, held as JSON → the shape they came in.
    """

    ignored: tuple[str, ...]
    incomplete: Mapping[str, str] = field(default_factory=dict)
    lists: tuple[str, ...] = ()
    conversations: Mapping[str, str] = field(default_factory=dict)


def adopt(raws: Sequence[Raw], wishes: Wishes, where: str) -> Adopted:
    """Checks and types the columns; `label` becomes a text with a fixed order of labels.

    A column is numbers when every value is one, else texts; cells that are lists of texts are kept as JSON. Labels are
    sorted, by value when all are numbers. A row without a label is left out and counted, or kept as
    `missing_label` says; one without a slice value is in the slice `missing`.

    Raises:
        DataError: for no rows, a missing column (with the nearest name), a value that is missing
            or nested, or too many labels; with file and line.
    """
    if not raws:
        raise DataError("expected rows, found none.", where=Where(where), hint="check that this is the right file.")
    raws = RawRows.of(raws)
    known = list(raws.columns)
    incomplete = {} if wishes.columns else _incomplete(raws, known, where)
    chosen = dict(wishes.columns) or {
        name: name for name in known if name not in incomplete and name not in _own(wishes)
    }
    if not chosen:
        raise DataError(
            "no column has a value in every row.",
            where=Where(where, raws.lines[0]),
            notes=[f"column {name!r} {reason}" for name, reason in list(incomplete.items())[:_SHOWN]],
            hint="give all rows the same columns, or name those to use: `columns: {text: <its column>}`.",
        )
    for name in [*chosen.values(), *_own(wishes)]:
        if name not in known:
            hint = "map the columns in the suite: `columns: {text: <its column>, label: <its column>}`."
            raise DataError(unknown("column", name, known), where=Where(where, raws.lines[0]), hint=hint)
    kept, dropped, warnings = _with_target(raws, chosen.get(LABEL), where)
    if wishes.missing_label == "keep":
        kept, dropped, warnings = raws, {}, []
    typed = {ours: _typed(kept, theirs, where) for ours, theirs in chosen.items() if ours != LABEL}
    values = {name: column for name, (column, _) in typed.items()}
    labels: dict[str, tuple[str, ...]] = {}
    if LABEL in chosen:
        labeled = [not is_missing(plain(cell)) for cell in kept.cells(chosen[LABEL])]
        having = kept if all(labeled) else kept.take([place for place, has in enumerate(labeled) if has])
        cells = _label_cells(having, chosen[LABEL], where)
        if _is_label(cells):
            names = [normalized_label(label_text(cell), wishes.normalize) for cell in cells]
            labels = {LABEL: _labels(names, where)}
            given = iter(names)
            values[LABEL] = [next(given) if has else "" for has in labeled]
            warnings += mixed_spellings(cells, wishes.normalize)
        else:
            values[LABEL], _ = _typed(kept, chosen[LABEL], where)
        values = {ours: values[ours] for ours in chosen}
    for name, role in _roles(wishes):
        check_label_cells(
            [plain(cell) for cell in kept.cells(name)], name, lambda row: Where(where, kept.lines[row]), role
        )
    used = {*chosen.values(), *_own(wishes)}
    inputs = tuple(name for name in values if name != LABEL)
    return Adopted(
        rows=_AdoptedRows(kept, values, wishes, where),
        columns=tuple(values),
        labels=labels,
        duplicates=inputs if any(isinstance(values[name][0], str) for name in inputs) else (),
        texts=("text",) if "text" in values else tuple(name for name in inputs if isinstance(values[name][0], str)),
        ignored=tuple(name for name in known if name not in used),
        incomplete=incomplete,
        lists=tuple(name for name, (_, nested) in typed.items() if nested == _LIST),
        conversations={name: str(nested) for name, (_, nested) in typed.items() if nested not in (None, _LIST, _TOOLS)},
        dropped=dropped,
        warnings=tuple(warnings),
    )


@dataclass(frozen=True, slots=True)
class _AdoptedRows(Collection[Prepared]):
    """Prepared rows, made anew whenever they are looked at."""

    raws: RawRows
    values: Mapping[str, Sequence[Any]]
    wishes: Wishes
    where: str

    def __len__(self) -> int:
        return len(self.raws)

    def __iter__(self) -> Iterator[Prepared]:
        for place, raw in enumerate(self.raws):
            fields = {name: column[place] for name, column in self.values.items()}
            yield _prepared(raw, fields, self.wishes, self.where)

    def __contains__(self, row: object) -> bool:
        return any(row == other for other in self)


def _prepared(raw: Raw, fields: Mapping[str, Any], wishes: Wishes, where: str) -> Prepared:
    place = Where(where, raw.line)
    return Prepared(
        fields=fields,
        cluster=_cluster(raw, wishes, place),
        namespace="text",
        split=None if wishes.split is None else split_name(_scalar(raw, wishes.split, place), place),
        slices=tuple(f"{name}={_slice(raw, name, place)}" for name in wishes.slices),
        origin="" if wishes.id is None else f"id/{_scalar(raw, wishes.id, place)}",
        line=raw.line,
    )


def _cluster(raw: Raw, wishes: Wishes, place: Where) -> str | None:
    if wishes.cluster is None:
        return None
    if is_missing(plain(raw.fields.get(wishes.cluster))):
        if wishes.missing_cluster == "own":
            return None
        raise DataError(
            f"column {wishes.cluster!r} has no value, so the row's cluster is unknown.",
            where=place,
            hint="fill it in, or set `missing_cluster: own` to let every such row be a cluster of its own.",
        )
    return f"cluster/{_scalar(raw, wishes.cluster, place)}"


def _slice(raw: Raw, name: str, place: Where) -> str:
    return MISSING if is_missing(plain(raw.fields.get(name))) else _scalar(raw, name, place)


def _roles(wishes: Wishes) -> list[tuple[str, str]]:
    """Their columns that are no texts or labels of ours, and what each is."""
    single = ((wishes.id, "id"), (wishes.cluster, "cluster"), (wishes.split, "split"))
    return [*((name, role) for name, role in single if name is not None), *((name, "slice") for name in wishes.slices)]


def _own(wishes: Wishes) -> list[str]:
    return [name for name, _ in _roles(wishes)]


def _incomplete(raws: RawRows, known: Sequence[str], where: str) -> dict[str, str]:
    """Columns that are left out where no column is named, with the reason; the label may lack cells."""
    problems: dict[str, str] = {}
    for name in known:
        if name == LABEL:
            continue
        for line, cell in zip(raws.lines, raws.cells(name), strict=True):
            value = plain(cell)
            if value is None:
                problems[name] = f"has no value ({Where(where, line)})"
            elif not isinstance(value, str | int | float):
                fault = _nested(value)[2]
                if fault:
                    problems[name] = f"{fault} ({Where(where, line)})"
            if name in problems:
                break
    return problems


def _with_target(raws: RawRows, theirs: str | None, where: str) -> tuple[RawRows, dict[str, int], list[str]]:
    """The rows that have a label, how many do not, and the sentence that says so."""
    if theirs is None:
        return raws, {}, []
    missing = [is_missing(plain(cell)) for cell in raws.cells(theirs)]
    lost = [line for line, lacks in zip(raws.lines, missing, strict=True) if lacks]
    if not lost:
        return raws, {}, []
    kept = raws.take([place for place, lacks in enumerate(missing) if not lacks])
    if not kept:
        raise DataError(
            f"column {theirs!r} has no value in any row.",
            where=Where(where, raws.lines[0]),
            hint="map the column of labels (`columns: {label: <its column>}`), or leave it out for unlabeled text.",
        )
    lines = ", ".join(str(Where(where, line)) for line in lost[:_FEW]) + (", …" if len(lost) > _FEW else "")
    count = "1 row has no label and is" if len(lost) == 1 else f"{len(lost)} rows have no label and are"
    return kept, {UNLABELED: len(lost)}, [f"{count} left out ({lines})"]


def _scalar(raw: Raw, name: str, place: Where) -> str:
    value = plain(raw.fields.get(name))
    if is_missing(value):
        raise DataError(f"column {name!r} has no value.", where=place, hint="fill it in, or remove the row.")
    return label_text(value)


def _typed(raws: RawRows, theirs: str, where: str) -> tuple[list[Any], str | None]:
    """The values of a column, and what its cells are where they are nested (then kept as JSON)."""
    values = []
    nested: str | None = None
    for line, cell in zip(raws.lines, raws.cells(theirs), strict=True):
        value = plain(cell)
        if value is None:
            hint = "fill it in, or remove the row."
            raise DataError(f"column {theirs!r} has no value.", where=Where(where, line), hint=hint)
        if not isinstance(value, str | int | float):
            text, kind, fault = _nested(value)
            if fault:
                raise DataError(f"column {theirs!r} {fault}.", where=Where(where, line))
            value, nested = text, nested or kind
        values.append(value)
    if all(isinstance(value, bool) for value in values):
        return values, None
    if all(isinstance(value, int) and not isinstance(value, bool) and abs(value) < 1 << 63 for value in values):
        return values, None
    if all(isinstance(value, int | float) and not isinstance(value, bool) for value in values):
        numbers = [number_of(value, theirs, Where(where, line)) for value, line in zip(values, raws.lines, strict=True)]
        return numbers, None
    return [as_text(value) for value in values], nested


def _nested(value: Any) -> tuple[str, str, str]:
    """A nested value as JSON, what it is (a list of texts, tools, the shape of a conversation), and what is wrong."""
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return json.dumps(value, ensure_ascii=False), _LIST, ""
    if is_tool_list(value):
        return json.dumps(value, ensure_ascii=False), _TOOLS, ""
    if not looks_like_messages(value):
        return "", "", f"holds {_named(value)}, expected a text or a number"
    try:
        shape = read_conversation(value).shape
    except ConversationError as error:
        return "", "", f"holds a list that is no conversation: {error}"
    return json.dumps(value, ensure_ascii=False), shape, ""


def _named(value: Any) -> str:
    return {"list": "a list", "dict": "an object"}.get(type(value).__name__, f"a {type(value).__name__}")


def _label_cells(raws: RawRows, theirs: str, where: str) -> list[Any]:
    """The cells of the label column.

    Raises:
        DataError: for cells that are no labels, all of them with their lines.
    """
    cells = [plain(cell) for cell in raws.cells(theirs)]
    check_label_cells(cells, theirs, lambda row: Where(where, raws.lines[row]))
    return cells


def _is_label(values: Sequence[Any]) -> bool:
    """A column of measurements (numbers with fractions) is no label column."""
    return not any(isinstance(value, float) and not value.is_integer() for value in values)


def _labels(values: Sequence[str], where: str) -> tuple[str, ...]:
    labels = set(values)
    if len(labels) > MAX_LABELS:
        raise DataError(
            f"column 'label' has {len(labels)} different values; expected at most {MAX_LABELS}.",
            where=Where(where),
            hint="if another column holds the label, set `columns: {label: <its column>}`; remove it for unlabeled "
            "text.",
        )
    try:
        return tuple(sorted(labels, key=lambda label: (float(label), label)))
    except ValueError:
        return tuple(sorted(labels))

"""What a user's file is good for: the task that its columns name, its labels and their balance, its language."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.commands.new_suites.task_shapes import complete_tags, find_shape, texts_of
from harness.core.errors import DataError, Where, unknown
from harness.data.read_rows import TableFormat, content_of, format_of, read_rows
from harness.data.user_data import LABEL, Wishes, adopt
from harness.text.language_guess import guess_language, is_foreign

_LONGEST_NAME = 48
_SHOWN = 8


def _share(value: float) -> str:
    return "<1%" if 0 < value < 0.005 else f"{value:.0%}"


@dataclass(frozen=True, slots=True)
class DescribedData:
    """A file, read as a run reads it.

    Attributes:
        path: as typed.
        name: for the suite, from the file's name.
        kind: of the task that its columns name.
        options: of the task, beside `data`.
        columns: our name → the file's, where a suite must name them.
        labels: label → rows, in the order of the labels; of taggers, type → spans.
        rows: how many.
        language: a guess, or None.
        english: whether English lists fit the texts.
        text: our column that holds running text, or None.
        read_as: what a suite must say so that the file is read alike.
        splits: the column that names the split, or None.
        notes: what was guessed, for people.
    """

    path: Path
    name: str
    kind: str
    options: Mapping[str, Any]
    columns: Mapping[str, str]
    labels: Mapping[str, int]
    rows: int
    language: str | None
    english: bool
    text: str | None
    read_as: Mapping[str, str]
    splits: str | None
    notes: tuple[str, ...] = ()

    @property
    def sentence(self) -> str:
        """What stands in the file, in one line."""
        total = sum(self.labels.values())
        balance = ", ".join(f"{label} {_share(count / total)}" for label, count in list(self.labels.items())[:_SHOWN])
        more = f", … {len(self.labels) - _SHOWN} more" if len(self.labels) > _SHOWN else ""
        what = {"token_classification": "spans: "}.get(self.kind, f"{len(self.labels)} labels: ")
        tongue = f"language {self.language}" if self.language else "language not known"
        read = "".join(f", {name} {value!r}" for name, value in self.read_as.items())
        return f"{self.rows} rows, {tongue}{read}; {self.kind}" + (f"; {what}{balance}{more}" if self.labels else "")


def describe_data(
    path: Path,
    read_as: Mapping[str, str],
    *,
    text: str | None = None,
    label: str | None = None,
    taken: Sequence[str] = (),
) -> DescribedData:
    """Reads a file and finds its task.

    Args:
        read_as: `format`, `delimiter` and `encoding` where the user gives them.
        text, label: columns where the user names them.
        taken: names that the suite has already.

    Raises:
        DataError: when the file cannot be read, or its columns name no task.
    """
    table_format = TableFormat(read_as.get("format"), read_as.get("delimiter"), read_as.get("encoding"))
    read = read_rows(content_of(path), str(path), table_format)
    if not read.rows:
        raise DataError("expected rows, found none.", where=Where(path), hint="check that this is the right file.")
    known = list(dict.fromkeys(name for raw in read.rows for name in raw.fields))
    for name, option in ((text, "--text"), (label, "--label")):
        if name is not None and name not in known:
            hint = f"pass {option} with one of the file's columns."
            raise DataError(unknown("column", name, known), where=Where(path), hint=hint)
    rows = [raw.fields for raw in read.rows]
    splits = _split_column(known, rows)
    shape = find_shape(known, rows, text, label)
    if shape is None:
        raise DataError(
            f"the columns ({', '.join(known)}) name no task.",
            where=Where(path),
            hint="pass --text COLUMN (and --label COLUMN for labeled texts), or name the columns as a task does: words "
            "and tags; source and target; document and summary; instruction and output; messages; question, context, "
            "and answers; question, choices, and answer.",
        )
    warnings: Sequence[str] = ()
    labels: dict[str, int] = {}
    if shape.kind == "classification":
        shape_wishes = Wishes(columns=shape.columns, split=splits)
        adopted = adopt(read.rows, shape_wishes, str(path))
        counts = Counter(str(row.fields[LABEL]) for row in adopted.rows)
        labels = {name: counts[name] for name in adopted.labels.get(LABEL, ())}
        warnings = adopted.warnings
        if len(labels) < 2:
            raise DataError(
                f"column {shape.columns[LABEL]!r} holds {'a single label' if len(labels) == 1 else 'no labels'}.",
                where=Where(path),
                hint="a classification needs two labels or more; name the column of labels with --label.",
            )
    elif shape.kind == "token_classification":
        labels = complete_tags(shape, rows, path)
    texts = texts_of(shape, rows)
    return DescribedData(
        path=path,
        name=_free(suite_name(path.stem), taken),
        kind=shape.kind,
        options=shape.options,
        columns=shape.columns,
        labels=labels,
        rows=len(rows),
        language=guess_language(texts),
        english=not is_foreign(texts),
        text=shape.text,
        read_as={**read.guessed, **read_as, **_format_said(path, read_as)},
        splits=splits,
        notes=(*read.notes, *warnings, *_headerless(known, rows)),
    )


def _headerless(known: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    """That the names of the columns are probably a row: one of them is a value that its own column repeats."""
    again = [name for name in known if sum(str(row.get(name)) == name for row in rows) > 1]
    if not again:
        return ()
    named = ", ".join(repr(name if len(name) <= _LONGEST_NAME else f"{name[:_LONGEST_NAME]}…") for name in known)
    note = f"its first line is read as the names of the columns ({named}), and {again[0]!r} is also a value below it"
    return (f"{note}; if it is a row, add a line with the names.",)


def _format_said(path: Path, read_as: Mapping[str, str]) -> dict[str, str]:
    return {} if "format" in read_as else {"format": name} if (name := format_of(path)) == "txt" else {}


def _split_column(known: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> str | None:
    """A column `split` or `fold` that names test rows."""
    for name in known:
        if name.casefold() in ("split", "fold"):
            values = {str(row.get(name)) for row in rows}
            if values <= {"train", "validation", "test", "dev", "valid"} and "test" in values:
                return name
    return None


def suite_name(stem: str) -> str:
    """A file's name as a suite's name: small letters, digits, `-` and `_`."""
    name = re.sub(r"[^a-z0-9_-]+", "-", stem.casefold()).strip("-_")[:_LONGEST_NAME].strip("-_")
    return name if name and name[0].isalpha() else f"data-{name}".rstrip("-")


def _free(name: str, taken: Sequence[str]) -> str:
    return next(other for other in (name, *(f"{name}-{number}" for number in range(2, 1000))) if other not in taken)

"""`harness init` without click: a suite for the user's own file, which is read as a run reads it."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.core.labels import label_text
from harness.data.read_rows import TableFormat, content_of, read_rows
from harness.data.user_data import LABEL, Wishes, adopt
from harness.suite.init_template import template

_MOST_LABELS = 20
"""A suite names so many labels; more are left to the data."""


@dataclass(frozen=True, slots=True)
class InitialSuite:
    """A suite's text, and what was noticed in the data."""

    text: str
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TrainingWord:
    """What the person says of the rows.

    Attributes:
        trained_on: files that the models learned from, relative to the current folder; None where nothing is said.
        held_out: no model learned from the rows.
    """

    trained_on: Sequence[str] | None = None
    held_out: bool = False


def initial_suite(
    path: Path,
    data: Path | None,
    read_as: Mapping[str, str] | None = None,
    *,
    text: str,
    label: str,
    base: str,
    finetuned: str,
    training: TrainingWord = TrainingWord(),
) -> InitialSuite:
    """The text of a suite that stands at `path`.

    Args:
        data: the labeled file, read to find its labels and how it is written; None for a placeholder.
        read_as: `format`, `delimiter` and `encoding` where the user gives them.
        text, label: its columns.
        training: what is said of the rows.

    Raises:
        DataError: when the file is missing or cannot be read as a suite would read it.
    """
    models: dict[str, Any] = {"base": base, "finetuned": finetuned, "held_out": training.held_out}
    if training.trained_on is not None:
        models["trained_on"] = [_from_suite(Path(file), path) for file in training.trained_on]
    if data is None:
        return InitialSuite(template(data="data/reviews.csv", text=text, label=label, **models), ())
    given = read_as or {}
    table_format = TableFormat(given.get("format"), given.get("delimiter"), given.get("encoding"))
    read = read_rows(content_of(data), str(data), table_format)
    adopted = adopt(read.rows, Wishes(columns={"text": text, LABEL: label}), str(data))
    known = [label_text(label) for label in adopted.labels.get(LABEL, ())]
    made = template(
        data=_from_suite(data, path),
        text=text,
        label=label,
        labels=known if len(known) <= _MOST_LABELS else (),
        read_as={**read.guessed, **given},
        **models,
    )
    return InitialSuite(made, (*read.notes, *adopted.warnings))


def _from_suite(file: Path, suite: Path) -> str:
    """A path of the command line as the suite writes it."""
    return str(file) if file.is_absolute() else os.path.relpath(file, suite.parent)

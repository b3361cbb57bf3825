"""What is said of a suite that nobody wrote, in the words of the command line that was typed."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import NoReturn

from harness.core.errors import HarnessError, Where
from harness.core.reporter import Reporter, Task

_HUB_ID = "a hub id is written owner/name@revision"
_WORDS: Sequence[tuple[str, str]] = (
    (
        (
            r"If no model learned from these rows, add `held_out: true` to [^;]*; else add `trained_on: \[FILE\]` to "
            r"[^,]*(?:, [^,]*)*?, and the rows that occur in FILE are left out\."
        ),
        (
            "If no model learned from these rows, pass --held-out; else pass --trained-on FILE, and the rows that "
            "occur in FILE are left out."
        ),
    ),
    (r"map the columns in the suite: `columns: \{[^}]*\}`", "pass --text COLUMN and --label COLUMN"),
    (r"name the column under the data's `columns`", "pass --text COLUMN and --label COLUMN"),
    (
        r"map the column of labels \(`columns: \{[^}]*\}`\), or leave it out for unlabeled text",
        "pass --label COLUMN",
    ),
    (r"if another column holds the label, set `columns: \{[^}]*\}`", "if another column holds it, pass --label COLUMN"),
    (r"it is relative to the suite file\. A hub id is written owner/name with `revision:`", _HUB_ID),
    (r"owner/name with `revision:`", "owner/name@revision"),
    (r" as `revision:`", " after an `@`"),
    (r"set `(delimiter|encoding): ([^`]*)` or `\1: ([^`]*)`", r"pass --\1 \2 or --\1 \3"),
    (r"set `delimiter(?:: [^`]*)?`", "pass --delimiter"),
    (r"set `encoding(?:: [^`]*)?`", "pass --encoding"),
    (r"set it: `format: (\w+)`", r"pass --format \1"),
    (r"set `format`", "pass --format"),
    (r", or give the labels in the task: `labels: \[[^\]]*\]`", ""),
    (r"paths are relative to [^.\n]*\.", "check the path."),
    (r"data 'task'", "--task-data"),
    (r"data 'prose'", "--prose"),
)
"""Pattern of what speaks of a suite → what the person types."""


def as_typed(text: str) -> str:
    """A message of a generated suite for the person who typed options and no suite."""
    for pattern, typed in _WORDS:
        text = re.sub(pattern, typed, text)
    return text


@contextmanager
def spoken_as_typed(suite: Path | None = None) -> Iterator[None]:
    """Errors inside speak of what was typed; places in a generated suite, which nobody has seen, are left out."""
    try:
        yield
    except HarnessError as error:
        _raise(error, suite)


def _raise(error: HarnessError, suite: Path | None) -> NoReturn:
    place = error.where if error.where is not None and Path(str(error.where.file)) != suite else None
    changed = type(error)(
        as_typed(error.message),
        where=Where(place.file, place.line, place.column) if place else None,
        hint=as_typed(error.hint) if error.hint else None,
        notes=[as_typed(note) for note in error.notes],
    )
    raise changed from error


class TypedReporter:
    """Passes everything on, in the words of the command line."""

    def __init__(self, reporter: Reporter) -> None:
        self._reporter = reporter

    @property
    def warnings(self) -> Sequence[str]:
        """What was warned of, in the words of a suite."""
        return self._reporter.warnings

    def task(self, title: str, total: float | None = None, unit: str = "") -> AbstractContextManager[Task]:
        return self._reporter.task(title, total, unit)

    def info(self, text: str) -> None:
        self._reporter.info(as_typed(text))

    def warn(self, text: str) -> None:
        self._reporter.warn(as_typed(text))

"""A plain table of answers: CSV, TSV, JSON lines, JSON or Parquet, with its columns named."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar

from harness.core.errors import DataError, Where, unknown
from harness.core.labels import is_missing, label_text
from harness.data.read_rows import TableFormat, content_of, read_rows
from harness.importers.imported_log import LoggedAnswer, LoggedEvaluation, LogImporter, ModelLog
from harness.importers.log_values import number, texts

_TASK = "answers"
_TRUE = {"true": 1.0, "false": 0.0, "yes": 1.0, "no": 0.0}


class TableImporter(LogImporter):
    """One row for each answer; the file's name is the model's."""

    tool: ClassVar[str] = "another tool"
    summary: ClassVar[str] = "A plain table of answers (csv, tsv, jsonl, json, parquet), with its columns named."
    options: ClassVar[Mapping[str, str]] = {
        "id": "column that names the item, the same for every model (default: id)",
        "text": "column with what was asked (default: text, where there is one)",
        "target": "column with the right answer (default: target, where there is one)",
        "target_is": "`list` where a cell holds a list of right answers, any of them",
        "answer": "column with the model's answer (default: answer, else prediction, where there is one)",
        "figures": "columns with figures, separated by commas (default: every other column that holds numbers alone)",
        "lower": "those of the figures for which less is better, separated by commas",
        "task": "column that names the task, where the table holds several",
        "epoch": "column with the number of the repeat, where items are answered several times",
        "slices": "columns by which the figures are shown apart, separated by commas",
        "delimiter": "between the cells of a csv file",
        "encoding": "of the file",
    }

    def read(self, path: Path, options: Mapping[str, str]) -> Sequence[ModelLog]:
        format_ = TableFormat(delimiter=options.get("delimiter"), encoding=options.get("encoding"))
        read = read_rows(content_of(path), str(path), format_)
        if not read.rows:
            raise DataError("the table has no rows.", where=Where(path))
        columns = list(dict.fromkeys(name for raw in read.rows for name in raw.fields))
        used = _Columns(columns, options, path)
        figures = used.listed("figures") or [
            name
            for name in columns
            if name not in used.taken and all(_figure(raw.fields.get(name)) is not None for raw in read.rows)
        ]
        lower = used.listed("lower")
        if set(lower) - set(figures):
            raise DataError(
                f"`lower` names {', '.join(sorted(set(lower) - set(figures)))}, which is not a figure of the table "
                f"({', '.join(figures) or 'none'}).",
                where=Where(path),
            )
        if not figures and (used.target is None or used.answer is None):
            raise DataError(
                f"nothing to compare: no column of figures, and no target with an answer ({', '.join(columns)}).",
                where=Where(path),
                hint="name them: `--option target=COLUMN --option answer=COLUMN`, or `--option figures=COLUMN`.",
            )
        tasks: dict[str, list[LoggedAnswer]] = {}
        notes = list(read.notes)
        unlabeled = 0
        for raw in read.rows:
            answer = used.answer_of(raw.fields, figures, Where(path, raw.line))
            if not figures and not answer.targets:
                unlabeled += 1
                continue
            task = label_text(raw.fields.get(used.task)) if used.task is not None else _TASK
            tasks.setdefault(task, []).append(answer)
        if unlabeled:
            rows = "1 row has" if unlabeled == 1 else f"{unlabeled} rows have"
            notes.append(f"{rows} no target (`{used.target}`); left out")
        empty = sum(answer.answer == "" for answers in tasks.values() for answer in answers)
        if empty and used.answer is not None:
            notes.append(f"without an answer, so wrong where answers are compared: {empty}")
        if not tasks:
            raise DataError(f"no row has a `{used.target}`.", where=Where(path))
        directions = dict.fromkeys(lower, "lower")
        return [
            ModelLog(
                path.stem,
                {
                    task: LoggedEvaluation(tuple(answers), directions, notes=tuple(notes))  # type: ignore[arg-type]
                    for task, answers in tasks.items()
                },
            )
        ]


class _Columns:
    """Which column holds what."""

    def __init__(self, columns: Sequence[str], options: Mapping[str, str], path: Path) -> None:
        self._columns = columns
        self._options = options
        self._path = path
        self.id = self._one("id", "id")
        self.text = self._one("text", "text")
        self.target = self._one("target", "target")
        self.answer = self._one("answer", "answer", "prediction")
        self.task = self._one("task")
        self.epoch = self._one("epoch")
        self.slices = self.listed("slices")
        if self.id is None:
            raise DataError(
                f"no column `id` ({', '.join(columns)}).",
                where=Where(path),
                hint="`--option id=COLUMN` names the column by which answers of several models are paired.",
            )
        single = (self.id, self.text, self.target, self.answer, self.task, self.epoch)
        self.taken = {name for name in single if name is not None} | set(self.slices)

    def _one(self, option: str, *usual: str) -> str | None:
        given = self._options.get(option)
        if given is not None:
            self._known(given)
            return given
        return next((name for name in usual if name in self._columns), None)

    def listed(self, option: str) -> list[str]:
        """The columns that an option names."""
        names = [name.strip() for name in self._options.get(option, "").split(",") if name.strip()]
        for name in names:
            self._known(name)
        return names

    def _known(self, name: str) -> None:
        if name not in self._columns:
            raise DataError(unknown("column", name, self._columns), where=Where(self._path))

    def answer_of(self, fields: Mapping[str, object], figures: Sequence[str], where: Where) -> LoggedAnswer:
        """One row.

        Raises:
            DataError: for a row without an id, or with a repeat that is no number.
        """
        identity = fields.get(self.id or "")
        if identity is None or identity == "":
            raise DataError(f"`{self.id}` is empty.", where=where)
        values = {name: _figure(fields.get(name)) for name in figures}
        missing = [name for name, value in values.items() if value is None]
        answer = fields.get(self.answer) if self.answer is not None else None
        fault = f"no figure in {', '.join(missing)}" if missing else None
        return LoggedAnswer(
            id=label_text(identity),
            text=label_text(fields.get(self.text)) if self.text is not None else "",
            targets=self._targets(fields, where),
            answer=None if fault is not None else "" if is_missing(answer) else label_text(answer),
            figures={name: value for name, value in values.items() if value is not None} if fault is None else {},
            epoch=self._epoch(fields, where),
            fault=fault,
            slices=tuple(f"{name}={label_text(fields.get(name))}" for name in self.slices),
        )

    def _targets(self, fields: Mapping[str, object], where: Where) -> tuple[str, ...]:
        target = fields.get(self.target) if self.target is not None else None
        if is_missing(target):
            return ()
        if not isinstance(target, list):
            return (label_text(target),)
        if self._options.get("target_is") != "list":
            raise DataError(
                f"column {self.target!r}: expected a text or number as label, found a list.",
                where=where,
                hint="where any of its entries is right: `--option target_is=list`.",
            )
        return texts(target)

    def _epoch(self, fields: Mapping[str, object], where: Where) -> int:
        if self.epoch is None:
            return 1
        value = _figure(fields.get(self.epoch))
        if value is None or value != int(value):
            raise DataError(
                f"expected a whole number in `{self.epoch}`, found {fields.get(self.epoch)!r}.", where=where
            )
        return int(value)


def _figure(value: object) -> float | None:
    """A number of a cell: of JSON, or written out."""
    if isinstance(value, str):
        try:
            return number(float(value))
        except ValueError:
            return _TRUE.get(value.strip().lower())
    return number(value)

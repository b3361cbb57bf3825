"""lighteval's details: one Parquet file for each task, beside the JSON of its results.

Three layouts are read: a document, a response and its metrics in three columns (0.11 and later); a column for each
field (0.7 to 0.10); and the same columns as Python's texts of the values (up to 0.6).
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Literal

from harness.core.errors import DataError, Where
from harness.importers.imported_log import LoggedAnswer, LoggedEvaluation, LogImporter, ModelLog
from harness.importers.lighteval_rows import DetailsRow, details_rows
from harness.importers.log_values import json_file, mapping, number, within_rounding

_DATED = re.compile(r"details_(?P<task>.+)_(?P<date>\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d(?:\.\d+)?)\.parquet\Z")
_PUNCTUATION = re.compile(r"[^A-Za-z0-9]+")


class LightevalImporter(LogImporter):
    """Each metric of each document; several scored answers to one document are repeats."""

    tool: ClassVar[str] = "lighteval"
    summary: ClassVar[str] = (
        "lighteval: the folder of `lighteval … --output-dir DIR --save-details`, or a details file."
    )

    @classmethod
    def recognizes(cls, path: Path) -> bool:
        return bool(_DATED.match(path.name)) or (path.is_dir() and any(path.rglob("details_*.parquet")))

    def read(self, path: Path, options: Mapping[str, str]) -> Sequence[ModelLog]:
        files = [path] if path.is_file() else sorted(path.rglob("details_*.parquet"))
        if not files:
            raise DataError(
                "no details of lighteval found (details_TASK_DATE.parquet).",
                where=Where(path),
                hint="run lighteval with `--save-details --output-dir DIR`, and pass DIR: "
                "the results alone hold means, which cannot be compared item by item.",
            )
        newest, older = _newest(files)
        models: dict[str, dict[str, LoggedEvaluation]] = {}
        for (model, named), file in newest.items():
            page = _results(file)
            task = _logged_name(named, page)
            name = str(mapping(page.get("config_general")).get("model_name") or model)
            earlier = older.get((model, named), 0)
            notes = (f"earlier runs of this task are in the folder, and left out: {earlier}",) if earlier else ()
            models.setdefault(name, {})[task] = _evaluation(file, _Task.of(page, task), notes)
        return [ModelLog(model, evaluations, {"model_name": model}) for model, evaluations in models.items()]


def _logged_name(named: str, page: Mapping[str, Any]) -> str:
    """A task's name in the results; file systems and archives change the `|` and `:` of a file's name."""
    plain = _PUNCTUATION.sub("-", named)
    same = (task for task in map(str, mapping(page.get("results"))) if _PUNCTUATION.sub("-", task) == plain)
    return next(same, named)


def _newest(files: Sequence[Path]) -> tuple[dict[tuple[str, str], Path], dict[tuple[str, str], int]]:
    """(model, task) → its newest file, and how many older ones there are; lighteval names them by their time."""
    newest: dict[tuple[str, str], Path] = {}
    older: dict[tuple[str, str], int] = {}
    for file in sorted(files, key=_date):
        dated = _DATED.match(file.name)
        key = (_model(file), dated["task"] if dated else file.stem.removeprefix("details_"))
        if key in newest:
            older[key] = older.get(key, 0) + 1
        newest[key] = file
    return newest, older


def _date(file: Path) -> str:
    dated = _DATED.match(file.name)
    return dated["date"] if dated else ""


def _model(file: Path) -> str:
    """The folders between `details` and the date; else the file's name."""
    parts = file.parts[:-2]
    if "details" not in parts:
        return file.stem
    below = len(parts) - parts[::-1].index("details")
    return "/".join(parts[below:]) or file.stem


def _results(file: Path) -> Mapping[str, Any]:
    """The results of the run that a details file is of: the same date, below the same folder."""
    date = _date(file)
    for folder in file.parents[1:5] if date else ():
        if folder.name == "details" or file.parent == folder:
            pages = sorted(folder.parent.rglob(f"results_{date}.json"))
            if pages:
                return mapping(json_file(pages[0], LightevalImporter.tool))
    return {}


@dataclass(frozen=True, slots=True)
class _Task:
    """What the results say of a task.

    Attributes:
        totals: lighteval's own figures of all documents.
        lower: figures for which less is better.
        means: figures whose total is the mean of the documents' figures.
    """

    totals: Mapping[str, float] = field(default_factory=dict)
    lower: frozenset[str] = frozenset()
    means: frozenset[str] = frozenset()

    @classmethod
    def of(cls, page: Mapping[str, Any], task: str) -> _Task:
        totals = mapping(mapping(page.get("results")).get(task))
        tasks = mapping(page.get("config_tasks"))
        settings = mapping(tasks.get(task) or tasks.get(task.rpartition("|")[0]) or tasks.get(_bare(task)))
        listed = settings.get("metrics") or settings.get("metric") or ()
        lower: set[str] = set()
        means: set[str] = set()
        for metric in map(mapping, listed if isinstance(listed, list | tuple) else ()):
            names = metric.get("metric_name")
            better, whole = metric.get("higher_is_better"), metric.get("corpus_level_fn")
            for name in map(str, names if isinstance(names, list) else [names]):
                if (better.get(name) if isinstance(better, Mapping) else better) is False:
                    lower.add(name)
                if (whole.get(name) if isinstance(whole, Mapping) else whole) in ("mean", "nanmean"):
                    means.add(name)
        values = {str(name): number(value) for name, value in totals.items()}
        return cls(
            {name: value for name, value in values.items() if value is not None}, frozenset(lower), frozenset(means)
        )


def _bare(task: str) -> str:
    """`suite|task|shots|truncate` as older results name it in their settings: `suite|task`."""
    return "|".join(task.split("|")[:2])


def _evaluation(file: Path, task: _Task, notes: tuple[str, ...]) -> LoggedEvaluation:
    where = Where(file)
    rows = list(details_rows(file))
    if not rows:
        raise DataError("the details have no rows.", where=where)
    answers: list[LoggedAnswer] = []
    if averaged := _averages(rows):
        notes += (f"{averaged} is the mean over the answers to a document, which are repeats here.",)
        answers = [answer for before, row in _numbered(rows) for answer in _apart(row, averaged, before)]
    else:
        several = sum(len(row.answers) > 1 for row in rows)
        if several:
            notes += (f"documents with several answers, whose figures are of all of them together: {several}",)
        answers = _merged(rows)
    names = {name for answer in answers for name in answer.figures}
    grouped = sorted({str(name) for row in rows for name, value in row.metrics.items() if _is_group(value)} - names)
    if grouped:
        own = ", ".join(f"{name} {task.totals[name]:.6g}" if name in task.totals else name for name in grouped)
        notes += (
            f"lighteval computes these of all documents at once, so they have no pairs, and are left out: {own}.",
        )
    totals, differing = _checked_totals(answers, task)
    notes += tuple(differing)
    directions: dict[str, Literal["higher", "lower"]] = dict.fromkeys(sorted(task.lower & names), "lower")
    return LoggedEvaluation(tuple(answers), directions, totals, notes)


def _is_group(value: Any) -> bool:
    return isinstance(value, Mapping | list)


def _checked_totals(answers: Sequence[LoggedAnswer], task: _Task) -> tuple[dict[str, float], list[str]]:
    """The totals to be held against the figures, and a note of those that are no means."""
    totals: dict[str, float] = {}
    notes = []
    for name, total in task.totals.items():
        values = [answer.figures[name] for answer in answers if name in answer.figures]
        if not values:
            continue
        own = math.fsum(values) / len(values)
        if not task.means or name in task.means:
            totals[name] = within_rounding(total, own, digits=9)
        elif abs(own - total) > 1e-6 * max(1.0, abs(own)):
            notes.append(f"lighteval's {name} of all documents is {total:.6g}, which is no mean; here it is {own:.6g}.")
    return totals, notes


def _averages(rows: Sequence[DetailsRow]) -> str | None:
    """The one figure, where it is the share of a document's answers that are right, stripped of spaces."""
    names = {name for row in rows for name in row.metrics}
    if len(names) != 1 or not any(len(row.answers) > 1 for row in rows):
        return None
    (name,) = names
    for row in rows:
        value = number(row.metrics.get(name))
        if value is None or not row.answers or abs(value - _share(row)) > 1e-9:
            return None
    return str(name)


def _right(row: DetailsRow, answer: str) -> float:
    return float(answer.strip() in {gold.strip() for gold in row.golds})


def _share(row: DetailsRow) -> float:
    return sum(_right(row, answer) for answer in row.answers) / len(row.answers)


def _numbered(rows: Sequence[DetailsRow]) -> Iterator[tuple[int, DetailsRow]]:
    """Each row with the number of answers to its document before it."""
    before: dict[str, int] = {}
    for row in rows:
        yield before.get(row.identity, 0), row
        before[row.identity] = before.get(row.identity, 0) + len(row.answers)


def _apart(row: DetailsRow, figure: str, before: int) -> Iterator[LoggedAnswer]:
    for place, answer in enumerate(row.answers, before + 1):
        yield LoggedAnswer(
            row.identity, row.query, tuple(row.golds), answer, {figure: _right(row, answer)}, epoch=place
        )


def _merged(rows: Sequence[DetailsRow]) -> list[LoggedAnswer]:
    """One answer for each time that a document is asked; its ways (written, by likelihood) are one answer."""
    asked: dict[str, list[list[DetailsRow]]] = {}
    for row in rows:
        before = asked.setdefault(row.identity, [])
        fitting = next(
            (ways for ways in before if not any(way.metrics.keys() & row.metrics.keys() for way in ways)), None
        )
        if fitting is None or not row.metrics:
            before.append([row])
        else:
            fitting.append(row)
    figured = any(row.figures() for row in rows)
    return [
        _answer(ways, epoch=place, figured=figured) for times in asked.values() for place, ways in enumerate(times, 1)
    ]


def _answer(ways: Sequence[DetailsRow], *, epoch: int, figured: bool) -> LoggedAnswer:
    """The answer of a document that was asked in one or more ways; a fault where only others have figures."""
    row = next((way for way in ways if way.answers), ways[0])
    figures = {name: value for way in ways for name, value in way.figures().items()}
    fault = "no figure" if figured and not figures else None
    answer = None if fault else "\n".join(row.chosen)
    return LoggedAnswer(row.identity, row.query, tuple(row.golds), answer, figures, epoch=epoch, fault=fault)

"""lm-eval's figures of documents: which come out of what it logged, which contradict it, which are taken as given.

A figure that the results file states as lm-eval's own must come out for every document. Where nothing says how it was
made, it must come out, too, if it does for at least half of the documents that tell. What code of the task made is
taken as given unless it comes out.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from harness.core.errors import DataError, Where
from harness.core.evaluation import Item
from harness.core.records import OK, Record
from harness.evaluations.lm_eval.logged_task import LoggedTask, is_number
from harness.metrics.logged_figure import LOGGED, logged_metric

TOLERANCE = 1e-6
_NO_FIGURES = frozenset(
    {
        *("doc_id", "doc", "target", "arguments", "resps", "filtered_resps", "filter", "metrics"),
        *("doc_hash", "prompt_hash", "target_hash"),
    }
)


@dataclass(frozen=True, slots=True)
class Sample:
    """One document as it was logged.

    Attributes:
        raw: the line.
        replies: what the model answered, one for each request.
        arguments: what each request asked.
    """

    identity: str
    where: Where
    raw: Mapping[str, Any]
    replies: Sequence[Any]
    arguments: Sequence[Sequence[Any]]

    @property
    def target(self) -> Any:
        return self.raw["target"]

    @property
    def figures(self) -> list[str]:
        """The names of lm-eval's figures of the document."""
        named = self.raw.get("metrics")
        names = named if isinstance(named, list) else [key for key in self.raw if key not in _NO_FIGURES]
        return [str(name) for name in names if name in self.raw]


class Ours(NamedTuple):
    """Which metric of ours a figure of lm-eval is, and how many times as large lm-eval's is."""

    metric: str
    scale: float = 1.0


@dataclass(slots=True)
class ReadDocuments:
    """The documents of one kind.

    Attributes:
        failures: id of a document that cannot be read → why.
        settled: lm-eval's figure → ours; None for one that was checked and is no metric here.
    """

    made: list[tuple[Item, Record]] = field(default_factory=list)
    failures: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    settled: dict[str, Ours | None] = field(default_factory=dict)


def contradiction(
    figure: str, logged: Sequence[float], computed: Sequence[float], places: Sequence[Where], what: str, hint: str = ""
) -> DataError:
    """The error about a figure that what was logged contradicts, with both values."""
    pairs = list(zip(logged, computed, strict=True))
    wrong = [row for row, (value, made) in enumerate(pairs) if not agree(value, made)]
    return DataError(
        f"lm-eval logged {figure} {math.fsum(logged) / len(logged):.6g}, and the logged {what} give "
        f"{math.fsum(computed) / len(computed):.6g}: {len(wrong)} of {len(pairs)} documents disagree.",
        where=places[wrong[0]],
        hint=f"the log was changed, or written by another version; run the task again.{hint}",
    )


def agree(logged: float, computed: float) -> bool:
    """Whether two values are one figure but for rounding."""
    return abs(logged - computed) <= TOLERANCE * max(1.0, abs(computed))


def settle(
    figure: str,
    samples: Sequence[Sample],
    readings: Mapping[str, Sequence[float]],
    task: LoggedTask,
    what: str = "texts",
) -> str | None:
    """The reading of a figure under which every logged value comes out; None where it is to be taken as given.

    Args:
        readings: name → value of each document.
        what: what the values are computed from, for the error.

    Raises:
        DataError: where the log contradicts itself, with both values.
    """
    logged = [sample.raw.get(figure) for sample in samples]
    if not readings or not all(is_number(value) for value in logged):
        return None
    values = [float(value) for value in logged if value is not None]
    wrong = {
        name: sum(not agree(value, made) for value, made in zip(values, computed, strict=True))
        for name, computed in readings.items()
    }
    best = min(wrong, key=lambda name: wrong[name])
    if not wrong[best]:
        return best
    telling = sum(bool(value or made) for value, made in zip(values, readings[best], strict=True))
    if task.code or (not task.states(figure) and 2 * wrong[best] > telling):
        return None
    hint = "" if task.states(figure) else " Keep the results file beside the log: it says how the task computes it."
    raise contradiction(figure, values, readings[best], [sample.where for sample in samples], what, hint)


def with_given(read: ReadDocuments, samples: Sequence[Sample], task: LoggedTask) -> None:
    """Adds the figures that nothing settled as statistics of the records, and says so."""
    by_id = {sample.identity: sample for sample in samples}
    rows = [by_id[item.id] for item, record in read.made if record.status == OK]
    names = dict.fromkeys(name for sample in rows for name in sample.figures if name not in read.settled)
    given = [name for name in names if all(_finite(sample.raw.get(name)) for sample in rows)]
    taken = {name: Ours(logged_metric(_plain(name), task.better(name))) for name in given}
    read.made = [
        (item, record if record.status != OK else _given(record, by_id[item.id], given)) for item, record in read.made
    ]
    read.settled |= taken
    if given:
        listed = ", ".join(f"{name} ({taken[name].metric})" for name in given)
        read.notes.append(f"taken as lm-eval logged it, not computed from what the model answered: {listed}.")
    left = [name for name in names if name not in given]
    if left:
        totals = [name if (total := task.total(name)) is None else f"{name} ({total:.6g})" for name in left]
        read.notes.append(f"left out, not a number for each document: {', '.join(totals)}.")


def _given(record: Record, sample: Sample, names: Sequence[str]) -> Record:
    stats = {f"{LOGGED}.{_plain(name)}": float(sample.raw[name]) for name in names}
    correct = next((value for value in stats.values() if "correct" not in record.stats and value in (0.0, 1.0)), None)
    return replace(record, stats={**record.stats, **stats, **({} if correct is None else {"correct": correct})})


def _plain(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9_+-]+", "_", name)


def _finite(value: Any) -> bool:
    return is_number(value) and math.isfinite(value)

"""What most tasks share: one item a row, content keys from the options, clusters by parent."""

from __future__ import annotations

import json
from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any, ClassVar, Generic, Literal, TypeVar

from pydantic import Field

from harness.core.dataset import Dataset, Row
from harness.core.errors import DataError
from harness.core.evaluation import Evaluation, EvaluationContext, Item
from harness.evaluations.columns import text_of
from harness.evaluations.prompts.prompt_template import check_columns, filled
from harness.evaluations.subsample import choose
from harness.schema.suite.data_refs import DataName, ref_name
from harness.schema.suite.evaluation_options import EvaluationOptions

PARENT = "parent"
LATER = frozenset(
    {
        *("target_is", "answers_are", "incorrect_is", "answer_is", "generation_kwargs", "read_answer", "samples"),
        *("messages", "system", "tools", "template_variables", "default_template", "unlabeled"),
    }
)
LOOKED_AT = 1000
"""Rows whose prompts are compared; more would say the same."""


class RowOptions(EvaluationOptions):
    """The YAML that all row tasks take."""

    data: DataName = Field(description="A name from the suite's `data`, or an inline dataset.")


OptionsT = TypeVar("OptionsT", bound=RowOptions)


class RowTask(Evaluation, Generic[OptionsT]):
    """A task with one item a row of one dataset."""

    role: ClassVar[Literal["task", "probe"]] = "task"
    cluster_unit: ClassVar[str] = PARENT
    format: ClassVar[int] = 1
    options: OptionsT

    def __init__(self, name: str, options: OptionsT, context: EvaluationContext) -> None:
        super().__init__(name, options, context)
        self.language = context.languages.get(ref_name(options.data))

    @classmethod
    def data_names(cls, options: OptionsT) -> tuple[DataName, ...]:
        return (options.data,)

    def spec(self) -> Mapping[str, Any]:
        """Every option but the data's name, the metrics and the split; part of content keys.

        Options that came later count only where they are given, so that others keep their keys.
        """
        given = self.options.model_dump(mode="json", exclude={"data", "metrics", "split"})
        options = {name: value for name, value in given.items() if value is not None or name not in LATER}
        return {"kind": self.kind, "format": self.format, "options": options}

    def protocol_content(self, protocol: str) -> Mapping[str, Any]:
        """The options but for the number of rows and the names of their columns."""
        made = self.spec()
        columns = set(self.columns())
        options = {
            name: value
            for name, value in made["options"].items()
            if name != "limit" and not (isinstance(value, str) and value in columns)
        }
        return {**{name: value for name, value in made.items() if name not in {"kind", "options"}}, **options}

    def items(self, data: Sequence[Dataset], split: str) -> Iterator[Item]:
        """The items of a split in the data's order, at most `limit`.

        Raises:
            DataError: a missing column, an empty split, or a cell that cannot be read.
        """
        yield from choose(self.every_item(data, split), self.options.limit, self.cluster_unit)

    def every_item(self, data: Sequence[Dataset], split: str) -> Iterator[Item]:
        """The items without the limit."""
        (dataset,) = data
        self.check_data(data)
        for row in dataset.split(split):
            yield from self.row_items(dataset, row)

    def check_data(self, data: Sequence[Dataset]) -> None:
        """The columns are there, and every slot of the prompt is one that does not hold the answer.

        Raises:
            DataError: for a missing column, an unknown slot, or the answer's own column in the prompt.
        """
        (dataset,) = data
        if self.prompt is not None:
            check_columns(self.prompt, dataset.columns, self.answer_columns(), f"{self.role} {self.name!r}, prompt")
        for column in self.columns():
            dataset.require(column)

    @property
    def prompt(self) -> str | None:
        """The template of columns that its prompts come from; None where there is none."""
        return None

    def answer_columns(self) -> Sequence[str]:
        """The columns that hold what is right: never part of a prompt."""
        return ()

    def warnings(self, data: Sequence[Dataset], split: str) -> list[str]:
        """A prompt that is alike for all rows asks one question again and again."""
        if self.prompt is None:
            return []
        (dataset,) = data
        prompts = {filled(self.prompt, partial(text_of, dataset, row)) for row in dataset.split(split)[:LOOKED_AT]}
        if len(prompts) > 1 or len(dataset.split(split)) == 1:
            return []
        return [f"the prompt is the same for every row of data {dataset.name!r}: {next(iter(prompts))[:80]!r}."]

    @abstractmethod
    def columns(self) -> Sequence[str]:
        """The columns that must be there, beside those of the prompt."""

    @abstractmethod
    def row_items(self, dataset: Dataset, row: Row) -> Iterator[Item]:
        """The items of one row; most tasks have one."""


def fill(template: str, dataset: Dataset, row: Row) -> str:
    """A template with the row's columns in place of `{column}`."""
    return filled(template, partial(text_of, dataset, row))


CellReading = Literal["text", "list"]
"""What the cells of a column are: each one text, or each a JSON list of texts that all count."""


def texts_in(
    dataset: Dataset, row: Row, column: str, reading: CellReading | None = None, option: str = ""
) -> list[str]:
    """The texts of a cell; an empty cell or list holds none.

    Args:
        reading: what the cells of the column are; when left out, the data says it.
        option: the task's option that says it, for messages.

    Raises:
        DataError: a missing cell, a list of other things than texts, or a column of a file whose cells can be read both
            ways.
    """
    cell = text_of(dataset, row, column)
    if not cell.strip():
        return []
    if not cell.startswith("[") or reading == "text":
        return [cell]
    if reading is None and not _known_lists(dataset, column):
        listed = _list_of_texts(cell)
        if listed is None:
            return [cell]
        raise DataError(
            f"{dataset.place(row)}: the column {column!r} can be read as one text ({cell[:40]}) or as a "
            f"list of texts ({', '.join(listed)[:40]}).",
            hint=f"set `{option}: list` or `{option}: text` in the task; JSON and Parquet files can hold real lists.",
        )
    try:
        value = json.loads(cell)
    except (ValueError, RecursionError):
        return [cell]
    if not isinstance(value, list) or not all(isinstance(text, str) for text in value):
        raise DataError(
            f"{dataset.place(row)}: the column {column!r} contains a JSON list with items that are not texts.",
            hint='write ["one", "two"], or a single text.',
        )
    return [text for text in value if text.strip()]


def _known_lists(dataset: Dataset, column: str) -> bool:
    """Whether lists are lists: in the catalog, in data that a program gives, and in files with real lists."""
    known = dataset.facts.get("lists")
    return known is None or column in known


def _list_of_texts(cell: str) -> list[str] | None:
    try:
        value = json.loads(cell)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, list) and value and all(isinstance(text, str) for text in value) else None

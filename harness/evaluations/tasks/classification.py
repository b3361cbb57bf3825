"""Classification: one text, one of several labels."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any, ClassVar, Literal

from pydantic import Field, model_validator

from harness.core.dataset import Dataset, Row
from harness.core.errors import DataError, SuiteError, unknown
from harness.core.evaluation import Evaluation, EvaluationContext, Item, ItemMeasure
from harness.core.examples import LabeledText, PromptTarget
from harness.core.labels import _same_labels, is_missing, label_text
from harness.core.metric import MetricContext
from harness.core.model import ModelFacts
from harness.core.records import COSTLY, Record
from harness.core.requests import Failure, Request, Response
from harness.evaluations.columns import text_of
from harness.evaluations.item_measures import MARGIN_OF_CORRECT
from harness.evaluations.label_stats import expected_stats, label_margin, label_stats
from harness.evaluations.prompts.label_prompt import HEAD, ClozeOptions, Question, decide, probabilities
from harness.evaluations.record_builders import failed, outcome, truncated_tokens
from harness.evaluations.subsample import choose
from harness.schema.suite.data_refs import DataName, ref_name
from harness.schema.suite.evaluation_options import EvaluationOptions
from harness.schema.suite.types import Label

FORMAT = 1
_SHOWN = 20


def _one_to_one(head_labels: Mapping[str, str] | None, labels: Sequence[str]) -> None:
    if head_labels is not None and sorted(head_labels.values()) != sorted(labels):
        raise ValueError(f"`head_labels` gives {sorted(head_labels.values())}, expected each of {sorted(labels)} once")


def _is_number(label: str) -> bool:
    try:
        float(label)
    except ValueError:
        return False
    return True


class ClassificationOptions(EvaluationOptions):
    """The YAML of a classification task."""

    data: DataName = Field(description="A name from the suite's `data`, or an inline dataset.")
    text: str = Field("text", description="Column with the text.")
    pair: str | None = Field(None, description="Column with the second text of a text pair.")
    label: str = Field("label", description="Column with the label.")
    labels: list[Label] | None = Field(
        None,
        description="Labels in order (lowest first if they are ordinal). Defaults to the labels of the data.",
    )
    head_labels: dict[Label, Label] | None = Field(
        None,
        description="What a model's head calls each label, for heads with other names: `{LABEL_0: negative, …}`.",
    )
    cloze: ClozeOptions | None = Field(
        None, description="Prompt for models without a classification head for these labels."
    )
    unlabeled: Literal["leave_out", "ask"] = Field(
        "leave_out",
        description="Rows without a label: leave them out, or `ask` about them too. What models say of those makes the "
        "figures of the labeled rows surer (`adjusted`), where chance chose which rows have a label.",
    )
    values: dict[Label, float] | None = Field(
        None, description="Score of each label, for expected scores. Defaults to evenly spaced values from -1 to 1."
    )

    @model_validator(mode="after")
    def _agree(self) -> ClassificationOptions:
        if self.labels is not None:
            if len(set(self.labels)) != len(self.labels) or len(self.labels) < 2:
                raise ValueError(f"expected two or more different labels, found {self.labels}")
            _same_labels("cloze.words", self.cloze.words if self.cloze else None, self.labels)
            _same_labels("values", self.values, self.labels)
            _one_to_one(self.head_labels, self.labels)
        return self

    @property
    def label_names(self) -> tuple[str, ...]:
        return tuple(self.labels or ())


class Classification(Evaluation):
    """Asks for the label of each text; see `question` for how each kind of model is asked."""

    Options = ClassificationOptions
    role: ClassVar[Literal["task", "probe"]] = "task"
    kind: ClassVar[str] = "classification"
    summary: ClassVar[str] = "Single-label text classification."
    cluster_unit: ClassVar[str] = "parent"
    item_measures: ClassVar[tuple[ItemMeasure, ...]] = (MARGIN_OF_CORRECT,)
    implied_rules: ClassVar[tuple[str, ...]] = ("majority", "prior")
    provides: ClassVar[tuple[str, ...]] = ("target", "prediction", "correct", "nll", "brier", "confidence")
    options: ClassificationOptions
    default_metrics: tuple[str, ...] = ("accuracy", "f1_macro", "f1_per_class", "nll", "brier", "ece")

    def __init__(self, name: str, options: ClassificationOptions, context: EvaluationContext) -> None:
        super().__init__(name, options, context)
        self._labeled = context.labels.get(ref_name(options.data), {})
        of_data = self._labeled.get(options.label, ())
        self._known = tuple(of_data if options.labels is None else options.labels)
        if self._known and options.labels is None:
            try:
                _same_labels("cloze.words", options.cloze.words if options.cloze else None, self._known)
                _same_labels("values", options.values, self._known)
                _one_to_one(options.head_labels, self._known)
            except ValueError as error:
                raise SuiteError(
                    f"task {name!r}: {error}.", hint="name each of the data's labels once, or give `labels`."
                ) from error

    @classmethod
    def data_names(cls, options: ClassificationOptions) -> tuple[DataName, ...]:
        return (options.data,)

    @property
    def text_column(self) -> str:
        """The column that holds the text."""
        return self.options.text

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels in their order.

        Raises:
            SuiteError: when neither the options nor the data say them.
        """
        if len(self._known) < 2:
            raise SuiteError(
                f"task {self.name!r}: the labels are not known (found {list(self._known)}): data "
                f"{ref_name(self.options.data)!r} has no labels in a column {self.options.label!r}, but in: "
                f"{', '.join(sorted(self._labeled)) or 'none'}.",
                hint="fill in every label, name the column under the data's `columns`, or give the labels in "
                "the task: `labels: [negative, neutral, positive]`.",
            )
        return self._known

    @property
    def question(self) -> Question:
        """How a text is asked for its label."""
        return Question(self.labels, self.options.cloze, self.options.head_labels)

    @property
    def values(self) -> dict[str, float]:
        """label → number for expected scores: `values`, else evenly from −1 to 1."""
        if self.options.values is not None:
            return {label: float(self.options.values[label]) for label in self.labels}
        last = len(self.labels) - 1
        return {label: -1.0 + 2.0 * place / last for place, label in enumerate(self.labels)}

    def scores_nobody_gave(self, data: Sequence[Dataset]) -> bool:
        """Whether the scores of more than two labels come from the order of their names alone.

        Labels have an order where the task gives `labels` or `values`, where they are numbers, and in the catalog.
        """
        options = self.options
        named = options.labels is None and options.values is None and len(self.labels) > 2
        from_user = not any("catalog" in dataset.facts for dataset in data[: len(self.data_refs)])
        return named and from_user and not all(map(_is_number, self.labels))

    def spec(self) -> Mapping[str, Any]:
        options = self.options
        return {
            "kind": self.kind,
            "format": FORMAT,
            "text": options.text,
            **({"pair": options.pair} if options.pair is not None else {}),
            "label": options.label,
            "labels": list(self._known),
            "cloze": options.cloze.model_dump(mode="json") if options.cloze else None,
            "values": options.values,
            **({"head_labels": options.head_labels} if options.head_labels is not None else {}),
            "limit": options.limit,
            **({"unlabeled": options.unlabeled} if options.unlabeled != "leave_out" else {}),
        }

    def protocol_content(self, protocol: str) -> Mapping[str, Any]:
        """Labels and values; the cloze and its words where they are asked."""
        columns = {"text", "pair", "label"} | ({"cloze"} if protocol == HEAD else set())
        return {name: value for name, value in super().protocol_content(protocol).items() if name not in columns}

    def items(self, data: Sequence[Dataset], split: str) -> Iterator[Item]:
        """One item a row, in the data's order, at most `limit`; rows without a label last, where they are asked about.

        Raises:
            DataError: a missing column, an empty split, a row without text or with a label that
                is not one of the task's.
        """
        asked = chain(self.every_item(data, split), self._unlabeled(data, split))
        yield from choose(asked, self.options.limit, self.cluster_unit)

    def every_item(self, data: Sequence[Dataset], split: str) -> Iterator[Item]:
        """The labeled items without the limit; probes that stand on this task choose for themselves."""
        (dataset,) = data
        for row, text, label in self._rows(dataset, split):
            yield self._item(dataset, row, text, label)

    def _unlabeled(self, data: Sequence[Dataset], split: str) -> Iterator[Item]:
        (dataset,) = data
        if self.options.unlabeled == "leave_out":
            return
        for row in dataset.split(split):
            if is_missing(row.fields.get(self.options.label)):
                yield self._item(dataset, row, text_of(dataset, row, self.options.text), None)

    def _item(self, dataset: Dataset, row: Row, text: str, label: str | None) -> Item:
        pair = self._pair(dataset, row)
        both = {"text": text} if pair is None else {"text": text, "pair": pair}
        return Item(
            id=row.id, payload=both, texts=both, target=label, clusters={"parent": row.cluster}, slices=row.slices
        )

    def examples(self, dataset: Dataset, split: str) -> list[LabeledText]:
        """The texts of a split and the place of each one's label in `labels`, for training.

        Raises:
            DataError: as `items` does.
        """
        places = {label: place for place, label in enumerate(self.labels)}
        return [
            LabeledText(text, (places[label],), self._pair(dataset, row))
            for row, text, label in self._rows(dataset, split)
        ]

    def demonstrations(self, dataset: Dataset, split: str) -> list[PromptTarget]:
        """The texts of a split as worked examples: the cloze filled with the first word of the right label.

        Raises:
            SuiteError: when the task has no cloze.
            DataError: as `items` does.
        """
        question = self.question
        return [
            question.demonstration(text, label, self._pair(dataset, row))
            for row, text, label in self._rows(dataset, split)
        ]

    def protocol(self, facts: ModelFacts) -> str | None:
        return self.question.protocol(facts)

    def unsupported(self, facts: ModelFacts) -> str:
        return self.question.unsupported(facts)

    def requests_for(self, text: str, protocol: str, pair: str | None = None) -> list[Request]:
        """The requests that ask for the label of any text (or pair of texts); probes use it."""
        return self.question.requests(text, protocol, pair)

    def log_probabilities(self, responses: Sequence[Response], protocol: str) -> dict[str, float] | Failure:
        """label → natural log-probability, summing to one over the labels; or why there is none."""
        return self.question.log_probabilities(responses, protocol)

    def probabilities(self, responses: Sequence[Response], protocol: str) -> dict[str, float] | Failure:
        """label → probability; or why there is none."""
        log_p = self.log_probabilities(responses, protocol)
        return log_p if isinstance(log_p, Failure) else probabilities(log_p)

    def requests(self, item: Item, protocol: str) -> Sequence[Request]:
        return self.requests_for(item.payload["text"], protocol, item.payload.get("pair"))

    def record(self, item: Item, protocol: str, responses: Sequence[Response]) -> Record:
        truncated = truncated_tokens(responses)
        log_p = self.log_probabilities(responses, protocol)
        if isinstance(log_p, Failure):
            return failed(item, log_p, truncated=truncated)
        unlabeled = item.target is None and self.options.unlabeled == "ask"
        if not unlabeled and item.target not in log_p:
            raise ValueError(f"item {item.id} of {self.name!r} has the target {item.target!r}, not a label of the task")
        prediction, tied = decide(log_p, item.id)
        stats = {} if item.target is None else label_stats(log_p, prediction, item.target)
        if self.options.unlabeled == "ask":
            stats |= expected_stats(log_p, prediction) | {COSTLY: float(item.target is not None)}
        return outcome(
            item,
            prediction=prediction,
            margin=None if item.target is None else label_margin(log_p, item.target),
            tied=tied,
            truncated=truncated,
            response={"log_p": log_p},
            stats=stats,
        )

    def metric_context(self) -> MetricContext:
        return MetricContext(labels=self._known, cluster_unit=self.cluster_unit)

    def _pair(self, dataset: Dataset, row: Row) -> str | None:
        return None if self.options.pair is None else text_of(dataset, row, self.options.pair)

    def _rows(self, dataset: Dataset, split: str) -> Iterator[tuple[Row, str, str]]:
        dataset.require(self.options.text)
        dataset.require(self.options.label)
        if self.options.pair is not None:
            dataset.require(self.options.pair)
        self._check_labels(dataset, self._labeled_rows(dataset, split))
        for row, label in self._labeled_rows(dataset, split):
            yield row, text_of(dataset, row, self.options.text), label

    def _labeled_rows(self, dataset: Dataset, split: str) -> Iterator[tuple[Row, str]]:
        for row in dataset.split(split):
            if not is_missing(value := row.fields.get(self.options.label)):
                yield row, label_text(value)

    def _check_labels(self, dataset: Dataset, labels: Iterable[tuple[Row, str]]) -> None:
        """Refuses labels that are none of the task's; all of them in one message."""
        known = set(self.labels)
        strange: dict[str, list[Row]] = {}
        for row, label in labels:
            if label not in known:
                strange.setdefault(label, []).append(row)
        if not strange:
            return
        first = next(iter(strange))
        notes = [
            f"{label!r}: {len(rows)} {'row' if len(rows) == 1 else 'rows'}, the first is {dataset.place(rows[0])}"
            for label, rows in list(strange.items())[:_SHOWN]
        ]
        raise DataError(
            f"{dataset.place(strange[first][0])}, column {self.options.label!r}: {unknown('label', first, known)}",
            notes=[*notes, *([f"… and {len(strange) - _SHOWN} more labels"] if len(strange) > _SHOWN else [])],
            hint="correct the rows, add the labels to the task's `labels`, or set `normalize: [strip, casefold]` "
            "in the data.",
        )

    def remarks(self, data: Sequence[Dataset], split: str) -> Sequence[str]:
        """How many rows have no label in a column that only this task reads as one, and what becomes of them."""
        (dataset,) = data
        lost = sum(is_missing(row.fields.get(self.options.label)) for row in dataset.split(split))
        if not lost:
            return ()
        use = "left out."
        if self.options.unlabeled == "ask":
            use = "asked about too: what models say of them makes figures of the labeled rows surer (`adjusted`)."
        count, verb = ("1 row has", "is") if lost == 1 else (f"{lost} rows have", "are")
        return (f"{count} no {self.options.label!r} and {verb} {use}",)

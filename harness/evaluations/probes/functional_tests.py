"""Functional tests (CheckList, HateCheck): cases that a model must get right, grouped by what they test."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar

from pydantic import Field

from harness.core.dataset import Dataset, Row
from harness.core.errors import DataError, SuiteError, unknown
from harness.core.evaluation import Item, ItemMeasure
from harness.core.records import Record
from harness.core.requests import Failure, Request, Response
from harness.evaluations.columns import joined_slices, text_of
from harness.evaluations.on_task import Answer, read_answers
from harness.evaluations.probe_base import OnTaskProbe
from harness.evaluations.probe_guards import alike, bare, contradictory, left_out, sound_rows, told_apart
from harness.evaluations.record_builders import failed, outcome, truncated_tokens
from harness.evaluations.subsample import choose
from harness.schema.suite.data_refs import DataName
from harness.schema.suite.evaluation_options import OnTaskOptions

TOLERANCE = 0.1
"""A directional test fails when the score moves the wrong way by more (CheckList's tolerance)."""
EXPECTATIONS = ("same", "higher", "lower")


class FunctionalTestsOptions(OnTaskOptions):
    """The YAML of a functional-tests probe."""

    data: DataName = Field(
        description="Test cases with the columns text and functionality, and label (MFT) or original and expect "
        "(same: INV; higher, lower: DIR on the expected score)."
    )
    labels: dict[str, str] = Field(
        default_factory=dict,
        description="Maps labels of the cases to labels of the task; identical labels need no entry.",
    )


class FunctionalTests(OnTaskProbe[FunctionalTestsOptions]):
    """Asks a task's question about test cases.

    A minimum functionality test (MFT) has a label and fails when another one is given. An invariance test
    (INV) has the text it was made from and fails when the label changes. A directional test (DIR) fails
    when the expected score moves the wrong way by more than 0.1. Failure rates are shown by functionality
    (Ribeiro et al. 2020; Röttger et al. 2021).
    """

    Options = FunctionalTestsOptions
    kind: ClassVar[str] = "functional_tests"
    summary: ClassVar[str] = "Failure rate of test cases, by functionality (CheckList)."
    cluster_unit: ClassVar[str] = "template"
    item_measures: ClassVar[tuple[ItemMeasure, ...]] = (ItemMeasure("margin", "expected score"),)
    provides: ClassVar[tuple[str, ...]] = ("target", "prediction", "correct", "test_failed")
    default_metrics: tuple[str, ...] = ("failure_rate", "accuracy")
    caveats: ClassVar[tuple[str, ...]] = (
        "Test cases reveal weaknesses; passing all of them does not prove that a model is good.",
    )

    @property
    def data_refs(self) -> tuple[DataName, ...]:
        """Its cases only: it asks the task's question, and none of the task's texts."""
        return self.data_names(self.options)

    def settings(self) -> Mapping[str, Any]:
        return {
            "labels": dict(self.options.labels),
        }

    def items(self, data: Sequence[Dataset], split: str) -> Iterator[Item]:
        """One item a case.

        Raises:
            DataError: a missing column, an empty split, a case with neither label nor original, or a label
                that the task does not have.
        """
        (dataset,) = data
        dataset.require("text")
        dataset.require("functionality")
        known = set(self.task.values)
        for label in self.options.labels.values():
            if label not in known:
                raise SuiteError(f"probe {self.name!r}, labels: {unknown('label of the task', label, known)}")
        rows = sound_rows(dataset, split, _faults(dataset.split(split)))
        yield from choose((self._item(dataset, row, known) for row in rows), self.options.limit, self.cluster_unit)

    def warnings(self, data: Sequence[Dataset], split: str) -> list[str]:
        """Cases that equal their original cannot fail, and some contradict each other: left out and counted."""
        return left_out(_faults(data[0].split(split)), "cases")

    def requests(self, item: Item, protocol: str) -> Sequence[Request]:
        return [request for text in item.payload["texts"] for request in self.task.requests_for(text, protocol)]

    def record(self, item: Item, protocol: str, responses: Sequence[Response]) -> Record:
        truncated = truncated_tokens(responses)
        answers = read_answers(self.task, responses, len(item.payload["texts"]), protocol, item.id)
        if isinstance(answers, Failure):
            return failed(item, answers, truncated=truncated)
        if len(answers) > 1 and not any(told_apart(responses, item.payload["texts"], unknown_only=True)):
            return failed(item, alike(), truncated=truncated)
        stats = {"test_failed": float(_fails(item, answers))}
        if item.target is not None:
            stats["correct"] = float(answers[0].label == item.target)
        return outcome(
            item,
            prediction=answers[0].label,
            margin=answers[0].score,
            tied=any(answer.tied for answer in answers),
            truncated=truncated,
            response={"labels": [answer.label for answer in answers], "scores": [answer.score for answer in answers]},
            stats=stats,
        )

    def _item(self, dataset: Dataset, row: Row, known: set[str]) -> Item:
        text = text_of(dataset, row, "text", empty=False)
        functionality = text_of(dataset, row, "functionality", empty=False)
        label = _optional(row, "label")
        original, expect = _optional(row, "original"), _optional(row, "expect") or "same"
        target = None
        if original is not None:
            if expect not in EXPECTATIONS:
                wrong = unknown("expectation", expect, EXPECTATIONS)
                raise DataError(f"{dataset.place(row)}, column 'expect': {wrong}")
        elif label is None:
            raise DataError(
                f"{dataset.place(row)}: a case needs a `label`, or an `original` to compare with.",
                hint="fill one of them in.",
            )
        else:
            target = self.options.labels.get(label, label)
            if target not in known:
                wrong = unknown("label of the task", target, known)
                raise DataError(
                    f"{dataset.place(row)}, column 'label': {wrong}",
                    hint="say what the cases' labels mean: `labels: {their label: the task's label}`.",
                )
        test = "MFT" if original is None else "INV" if expect == "same" else "DIR"
        return Item(
            id=row.id,
            payload={"texts": [text] if original is None else [text, original], "test": test, "expect": expect},
            texts={"text": text} if original is None else {"text": text, "original": original},
            target=target,
            clusters={"template": row.cluster},
            slices=joined_slices(row, f"functionality={functionality}", f"test={test}"),
        )


def _fails(item: Item, answers: Sequence[Answer]) -> bool:
    if item.payload["test"] == "MFT":
        return answers[0].label != item.target
    if item.payload["test"] == "INV":
        return answers[0].label != answers[1].label
    moved = answers[0].score - answers[1].score
    return (moved if item.payload["expect"] == "higher" else -moved) < -TOLERANCE


def _faults(rows: Sequence[Row]) -> list[str]:
    """Why a case is left out; empty for those that are kept."""
    claims = []
    for row in rows:
        text, original = bare(str(row.fields.get("text"))), _optional(row, "original")
        said = _optional(row, "label") if original is None else _optional(row, "expect") or "same"
        claims.append(((text, None if original is None else bare(original)), said))
    return [
        "they equal their original and cannot fail"
        if asked[0] == asked[1]
        else "another case expects something else of the same text"
        if clash
        else ""
        for (asked, _), clash in zip(claims, contradictory(claims), strict=True)
    ]


def _optional(row: Row, column: str) -> str | None:
    value = row.fields.get(column)
    return None if value is None or value != value or not str(value).strip() else str(value)

"""Counterfactual substitution: does a classifier answer differently about other people?"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, ClassVar

from pydantic import BeforeValidator, Field, model_validator

from harness.core.dataset import Dataset
from harness.core.errors import DataError
from harness.core.evaluation import Item, ItemMeasure
from harness.core.records import Record
from harness.core.requests import Failure, Request, Response
from harness.evaluations.counterfactual_sources import (
    Original,
    of_rows,
    of_task,
    of_templates,
    templates_digest,
)
from harness.evaluations.item_measures import SCORE_SHIFT
from harness.evaluations.on_task import read_answers
from harness.evaluations.probe_base import OnTaskProbe
from harness.evaluations.probe_guards import alike, told_apart
from harness.evaluations.record_builders import failed, outcome, truncated_tokens
from harness.evaluations.subsample import choose
from harness.evaluations.tasks.classification import Classification
from harness.schema.suite.data_refs import DataName, ref_name
from harness.schema.suite.evaluation_options import OnTaskOptions
from harness.schema.suite.mitigation import LEXICONS_HELP, RESERVED_SWAPS, Lexicons
from harness.text.lexicons.builtin_lists import lists_digest
from harness.text.lexicons.lexicon import Lexicon, given_lexicon
from harness.text.swaps.gender import is_undecided
from harness.text.swaps.listed_words import is_unclear
from harness.text.swaps.swap import KINDS


class CounterfactualOptions(OnTaskOptions):
    """What is swapped, in which texts, and which task is asked about them."""

    swap: Annotated[list[str], BeforeValidator(_listed)] = Field(
        default_factory=lambda: list(KINDS), description=f"Built-in kinds of swap: {', '.join(KINDS)}."
    )
    lexicons: Lexicons = Field(default_factory=dict, description=LEXICONS_HELP)
    data: Annotated[list[DataName], BeforeValidator(_listed)] = Field(
        default_factory=list, description="Additional datasets whose texts are also swapped; they need no labels."
    )
    text: str | None = Field(None, description="Text column of the additional data. Defaults to the task's.")
    templates: bool = Field(False, description="Also use sentences from the built-in templates.")

    @model_validator(mode="after")
    def _swaps_something(self) -> CounterfactualOptions:
        if not self.swap and not self.lexicons:
            raise ValueError(f"expected something to swap: `swap` ({', '.join(KINDS)}) or `lexicons`")
        for kind in self.swap:
            if kind not in RESERVED_SWAPS:
                raise ValueError(f"expected kinds of swap among {', '.join(KINDS)}, found {kind!r}")
        return self


class Counterfactual(OnTaskProbe[CounterfactualOptions]):
    """Asks a task's question about texts and about the same texts with other people in them.

    One item is one original and its variants between one pair of groups (`groups=female/male`).
    Items of one original share the cluster `original`: the parent of its row, or its template.
    The expected score of a text is Σ p(label)·value(label), the values being the task's. Its signed
    shift goes from the first group of the pair to the second, in alphabetical order, so that above
    zero the second group's text is scored higher. Variants in which two groups change places have no
    direction: they count in the flips and the absolute shift only.

    The capability companion is the accuracy on the originals that have a label (the task's data, and
    our templates where they speak of the task's labels); the others have no part in it.
    """

    Options = CounterfactualOptions
    kind: ClassVar[str] = "counterfactual"
    summary: ClassVar[str] = "Whether a task's answer changes when only the groups in the text change."
    cluster_unit: ClassVar[str] = "original"
    item_measures: ClassVar[tuple[ItemMeasure, ...]] = (SCORE_SHIFT,)
    provides: ClassVar[tuple[str, ...]] = ("target", "prediction", "correct", "flipped", "shift", "shift_abs")
    default_metrics: tuple[str, ...] = ("flip_rate", "score_shift_abs", "score_shift", "accuracy")

    @classmethod
    def data_names(cls, options: CounterfactualOptions) -> tuple[DataName, ...]:
        """The further data only; `data_refs` has the task's data before them."""
        return tuple(options.data)

    @property
    def kinds(self) -> tuple[str | Lexicon, ...]:
        """What is swapped: built-in kinds, then the lexicons of the options."""
        return (*self.options.swap, *(given_lexicon(name, groups) for name, groups in self.options.lexicons.items()))

    def settings(self) -> Mapping[str, Any]:
        options = self.options
        return {
            "swap": list(options.swap),
            "lexicons": options.model_dump(mode="json", include={"lexicons"})["lexicons"],
            "lists": lists_digest(),
            "templates": templates_digest() if options.templates else None,
            "text": options.text,
        }

    def items(self, data: Sequence[Dataset], split: str) -> Iterator[Item]:
        """The substitution items of the task's data, the further data and the templates, in that order.

        Raises:
            DataError: what the task's data or a further one lacks; or that nothing can be swapped.
        """
        once: dict[str, Item] = {}
        for original in self._originals(data, split):
            for item in original.items(self.kinds):
                once.setdefault(item.id, item)
        items = list(choose(once.values(), self.options.limit, self.cluster_unit))
        if not items:
            raise DataError(
                f"probe {self.name!r}: no text of {', '.join(dataset.name for dataset in data)} "
                f"(split {split!r}) has a word "
                "that can be swapped.",
                hint="add `templates: true`, more `data`, or `lexicons` with words that occur in the texts.",
            )
        yield from items

    def requests(self, item: Item, protocol: str) -> Sequence[Request]:
        texts = [item.payload["text"], *(variant["text"] for variant in item.payload["variants"])]
        return [request for text in texts for request in self.task.requests_for(text, protocol)]

    def record(self, item: Item, protocol: str, responses: Sequence[Response]) -> Record:
        truncated = truncated_tokens(responses)
        variants = item.payload["variants"]
        answers = read_answers(self.task, responses, 1 + len(variants), protocol, item.id)
        if isinstance(answers, Failure):
            return failed(item, answers, truncated=truncated)
        apart = told_apart(responses, [item.payload["text"], *(variant["text"] for variant in variants)])
        if not any(apart):
            return failed(item, alike(), truncated=truncated)
        answers = [answers[0], *(answer for answer, own in zip(answers[1:], apart, strict=True) if own)]
        variants = [variant for variant, own in zip(variants, apart, strict=True) if own]
        scores = [answer.score for answer in answers]
        predictions = [answer.label for answer in answers]
        shifts = [score - scores[0] for score in scores[1:]]
        signed = [
            shift * variant["direction"]
            for shift, variant in zip(shifts, variants, strict=True)
            if variant["direction"]
        ]
        stats = {
            "flipped": _mean([float(label != predictions[0]) for label in predictions[1:]]),
            "shift_abs": _mean([abs(shift) for shift in shifts]),
        }
        if signed:
            stats["shift"] = _mean(signed)
        if item.target is not None:
            stats["correct"] = float(predictions[0] == item.target)
        return outcome(
            item,
            prediction=predictions[0],
            margin=-stats["shift_abs"],
            tied=any(answer.tied for answer in answers),
            truncated=truncated,
            response={"scores": scores, "predictions": predictions},
            stats=stats,
        )

    def warnings(self, data: Sequence[Dataset], split: str) -> list[str]:
        """English swaps on texts in another language, and labels whose scores nobody gave."""
        own = [
            *(["the built-in swaps"] if self.options.swap else []),
            *(["the built-in templates"] * self.options.templates),
        ]
        warnings = [text for what in own for text in self.foreign_texts(data, split, what)]
        if isinstance(self.task, Classification) and self.task.scores_nobody_gave(data):
            warnings.append(
                f"the labels of {self.task.name} have no order, so the scores behind score_shift are those of their "
                f"names ({self._scores()}); give `labels` from lowest to highest, or `values`, in the task."
            )
        return warnings

    def _scores(self) -> str:
        return ", ".join(f"{label} {value:+g}" for label, value in self.task.values.items())

    def remarks(self, data: Sequence[Dataset], split: str) -> list[str]:
        """How many texts are left out because a swap in them cannot be decided; and the scores of the labels."""
        remarks = [f"Scores of the labels: {self._scores()}."]
        if "gender" in self.options.swap:
            count = sum(is_undecided(original.text) for original in self._originals(data, split))
            if count:
                remarks.append(
                    f"{count:,} texts are not swapped by gender: what `her` or a word like `Grace` means there is "
                    "undecided."
                )
        lexicons = [kind for kind in self.kinds if isinstance(kind, Lexicon)]
        unclear = sum(
            any(is_unclear(original.text, lexicon) for lexicon in lexicons)
            for original in (self._originals(data, split) if lexicons else ())
        )
        if unclear:
            remarks.append(
                f"{unclear:,} texts are not swapped by the lexicons: a word's part of speech is unclear (`May`, "
                "`Hope`)."
            )
        return remarks

    def _originals(self, data: Sequence[Dataset], split: str) -> Iterator[Original]:
        own = len(self.task.data_refs)
        if len(data) != len(self.data_refs):
            raise ValueError(
                f"{self.name!r} wants the data {self.data_refs}, found {[dataset.name for dataset in data]}"
            )
        origins = [ref_name(ref) for ref in self.data_refs]
        yield from of_task(self.task.every_item(data[:own], split), origins[0], self.task.cluster_unit)
        column = self.options.text or self.task.text_column
        for dataset, origin in zip(data[own:], origins[own:], strict=True):
            yield from of_rows(dataset, split, column, origin)
        if self.options.templates:
            yield from of_templates(self.task.values)


def _mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values)


def _listed(value: object) -> object:
    return value if isinstance(value, list | tuple) else [value]

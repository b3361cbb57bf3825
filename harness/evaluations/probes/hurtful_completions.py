"""HONEST: how many of the likeliest completions of a sentence about people are hurtful?"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar

from pydantic import Field

from harness.core.dataset import Dataset, Row
from harness.core.errors import DataError
from harness.core.evaluation import EvaluationContext, Item, ItemMeasure
from harness.core.model import ModelFacts
from harness.core.records import Record
from harness.core.requests import Completions, Failure, Request, Response, TopCompletions
from harness.evaluations.columns import joined_slices, text_of
from harness.evaluations.item_measures import MARGIN
from harness.evaluations.probe_base import Probe
from harness.evaluations.probe_guards import bare
from harness.evaluations.record_builders import failed, outcome
from harness.evaluations.subsample import choose
from harness.evaluations.word_lists import WordList, hurtful
from harness.metrics.bias.group_fairness import MEMBER
from harness.schema.suite.data_refs import DataName
from harness.schema.suite.evaluation_options import EvaluationOptions
from harness.text.language_guess import language_warnings

GAP = re.compile(r"\[M\]|\[MASK\]|\{mask\}")


class CompletionsOptions(EvaluationOptions):
    """The YAML of a completions probe. The data has the columns of `catalog: honest`: text and group."""

    data: DataName = Field(
        description="A name from the suite's `data`, or an inline dataset; [M] or {mask} marks the gap."
    )
    k: int = Field(5, ge=1, le=100, description="Number of most likely completions to score.")
    words: DataName | None = Field(
        None,
        description="Dataset with hurtful words in the column word (HurtLex, for example). Defaults to a built-in "
        "list.",
    )


class CompletionsProbe(Probe[CompletionsOptions]):
    """Asks for the K likeliest words at the gap of each sentence.

    Causal models complete the text before the gap; sentences that go on after it are left to masked models.
    A completion is hurtful when it is, or holds, a word of the list, whatever its number of words.
    """

    Options = CompletionsOptions
    kind: ClassVar[str] = "hurtful_completions"
    summary: ClassVar[str] = "How many of the most likely completions of sentences about people are hurtful (HONEST)."
    cluster_unit: ClassVar[str] = "template"
    item_measures: ClassVar[tuple[ItemMeasure, ...]] = (MARGIN,)
    provides: ClassVar[tuple[str, ...]] = ("prediction", "hurtful", "margin")
    default_metrics: tuple[str, ...] = ("honest", "honest_difference")

    def __init__(self, name: str, options: CompletionsOptions, context: EvaluationContext) -> None:
        super().__init__(name, options, context)
        self._list: WordList | None = None

    @property
    def caveats(self) -> tuple[str, ...]:
        """What a reader must know of the figure."""
        whose = "a short built-in list, not HurtLex" if self.options.words is None else "the suite's list"
        return (
            f"Hurtful words come from {whose}: compare only values of the same list, and models rather than levels.",
        )

    @classmethod
    def data_names(cls, options: CompletionsOptions) -> tuple[DataName, ...]:
        return (options.data,) if options.words is None else (options.data, options.words)

    def settings(self) -> Mapping[str, Any]:
        return {
            "k": self.options.k,
            "words": hurtful(None).digest() if self.options.words is None else "given",
        }

    def items(self, data: Sequence[Dataset], split: str) -> Iterator[Item]:
        """One item a sentence.

        Raises:
            DataError: a missing column, an empty split, a sentence without just one gap.
        """
        dataset = data[0]
        dataset.require("text")
        self._list = hurtful(data[1] if len(data) > 1 else None)
        grouped = "group" in dataset.columns
        known = sorted({str(row.fields["group"]) for row in dataset.split(split)}) if grouped else []
        rows = (_item(dataset, row, known, self._list) for row in dataset.split(split))
        yield from choose(rows, self.options.limit, self.cluster_unit)

    def warnings(self, data: Sequence[Dataset], split: str) -> list[str]:
        """The built-in list on texts in another language."""
        texts = (str(row.fields.get("text")) for row in data[0].split(split))
        return language_warnings(texts, "the built-in hurtful words") if self.options.words is None else []

    def frame(self, item: Item) -> tuple[str, str]:
        """A template about some people; a text may stand for several groups."""
        return item.clusters["template"], bare(item.texts["text"])

    def protocol(self, facts: ModelFacts) -> str | None:
        if TopCompletions.kind not in facts.supports or facts.language_model not in ("masked", "causal"):
            return None
        return "fill_gap" if facts.language_model == "masked" else "next_token"

    def unsupported(self, facts: ModelFacts) -> str:
        return f"it does not complete texts (it is of the kind {facts.family})"

    def requests(self, item: Item, protocol: str) -> Sequence[Request]:
        before, after = item.payload["before"], item.payload["after"]
        if protocol == "fill_gap":
            return [TopCompletions(f"{before}{{mask}}{after}", self.options.k)]
        return [TopCompletions(before.rstrip(), self.options.k)]

    def record(self, item: Item, protocol: str, responses: Sequence[Response]) -> Record:
        (answer,) = responses
        if isinstance(answer, Failure):
            return failed(item, answer)
        if not isinstance(answer, Completions) or len(answer.tokens) != self.options.k:
            return failed(item, Failure("error", f"expected {self.options.k} completions, found {answer!r:.120}"))
        words = self._list or hurtful(None)
        hits = [token for token in answer.tokens if words.counts(token)]
        share = len(hits) / self.options.k
        groups = item.payload["known"]
        return outcome(
            item,
            prediction=answer.tokens[0].strip(),
            margin=-share,
            response={"completions": [token.strip() for token in answer.tokens], "hurtful": [h.strip() for h in hits]},
            stats={
                "hurtful": share,
                "margin": -share,
                **{MEMBER + group: float(group == item.payload["group"]) for group in groups},
            },
        )


def _item(dataset: Dataset, row: Row, known: Sequence[str], words: WordList) -> Item:
    text = text_of(dataset, row, "text", empty=False)
    parts = GAP.split(text)
    if len(parts) != 2:
        raise DataError(
            f"{dataset.place(row)}: expected one gap ([M] or {{mask}}), found {len(parts) - 1}.",
            hint="mark the place of the completion once.",
        )
    group = str(row.fields.get("group") or "")
    return Item(
        id=row.id,
        payload={
            "before": parts[0],
            "after": parts[1],
            "group": group,
            "known": list(known),
            "hurtful_words": words.digest(),
        },
        texts={"text": text},
        clusters={"template": row.cluster},
        slices=joined_slices(row, *([f"group={group}"] if group else [])),
    )

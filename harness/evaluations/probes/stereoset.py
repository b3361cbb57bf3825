"""StereoSet: is the stereotype, its opposite or an unrelated sentence likelier?"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar, Literal, cast

from pydantic import Field

from harness.core.dataset import Dataset, Row
from harness.core.evaluation import Item, ItemMeasure
from harness.core.metric import MetricContext
from harness.core.model import ModelFacts
from harness.core.records import Record
from harness.core.requests import Continuations, Failure, NextSentence, Request, Response
from harness.evaluations.columns import joined_slices, text_of
from harness.evaluations.item_measures import MARGIN
from harness.evaluations.probe_base import Probe
from harness.evaluations.probe_guards import (
    alike,
    bare,
    contradictory,
    left_out,
    likelihood_fault,
    options_fault,
    sound_rows,
    told_apart,
)
from harness.evaluations.record_builders import failed, outcome, scores, truncated_tokens
from harness.evaluations.sentence_scorers import SentenceScorer, ask_for, read, scorer_for, why_not
from harness.evaluations.subsample import choose
from harness.metrics.bias.stereoset_scores import judged
from harness.schema.suite.data_refs import DataName
from harness.schema.suite.evaluation_options import EvaluationOptions

SIDES = ("stereotype", "anti_stereotype", "unrelated")
MEAN = "_mean"
NEXT, CONTINUATION = "next_sentence", "continuation_chars"
COLUMNS = ("target", "bias_type", "context", *SIDES)


class StereoSetOptions(EvaluationOptions):
    """The YAML of a StereoSet probe. The data has the columns of `catalog: stereoset`."""

    data: DataName = Field(description="A name from the suite's `data`, or an inline dataset.")
    type: Literal["intrasentence", "intersentence"] = Field(
        "intrasentence", description="Three sentences that differ in one word, or three continuations of a context."
    )
    scorer: SentenceScorer | None = Field(
        None,
        description="Sentence scorer: pll_word_l2r, pll, ll, or target_ll. Defaults to the one for the kind of model.",
    )

    @property
    def scorer_name(self) -> str | None:
        return self.scorer


class StereoSet(Probe[StereoSetOptions]):
    """Scores the three sentences of each context.

    Intrasentence: the mean log-likelihood a token (`…_mean`), as the source does, so that longer
    words are not unlikelier for their length. Intersentence: BERT's own next-sentence head where the
    model has one; a causal or sequence-to-sequence model scores each next sentence as the continuation
    of the context, by character; other masked models score context and sentence together.
    """

    Options = StereoSetOptions
    kind: ClassVar[str] = "stereoset"
    summary: ClassVar[str] = (
        "Whether a stereotype, an anti-stereotype, or an unrelated sentence is most likely (StereoSet)."
    )
    cluster_unit: ClassVar[str] = "target"
    item_measures: ClassVar[tuple[ItemMeasure, ...]] = (MARGIN,)
    provides: ClassVar[tuple[str, ...]] = ("prediction", "pro", "related", "margin", "tied")
    default_metrics: tuple[str, ...] = ("stereoset_ss", "stereoset_lms", "stereoset_icat", "tie_rate")
    caveats: ClassVar[tuple[str, ...]] = (
        (
            "Blodgett et al. (2021, ACL) found unclear constructs and mismatched sentences in StereoSet: read the "
            "change between two models rather than the level."
        ),
    )

    def settings(self) -> Mapping[str, Any]:
        options = self.options
        return {
            "type": options.type,
            "scorer": options.scorer,
        }

    def items(self, data: Sequence[Dataset], split: str) -> Iterator[Item]:
        """One item a context of the wanted type.

        Raises:
            DataError: a missing column, an empty split or sentence.
        """
        (dataset,) = data
        for column in COLUMNS:
            dataset.require(column)
        rows = (row for row in sound_rows(dataset, split, _faults(dataset, split)) if self._typed(dataset, row))
        yield from choose((_item(dataset, row) for row in rows), self.options.limit, self.cluster_unit)

    def warnings(self, data: Sequence[Dataset], split: str) -> list[str]:
        """Contexts that measure nothing are left out and counted."""
        dataset, faults = data[0], _faults(data[0], split)
        asked = [self._typed(dataset, row) for row in dataset.split(split)]
        return left_out((fault for fault, own in zip(faults, asked, strict=True) if own), "contexts")

    def _typed(self, dataset: Dataset, row: Row) -> bool:
        return "type" not in dataset.columns or row.fields["type"] == self.options.type

    def protocol(self, facts: ModelFacts) -> str | None:
        if self.options.type == "intersentence" and self.options.scorer is None:
            if NextSentence.kind in facts.supports:
                return NEXT
            if facts.language_model in ("causal", "seq2seq"):
                return CONTINUATION
        scorer = scorer_for(facts, self.options.scorer)
        return scorer if scorer is None or scorer == "target_ll" else scorer + MEAN

    def unsupported(self, facts: ModelFacts) -> str:
        return why_not(facts, self.options.scorer)

    def requests(self, item: Item, protocol: str) -> Sequence[Request]:
        context = item.payload["context"]
        sentences = [item.payload[side] for side in SIDES]
        if protocol == NEXT:
            return [NextSentence(context, sentence) for sentence in sentences]
        if protocol == CONTINUATION:
            return [Continuations(context, tuple(f" {sentence}" for sentence in sentences))]
        whole = [f"{context} {sentence}" if self._inter else sentence for sentence in sentences]
        return [ask_for(sentence, protocol.removesuffix(MEAN)) for sentence in whole]

    def record(self, item: Item, protocol: str, responses: Sequence[Response]) -> Record:
        truncated = truncated_tokens(responses)
        pair_values = _values(item, protocol, responses)
        fault = pair_values if isinstance(pair_values, Failure) else _unlike(protocol, responses)
        if isinstance(pair_values, Failure) or fault is not None:
            return failed(item, fault or alike(), truncated=truncated)
        stereotype, anti, unrelated = pair_values
        pro, related = judged(stereotype, anti, unrelated)
        tied = stereotype == anti
        return outcome(
            item,
            prediction=None if tied else "stereotype" if pro else "anti_stereotype",
            margin=stereotype - anti,
            tied=tied,
            truncated=truncated,
            response=dict(zip(SIDES, pair_values, strict=True)),
            stats={"pro": pro, "related": related, "margin": stereotype - anti, "tied": float(tied)},
        )

    def metric_context(self) -> MetricContext:
        scorer = self.options.scorer
        return MetricContext(
            scorer=scorer if scorer in (None, "target_ll") else scorer + MEAN, cluster_unit=self.cluster_unit
        )

    @property
    def _inter(self) -> bool:
        return self.options.type == "intersentence"


def _values(item: Item, protocol: str, responses: Sequence[Response]) -> tuple[float, ...] | Failure:
    if protocol == CONTINUATION:
        values = scores(responses[0], len(SIDES))
        if isinstance(values, Failure):
            return values
        normed = tuple(value / len(item.payload[side]) for value, side in zip(values, SIDES, strict=True))
        return normed if all(map(math.isfinite, normed)) else Failure("nan", "a sentence has probability zero")
    made: list[float] = []
    for response in responses:
        if protocol == NEXT:
            pair = scores(response, 2)
            side_value: float | Failure = pair if isinstance(pair, Failure) else pair[0]
        else:
            scored = read(response, protocol.removesuffix(MEAN))
            side_value = scored if isinstance(scored, Failure) else scored.total / (scored.tokens or 1)
        if isinstance(side_value, Failure):
            return side_value
        made.append(side_value)
    return cast(tuple[float, ...], tuple(made))


def _unlike(protocol: str, responses: Sequence[Response]) -> Failure | None:
    """Why the three sentences cannot be compared, by what the model read of each."""
    if protocol == CONTINUATION:
        return options_fault(responses[0])
    if protocol == NEXT:
        return None if all(told_apart(responses, SIDES)) and told_apart(responses[1:], SIDES[1:])[0] else alike()
    read_texts = [read(response, protocol.removesuffix(MEAN)) for response in responses]
    return likelihood_fault(*(text for text in read_texts if not isinstance(text, Failure)))


def _faults(dataset: Dataset, split: str) -> list[str]:
    """Why a context is left out; empty for those that are kept."""
    claims, equal = [], []
    for row in dataset.split(split):
        context, *sides = (bare(text_of(dataset, row, name, empty=False)) for name in ("context", *SIDES))
        equal.append(len(set(sides)) < len(sides))
        claims.append(((context, frozenset(sides[:2])), sides[0]))
    return [
        "two of its sentences are the same text"
        if same
        else "another row calls its stereotype the anti-stereotype"
        if clash
        else ""
        for same, clash in zip(equal, contradictory(claims), strict=True)
    ]


def _item(dataset: Dataset, row: Row) -> Item:
    texts = {name: text_of(dataset, row, name, empty=False) for name in ("context", *SIDES)}
    bias_type, target = (text_of(dataset, row, name, empty=False) for name in ("bias_type", "target"))
    return Item(
        id=row.id,
        payload=texts,
        texts=texts,
        clusters={"target": f"{bias_type}/{target}"},
        slices=joined_slices(row, f"bias_type={bias_type}"),
    )

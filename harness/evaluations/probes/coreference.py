"""Coreference (WinoBias, Winogender): whom does a pronoun mean, and does its gender matter?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Annotated, Any, ClassVar

from pydantic import Field

from harness.core.dataset import Dataset, Row
from harness.core.digests import digest
from harness.core.errors import DataError
from harness.core.evaluation import Item, ItemMeasure
from harness.core.metric import MetricContext
from harness.core.model import ModelFacts
from harness.core.records import Record
from harness.core.requests import Continuations, Failure, Request, Response
from harness.evaluations.columns import joined_slices, text_of
from harness.evaluations.item_measures import MARGIN
from harness.evaluations.probe_base import Probe
from harness.evaluations.probe_guards import left_out, likelihood_fault, same_text
from harness.evaluations.prompts.prompt_template import filled, template_of
from harness.evaluations.record_builders import failed, outcome, scores, truncated_tokens
from harness.evaluations.sentence_scorers import Scored, SentenceScorer, ask_for, read, scorer_for, why_not
from harness.evaluations.subsample import choose
from harness.metrics.bias.coreference_gaps import OCCUPATION
from harness.schema.suite.data_refs import DataName, ref_name
from harness.schema.suite.evaluation_options import EvaluationOptions

TIE = 1e-6
COLUMNS = ("sentence", "pronoun", "referent", "other", "pair", "side")
FITTING = {"pro": "anti", "male": "female"}
"""The two sides of a pair: the first one is compared with the second."""


class CoreferenceOptions(EvaluationOptions):
    """The YAML of a coreference probe. The data has the columns of `catalog: winobias` or `winogender`."""

    data: DataName = Field(description="A name from the suite's `data`, or an inline dataset.")
    shares: DataName | None = Field(
        None, description="Dataset with the columns occupation and share (percentage of women), for the correlation."
    )
    resolve: bool = Field(
        True, description="Also ask whom the pronoun refers to, in addition to which pronoun is more likely."
    )
    question: Annotated[str, template_of("sentence", "pronoun", needed=("sentence",))] = Field(
        '{sentence} Here "{pronoun}" means the', description="Prompt before the answer: {sentence}, {pronoun}."
    )
    scorer: SentenceScorer | None = Field(
        None,
        description="Sentence scorer: pll_word_l2r, pll, ll, or target_ll. Defaults to the one for the kind of model.",
    )

    @property
    def scorer_name(self) -> str | None:
        return self.scorer


class Coreference(Probe[CoreferenceOptions]):
    """Asks about sentences that are alike but for a pronoun.

    One item is one sentence with its variants: `pro` and `anti` (WinoBias), or `male`, `female` and
    `neutral` (Winogender). It is asked which variant is likelier, and of each variant whether the
    sentence goes on better with the person that the pronoun means or with the other one. Rows without
    their partner are left out.
    """

    Options = CoreferenceOptions
    kind: ClassVar[str] = "coreference"
    summary: ClassVar[str] = "Whether a pronoun's gender changes whom it resolves to (WinoBias, Winogender)."
    cluster_unit: ClassVar[str] = "pair"
    item_measures: ClassVar[tuple[ItemMeasure, ...]] = (MARGIN,)
    provides: ClassVar[tuple[str, ...]] = (
        "prediction",
        "preferred",
        "margin",
        "tied",
        "gap",
        "coref_correct",
        "changed",
        "share",
        "female_odds",
    )
    default_metrics: tuple[str, ...] = (
        "pronoun_preference",
        "coref_gap",
        "coref_flip_rate",
        "coref_accuracy",
    )
    caveats: ClassVar[tuple[str, ...]] = (
        (
            "A language model resolves a pronoun through the likelihood of an artificial continuation. Small models "
            "are near chance, and then the gap is meaningless. Read it together with coref_accuracy."
        ),
    )

    @classmethod
    def data_names(cls, options: CoreferenceOptions) -> tuple[DataName, ...]:
        return (options.data,) if options.shares is None else (options.data, options.shares)

    def settings(self) -> Mapping[str, Any]:
        options = self.options
        return {
            "shares": options.shares is not None,
            "resolve": options.resolve,
            "question": options.question,
            "scorer": options.scorer,
        }

    def items(self, data: Sequence[Dataset], split: str) -> Iterator[Item]:
        """One item a sentence that has both sides.

        Raises:
            DataError: a missing column, an empty split, one side twice, or no sentence with both sides.
        """
        dataset = data[0]
        for column in COLUMNS:
            dataset.require(column)
        shares = _shares(data[1]) if len(data) > 1 else {}
        items = list(choose(_items(dataset, dataset.split(split), shares), self.options.limit, self.cluster_unit))
        if not items:
            raise DataError(
                f"probe {self.name!r}: no sentence of {ref_name(self.options.data)} has two sides "
                "(pro and anti, or male and female).",
                hint="rows with equal `pair` belong together; `side` tells them apart.",
            )
        yield from items

    def remarks(self, data: Sequence[Dataset], split: str) -> list[str]:
        """How many sentences have no other side, or sides that contradict each other, and are in no figure."""
        groups = _sides(data[0], data[0].split(split)).values()
        return left_out(map(_fault, groups), f"of {len(groups):,} sentences")

    def protocol(self, facts: ModelFacts) -> str | None:
        return scorer_for(facts, self.options.scorer)

    def unsupported(self, facts: ModelFacts) -> str:
        return why_not(facts, self.options.scorer)

    def requests(self, item: Item, protocol: str) -> Sequence[Request]:
        made: list[Request] = []
        for variant in item.payload["variants"].values():
            made.append(ask_for(variant["sentence"], protocol))
            if self.options.resolve and item.payload["other"]:
                made += self._resolving(item, variant, protocol)
        return made

    def record(self, item: Item, protocol: str, responses: Sequence[Response]) -> Record:
        truncated = truncated_tokens(responses)
        read_texts: dict[str, Scored] = {}
        right: dict[str, bool] = {}
        answers = iter(responses)
        resolving = self.options.resolve and bool(item.payload["other"])
        for side in item.payload["variants"]:
            scored = read(next(answers), protocol)
            if isinstance(scored, Failure):
                return failed(item, scored, truncated=truncated)
            read_texts[side] = scored
            if resolving:
                resolved = _resolved(answers, protocol)
                if isinstance(resolved, Failure):
                    return failed(item, resolved, truncated=truncated)
                right[side] = resolved > 0
        first = next(side for side in FITTING if side in read_texts)
        second = FITTING[first]
        fault = likelihood_fault(read_texts[first], read_texts[second])
        if fault is not None:
            return failed(item, fault, truncated=truncated)
        likelihoods = {side: scored.total for side, scored in read_texts.items()}
        margin = likelihoods[first] - likelihoods[second]
        tied = abs(margin) <= TIE * max(1.0, abs(likelihoods[first]), abs(likelihoods[second]))
        stats = {"margin": margin, "tied": float(tied)}
        if not tied:
            stats["preferred"] = float(margin > 0)
        if right:
            stats["gap"] = float(right[first]) - float(right[second])
            stats["coref_correct"] = sum(right.values()) / len(right)
            stats["changed"] = float(right[first] != right[second])
        if first == "male":
            stats["female_odds"] = -margin
            if item.payload["share"] is not None:
                stats["share"] = item.payload["share"]
        return outcome(
            item,
            prediction=None if tied else first if margin > 0 else second,
            margin=margin,
            tied=tied,
            truncated=truncated,
            response={"log_likelihoods": likelihoods, "right": right},
            stats=stats,
        )

    def metric_context(self) -> MetricContext:
        return MetricContext(scorer=self.options.scorer, cluster_unit=self.cluster_unit)

    def _resolving(self, item: Item, variant: Mapping[str, str], protocol: str) -> list[Request]:
        stem = filled(self.options.question, variant.__getitem__)
        people = (item.payload["referent"], item.payload["other"])
        if protocol in ("ll", "target_ll"):
            return [Continuations(stem, tuple(f" {person}." for person in people))]
        return [ask_for(f"{stem} {person}.", protocol) for person in people]


def _resolved(answers: Iterator[Response], protocol: str) -> float | Failure:
    """Score of the right person minus the other's."""
    if protocol in ("ll", "target_ll"):
        pair = scores(next(answers), 2)
        return pair if isinstance(pair, Failure) else pair[0] - pair[1]
    first, second = read(next(answers), protocol), read(next(answers), protocol)
    if isinstance(first, Failure):
        return first
    return second if isinstance(second, Failure) else first.total - second.total


def _items(dataset: Dataset, rows: Iterable[Row], shares: Mapping[str, float]) -> Iterator[Item]:
    for sides in _sides(dataset, rows).values():
        if not _fault(sides):
            yield _item(dataset, sides, shares)


def _whole(sides: Mapping[str, Row]) -> bool:
    return any(first in sides and second in sides for first, second in FITTING.items())


def _fault(sides: Mapping[str, Row]) -> str:
    """Why a sentence is left out; empty where it is kept."""
    if not _whole(sides):
        return "they have one side only, where pro and anti (or male and female) are needed"
    first = next(side for side in FITTING if side in sides)
    if same_text(*(str(sides[side].fields["sentence"]) for side in (first, FITTING[first]))):
        return "their two sides are the same text"
    row = sides[first].fields
    if row.get("other") and same_text(str(row["referent"]), str(row["other"])):
        return "the pronoun's person and the other one are the same"
    if row["referent"] != sides[FITTING[first]].fields["referent"]:
        return "their two sides say that the pronoun means different people"
    return ""


def _sides(dataset: Dataset, rows: Iterable[Row]) -> dict[str, dict[str, Row]]:
    """Pair → side → row.

    Raises:
        DataError: where a pair has one side twice.
    """
    groups: dict[str, dict[str, Row]] = {}
    for row in rows:
        key = f"{row.fields.get('type', '')}/{text_of(dataset, row, 'pair', empty=False)}"
        side = text_of(dataset, row, "side", empty=False)
        held = groups.setdefault(key, {})
        if side in held and held[side].fields["sentence"] != row.fields["sentence"]:
            raise DataError(
                f"{dataset.place(row)}: the pair {key!r} has the side {side!r} twice.",
                hint="give each sentence its own `pair`.",
            )
        held[side] = row
    return groups


def _item(dataset: Dataset, sides: Mapping[str, Row], shares: Mapping[str, float]) -> Item:
    ordered = {side: sides[side] for side in ("pro", "anti", "male", "female", "neutral") if side in sides}
    variants = {
        side: {name: text_of(dataset, row, name, empty=False) for name in ("sentence", "pronoun")}
        for side, row in ordered.items()
    }
    row = next(iter(ordered.values()))
    occupation = str(row.fields.get("occupation") or row.fields["referent"]).strip().casefold()
    payload = {
        "variants": variants,
        "referent": text_of(dataset, row, "referent", empty=False),
        "other": text_of(dataset, row, "other"),
        "share": shares.get(occupation),
    }
    return Item(
        id=digest([row.id for row in ordered.values()]),
        payload=payload,
        texts={side: variant_rows["sentence"] for side, variant_rows in variants.items()},
        clusters={"pair": row.cluster, OCCUPATION: occupation},
        slices=joined_slices(row),
    )


def _shares(dataset: Dataset) -> dict[str, float]:
    dataset.require("occupation")
    dataset.require("share")
    rows = [row for split_rows in dataset.rows.values() for row in split_rows]
    return {str(row.fields["occupation"]).strip().casefold(): float(row.fields["share"]) for row in rows}

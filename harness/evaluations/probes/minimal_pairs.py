"""Minimal pairs: two sentences that differ in a group or trait; which is likelier?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar

from pydantic import Field, model_validator

from harness.core.dataset import Dataset, Row
from harness.core.errors import DataError
from harness.core.evaluation import Item, ItemMeasure
from harness.core.metric import MetricContext
from harness.core.model import ModelFacts
from harness.core.records import Record
from harness.core.requests import Failure, Request, Response
from harness.evaluations.columns import joined_slices, text_of
from harness.evaluations.item_measures import MARGIN
from harness.evaluations.probe_base import Probe
from harness.evaluations.probe_guards import bare, contradictory, left_out, likelihood_fault, sound_rows
from harness.evaluations.record_builders import failed, outcome, truncated_tokens
from harness.evaluations.sentence_scorers import (
    ORDERED,
    SCORER_HELP,
    Scored,
    Scorer,
    ask_for,
    read,
    scorer_for,
    why_not,
)
from harness.evaluations.subsample import choose
from harness.schema.suite.data_refs import DataName
from harness.schema.suite.evaluation_options import EvaluationOptions

BIAS_TYPE = "bias_type"
DIRECTION = "direction"
DIRECTIONS = ("stereo", "antistereo")
TIE = 1e-6
CROWS_DIGITS = 3
"""The reference of CrowS-Pairs rounds both scores to so many digits before it compares them."""


class MinimalPairsOptions(EvaluationOptions):
    """The YAML of a minimal-pairs probe."""

    data: DataName = Field(description="A name from the suite's `data`, or an inline dataset.")
    more: str = Field("more", description="Column with the more stereotyped sentence.")
    less: str = Field("less", description="Column with the less stereotyped sentence.")
    group: str | None = Field(
        None, description="Column whose values become slices. Defaults to `bias_type` if the data has it."
    )
    scorer: Scorer | None = Field(None, description=SCORER_HELP)
    direction: str | None = Field(
        None,
        description="For crows_original: column that says `stereo` (the reference aligns `more` with `less`) or "
        "`antistereo` (`less` with `more`); defaults to `direction` if the data has it, else `stereo`.",
    )

    @model_validator(mode="after")
    def _read(self) -> MinimalPairsOptions:
        if self.direction is not None and self.scorer != ORDERED:
            raise ValueError(f"`direction` is read by `scorer: {ORDERED}` only")
        return self

    @property
    def scorer_name(self) -> str | None:
        return self.scorer


class MinimalPairs(Probe[MinimalPairsOptions]):
    """Scores both sentences of each pair; the protocol's name is the scorer's.

    Scores within 1e-6, relative to their size where that is above one, are tied: a tie is no
    preference, and counts in no share of preferences. Under `crows_original` the reference's rule holds:
    both scores are rounded to three digits, equal ones are tied, and a tie counts as a pair in which the
    stereotype is not preferred (Nangia et al. 2020, metric.py).
    """

    Options = MinimalPairsOptions
    kind: ClassVar[str] = "minimal_pairs"
    summary: ClassVar[str] = (
        "Which of two sentences that differ in a stereotype is more likely under the model (CrowS-Pairs)."
    )
    cluster_unit: ClassVar[str] = "template"
    format: ClassVar[int] = 2
    item_measures: ClassVar[tuple[ItemMeasure, ...]] = (MARGIN,)
    provides: ClassVar[tuple[str, ...]] = ("prediction", "preferred", "margin", "tied", "likelihood", "tokens")
    default_metrics: tuple[str, ...] = ("stereotype_score", "pair_margin", "pair_likelihood", "tie_rate")

    def settings(self) -> Mapping[str, Any]:
        return {
            "more": self.options.more,
            "less": self.options.less,
            "group": self.options.group,
            "scorer": self.options.scorer,
            **({"ordered": self.options.direction or True} if self.options.scorer == ORDERED else {}),
        }

    def items(self, data: Sequence[Dataset], split: str) -> Iterator[Item]:
        """One item a pair, in the data's order.

        Raises:
            DataError: a missing column, an empty split, an empty sentence, no pair that measures anything, a direction
                that is none.
        """
        (dataset,) = data
        dataset.require(self.options.more)
        dataset.require(self.options.less)
        if self.options.group is not None:
            dataset.require(self.options.group)
        if self.options.direction is not None:
            dataset.require(self.options.direction)
        group = self.options.group or (BIAS_TYPE if BIAS_TYPE in dataset.columns else None)
        yield from choose(
            (self._item(dataset, row, group) for row in sound_rows(dataset, split, self._faults(dataset, split))),
            self.options.limit,
            self.cluster_unit,
        )

    def warnings(self, data: Sequence[Dataset], split: str) -> list[str]:
        """Pairs that measure nothing are left out and counted."""
        return left_out(self._faults(data[0], split), "pairs")

    def _faults(self, dataset: Dataset, split: str) -> list[str]:
        names = (self.options.more, self.options.less)
        pairs = [
            tuple(bare(text_of(dataset, row, name, empty=False)) for name in names) for row in dataset.split(split)
        ]
        clashes = contradictory([(frozenset(pair), pair[0]) for pair in pairs])
        return [
            "the two sentences are the same text"
            if pair[0] == pair[1]
            else "another pair calls the other sentence the more stereotyped one"
            if clash
            else ""
            for pair, clash in zip(pairs, clashes, strict=True)
        ]

    def protocol(self, facts: ModelFacts) -> str | None:
        return scorer_for(facts, self.options.scorer)

    def unsupported(self, facts: ModelFacts) -> str:
        return why_not(facts, self.options.scorer)

    def requests(self, item: Item, protocol: str) -> Sequence[Request]:
        more, less = item.payload["more"], item.payload["less"]
        first = item.payload.get("first", "more")
        return [
            ask_for(more, protocol, less, second=first == "less"),
            ask_for(less, protocol, more, second=first == "more"),
        ]

    def record(self, item: Item, protocol: str, responses: Sequence[Response]) -> Record:
        truncated = truncated_tokens(responses)
        more, less = (read(response, protocol) for response in responses)
        if isinstance(more, Failure):
            return failed(item, more, truncated=truncated)
        if isinstance(less, Failure):
            return failed(item, less, truncated=truncated)
        fault = likelihood_fault(more, less)
        if fault is not None:
            # No preference was measured, and none is no ideal here.
            return failed(item, fault, truncated=truncated)
        original = protocol == "crows_original"
        first, second = (
            round(sentence.total, CROWS_DIGITS) if original else sentence.total for sentence in (more, less)
        )
        margin = first - second
        tied = first == second if original else abs(margin) <= TIE * max(1.0, abs(first), abs(second))
        stats = {"margin": margin, "tied": float(tied), **_capability(more, less)}
        if not tied or original:
            stats["preferred"] = float(margin > 0)
        return outcome(
            item,
            prediction=None if tied else "more" if margin > 0 else "less",
            margin=margin,
            tied=tied,
            response={"more": first, "less": second, "tokens": [more.tokens, less.tokens]},
            stats=stats,
        )

    def metric_context(self) -> MetricContext:
        return MetricContext(scorer=self.options.scorer, cluster_unit=self.cluster_unit)

    def _item(self, dataset: Dataset, row: Row, group: str | None) -> Item:
        more = text_of(dataset, row, self.options.more, empty=False)
        less = text_of(dataset, row, self.options.less, empty=False)
        value = row.fields.get(group) if group else None
        texts = {"more": more, "less": less}
        return Item(
            id=row.id,
            payload={**texts, **self._order(dataset, row)},
            texts=texts,
            clusters={"template": row.cluster},
            slices=joined_slices(row, *([f"{group}={value}"] if value not in (None, "") else [])),
        )

    def _order(self, dataset: Dataset, row: Row) -> dict[str, str]:
        """Which sentence the reference of CrowS-Pairs calls the first; nothing for scorers that do not read it."""
        if self.options.scorer != ORDERED:
            return {}
        column = self.options.direction or (DIRECTION if DIRECTION in dataset.columns else None)
        if column is None:
            return {"first": "more"}
        value = row.fields.get(column)
        if value not in DIRECTIONS:
            raise DataError(
                f"{dataset.place(row)}: {column!r} is {value!r}; expected stereo or antistereo.",
                hint="crows_original reads there which sentence comes first; name the right column with `direction`.",
            )
        return {"first": "more" if value == "stereo" else "less"}


def _capability(more: Scored, less: Scored) -> dict[str, float]:
    if more.tokens is None or less.tokens is None:
        return {}
    return {"likelihood": more.total + less.total, "tokens": float(more.tokens + less.tokens)}

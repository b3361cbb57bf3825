"""What models answered to a suite's evaluations, as the steps of a run hand it on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from harness.core.records import Records
from harness.pipeline.prepared_suite import BoundEvaluation


@dataclass(frozen=True)
class ItemSet:
    """What the store knows of an evaluation's items without rebuilding them."""

    n: int
    clusters: Mapping[str, int]


@dataclass(frozen=True)
class InferenceCost:
    """Seconds of asking all items, and what was counted meanwhile: `tokens`, `flops`, `peak_memory`."""

    seconds: float
    work: Mapping[str, float]


@dataclass(frozen=True)
class AnsweredEvaluation:
    """One model on one evaluation.

    Attributes:
        spec: the evaluation with its data.
        protocol: how the model was asked; None when it cannot be asked.
        skipped: why it cannot be asked.
        records: what it did on each item; None when it cannot be asked, and once the run directory holds them.
        facts: what results say of the model.
        cost: None when it is not known.
        cached: whether the store held the records already.
        readers: models that read its texts, with their facts.
        further_seeds: records of further training seeds that came with these, from a stored run.
    """

    spec: BoundEvaluation
    model: str
    protocol: str | None
    facts: Mapping[str, Any]
    cached: bool
    skipped: str | None = None
    records: Records | None = None
    cost: InferenceCost | None = None
    readers: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    further_seeds: Sequence[Records] = ()


@dataclass(frozen=True)
class BaseChoice:
    """The model that an evaluation's gains are measured against, and why where it was chosen."""

    model: str
    reason: str | None = None


@dataclass(frozen=True)
class SuiteAnswers:
    """What all models answered to all evaluations of a suite.

    Attributes:
        evaluations: in the order of asking; without records, which the run directory holds.
        item_sets: evaluation → its items.
    """

    evaluations: Sequence[AnsweredEvaluation]
    item_sets: Mapping[str, ItemSet]

    def of(self, evaluation: str) -> list[AnsweredEvaluation]:
        """The answers to one evaluation, in the order of asking."""
        return [answered for answered in self.evaluations if answered.spec.name == evaluation]

    def facts(self, model: str) -> dict[str, Any]:
        """What results say of a model: as it was asked first, else as a reader of others' texts."""
        known = [answered.facts for answered in self.evaluations if answered.model == model]
        known += [answered.readers[model] for answered in self.evaluations if model in answered.readers]
        return dict(known[0]) if known else {}

    @property
    def seconds(self) -> dict[str, dict[str, float]]:
        """Evaluation → model → seconds of asking, where they are known."""
        seconds: dict[str, dict[str, float]] = {}
        for answered in self.evaluations:
            if answered.cost is not None:
                seconds.setdefault(answered.spec.name, {})[answered.model] = answered.cost.seconds
        return seconds

    @property
    def work(self) -> dict[tuple[str, str], Mapping[str, float]]:
        """(evaluation, model) → what was counted while it was asked."""
        return {
            (answered.spec.name, answered.model): answered.cost.work
            for answered in self.evaluations
            if answered.cost is not None
        }

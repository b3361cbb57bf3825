"""What scoring is asked for: one piece of work on one evaluation's records."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from harness.comparisons.join import Pair
from harness.core import registry
from harness.core.records import ITEM
from harness.schema.results.inputs import EvaluationResult
from harness.statistics.inference_settings import InferenceSettings


@dataclass(frozen=True)
class ScoringSpec:
    """What scoring needs to know of an evaluation.

    Attributes:
        metrics: their names, as the suite says.
        cluster_unit, labels, scorer: as in `MetricContext`.
        protocols: model → how it was asked; the models with records.
    """

    name: str
    metrics: tuple[str, ...]
    cluster_unit: str
    labels: tuple[str, ...] = ()
    scorer: str | None = None
    protocols: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, evaluation: EvaluationResult) -> ScoringSpec:
        """That of a stored evaluation."""
        return cls(
            name=evaluation.name,
            metrics=tuple(evaluation.metrics),
            cluster_unit=cluster_unit_of(evaluation),
            labels=tuple(evaluation.labels),
            scorer=evaluation.scorer,
            protocols=evaluation.protocols,
        )


class Memo(Protocol):
    """Remembers the JSON result of a pure computation by its inputs' digest."""

    def __call__(self, parts: Mapping[str, Any], compute: Callable[[], Any]) -> Any: ...


@dataclass(frozen=True)
class ScoringJob:
    """The levels of a model on an evaluation, or the differences of a pair: computed from records alone.

    Attributes:
        levels: metric id → levels at which its gates want one-sided bounds.
        anytime: ids of the metrics whose gates want them at every number of items at once.
        parts: what the result depends on, for a `Memo`.
        inline: it runs code of a file or is recomputed with progress, so this process computes it.
    """

    evaluation: ScoringSpec
    wanted: Pair | str
    levels: Mapping[str, tuple[float, ...]]
    anytime: Sequence[str]
    seed: int
    parts: Mapping[str, Any]
    inline: bool

    def settings(self, metric: str) -> InferenceSettings:
        """How sure the figures of a metric are to be."""
        return InferenceSettings(alphas=self.levels[metric], seed=self.seed, anytime=metric in self.anytime)

    @property
    def models(self) -> tuple[str, ...]:
        return (self.wanted,) if isinstance(self.wanted, str) else (self.wanted.baseline, self.wanted.candidate)


def cluster_unit_of(evaluation: EvaluationResult) -> str:
    """The unit of independence of an evaluation; results of 0.1.0 do not hold it, so its class says it then."""
    if evaluation.cluster_unit is not None:
        return evaluation.cluster_unit
    group = f"{evaluation.role}s"
    # One unit alone speaks for itself: a figure over planted worlds has its probe's kind, and the unit `world`.
    if len(evaluation.clusters) != 1 and evaluation.kind in registry.names(group):
        return str(registry.load(group, evaluation.kind).cluster_unit)
    return next(iter(evaluation.clusters), ITEM)

"""What a metric is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, Protocol, runtime_checkable

import numpy.typing as npt

from harness.core.records import FloatArray, Records

Direction = Literal["higher", "lower", "target"]

MetricKind = Literal["mean", "ratio", "additive", "recompute"]


@runtime_checkable
class Metric(Protocol):
    """A pure function of records.

    `kind` says which statistics fit:
        mean: `stats` is [n, 1], one value per item; the metric is their mean.
        ratio: `stats` is [n, 2]; the metric is Σ first / Σ second.
        additive: any function of the summed columns (F1, calibration error, BLEU).
        recompute: needs the records themselves. It has a method `recompute(records) -> float` (NaN
            where undefined; records may repeat), is bootstrapped slowly, and is marked `slow`; its
            `stats` and `value` are never called.

    An attribute `weakness` (a sentence) stands with every result of the metric.
    """

    id: str
    unit: str
    direction: Direction
    ideal: float | None
    kind: MetricKind
    cluster: str | None

    def stats(self, records: Records) -> FloatArray:
        """float64[n, k], one row per record, in the records' order. A row that does not belong
        to the metric (a tie, an item of another kind) is NaN throughout and is left out."""
        ...

    def value(self, sums: FloatArray, n: npt.NDArray[Any] | float) -> FloatArray:
        """[…, k] sums of rows and […] number of rows → […] values. NaN where undefined."""
        ...


@dataclass(frozen=True, slots=True)
class MetricContext:
    """What a metric factory may need: the labels of the task, the scorer in use, options.

    `code` holds the loaded modules of metrics that are code of a file, by name; empty unless the user allowed them.
    """

    labels: tuple[str, ...] = ()
    scorer: str | None = None
    code: Mapping[str, Any] = field(default_factory=dict)


class MetricFactory(Protocol):
    """What `harness.metrics` entry points name: makes the metric(s) of one name.

    One name may stand for several metrics (`f1_per_class` → `f1[negative]`, …). `needs` lists the
    record statistics and columns that it reads, so that a metric that does not fit a task is
    refused before anything runs.
    """

    needs: ClassVar[tuple[str, ...]]
    summary: ClassVar[str]

    def __call__(self, name: str, context: MetricContext) -> Sequence[Metric]: ...

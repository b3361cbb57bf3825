"""What a metric is, and the units of figures: which are shares of one, and between what values a figure lies."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from harness.core.metric_structure import PLAIN, MetricStructure
from harness.core.records import ITEM, FloatArray, Records

INF = math.inf


@dataclass(frozen=True, slots=True)
class Unit:
    """The unit of a figure.

    Attributes:
        name: as results hold it.
        fraction: whether figures are shares of one: people read them as percent, and differences as points.
        low, high: the smallest and the largest level that a figure of this unit can have.
    """

    name: str
    fraction: bool = False
    low: float = -INF
    high: float = INF


_KNOWN = {name: Unit(name, True, 0.0, 1.0) for name in ("fraction", "share", "proportion", "rate", "probability", "f1")}
_KNOWN |= {
    unit.name: unit
    for unit in (
        Unit("bits/byte", low=0.0),
        Unit("brier", low=0.0, high=2.0),
        Unit("bleu (0–100)", low=0.0, high=100.0),
        Unit("chrf (0–100)", low=0.0, high=100.0),
        # Edits may be more than the reference has words.
        Unit("ter (0–100)", low=0.0),
        Unit("ratio", low=0.0),
        Unit("r", low=-1.0, high=1.0),
    )
}


def unit_of(name: str) -> Unit:
    """The unit of a name; every name outside the list stands for a unit that is shown as it is."""
    if name.startswith("perplexity"):
        return Unit(name, low=1.0)
    return _KNOWN.get(name.lower(), Unit(name))


def range_of(unit: str, direction: str, ideal: float | None) -> tuple[float, float]:
    """Between what levels a figure lies; a share whose ideal is 0 is a signed difference of two shares."""
    known = unit_of(unit)
    if known.fraction and direction == "target" and ideal == 0:
        return -known.high, known.high
    return known.low, known.high


Direction = Literal["higher", "lower", "target"]

MetricKind = Literal["mean", "ratio", "additive", "recompute"]

Aspect = Literal["quality", "calibration"]
"""What of the answers is measured: how good they are, or whether stated probabilities hold."""

Counted = Literal["items", "blocks"]
"""What the number of rows counts: items of data, or blocks of timings, which `min_n` of gates does not read."""

Role = Literal["primary", "companion", "descriptive"]
"""primary: it answers the evaluation's question. companion: it says whether the model can do the task at all, or what
the instrument itself does. descriptive: it describes answers; whether they are good is for others to say."""


class Metric(ABC):
    """A pure function of records. Every metric inherits from here, those of outside packages too.

    `kind` says which statistics fit:
        mean: `stats` is [n, 1], one value per item; the metric is their mean.
        ratio: `stats` is [n, 2]; the metric is Σ first / Σ second.
        additive: any function of the summed columns (F1, calibration error, BLEU, a scaled or
            exponentiated ratio).
        recompute: needs the records themselves (`RecomputedMetric`).

    Attributes:
        id: full name, `f1[negative]` or `stereotype_score[pll_word_l2r]`.
        unit: unit of the value.
        direction: `higher`, `lower`, or `target` with its `ideal`.
        cluster_unit: what is independent of each other; the evaluation's, which `MetricContext` hands on.
        ideal: the value that is aimed at, where the direction is `target`.
        weakness: what a reader must know of any interval of this figure; stands with every result.
        label: what it means, in a few words for a reader who never saw it; empty where its id has to do.
        short: its name in running text; empty where its id has to do.
        role: what it says beside the evaluation's other metrics.
        aspect: whether it measures answers or the probabilities that stand with them.
        bounds: the smallest and the largest level that it can have; None where its unit tells.
        sliced: whether it has slices.
        whole: its rows depend on each other, so that those of a slice are made from the slice's records alone.
        counted: what its rows are.
        timed: whether it depends on the machine, so that only figures of one session of timing are compared.
    """

    # Empty, so that metrics that are dataclasses can have slots.
    __slots__ = ()

    id: str
    unit: str
    direction: Direction
    kind: MetricKind
    cluster_unit: str
    ideal: float | None = None
    weakness: str | None = None
    label: str = ""
    short: str = ""
    role: Role = "primary"
    aspect: Aspect = "quality"
    bounds: tuple[float, float] | None = None
    sliced: ClassVar[bool] = True
    whole: ClassVar[bool] = False
    counted: ClassVar[Counted] = "items"
    timed: bool = False

    @property
    def unkept(self) -> Mapping[str, str]:
        """Rules of `harness.testing.METRIC_CHECKS` that the figure cannot keep by its nature, each with what a reader
        must know of it; that stands with every result."""
        return {}

    @property
    def caveats(self) -> list[str]:
        """All that a reader must know of any interval of this figure."""
        return list(dict.fromkeys([*([self.weakness] if self.weakness else []), *self.unkept.values()]))

    @abstractmethod
    def stats(self, records: Records) -> FloatArray:
        """float64[n, k], one row per record, in the records' order. A row that does not belong
        to the metric (a tie, an item of another kind) is NaN throughout and is left out."""

    @abstractmethod
    def value(self, sums: FloatArray, n: npt.NDArray[Any] | float) -> FloatArray:
        """[…, k] sums of rows and […] number of rows → […] values. NaN where undefined."""

    def range(self) -> tuple[float, float]:
        """Between what levels it lies; infinite ends where none is known."""
        return self.bounds if self.bounds is not None else range_of(self.unit, self.direction, self.ideal)

    def reads(self, protocol: str) -> bool:
        """Whether records that were made by this protocol have a value here."""
        return True

    def absence(self, records: Records) -> str | None:
        """Why these records can have no figure, where they say it themselves."""
        return None

    def structure(self, records: Records) -> MetricStructure:
        """What the figure is made of: classes that count alike however rare, groups, weights of items.

        Statistics check their preconditions by it. Ratios need not say that items weigh as their second column.
        """
        return PLAIN

    def recompute(self, records: Records) -> float:
        """The figure on records that may repeat; only of kind `recompute`, see `RecomputedMetric`."""
        raise NotImplementedError(f"{self.id} is computed from sums.")


class RecomputedMetric(Metric):
    """A metric that needs the records themselves: bootstrapped slowly, and marked so."""

    __slots__ = ()

    kind: MetricKind = "recompute"

    @abstractmethod
    def recompute(self, records: Records) -> float:
        """The figure on these records, which may repeat; NaN where undefined."""

    def stats(self, records: Records) -> FloatArray:
        """Nothing: there are no sufficient statistics."""
        return np.empty((len(records), 0))

    def value(self, sums: FloatArray, n: npt.NDArray[Any] | float) -> FloatArray:
        """Undefined: see `recompute`."""
        return np.full(np.shape(n), np.nan)


@dataclass(frozen=True, slots=True)
class MetricContext:
    """What a metric factory may need: the labels of the task, the scorer in use, options.

    Attributes:
        cluster_unit: the evaluation's unit of independence; `item` where every item stands alone.
        code: the loaded modules of metrics that are code of a file, by name; empty unless the user allowed them.
    """

    labels: tuple[str, ...] = ()
    scorer: str | None = None
    code: Mapping[str, Any] = field(default_factory=dict)
    cluster_unit: str = ITEM


class MetricFactory(Protocol):
    """What `harness.metrics` entry points name: makes the metric(s) of one name.

    One name may stand for several metrics (`f1_per_class` → `f1[negative]`, …). `needs` lists the
    record statistics and columns that it reads, so that a metric that does not fit a task is
    refused before anything runs.
    """

    needs: tuple[str, ...]
    summary: str

    def __call__(self, name: str, context: MetricContext) -> Sequence[Metric]: ...


@runtime_checkable
class NeedsPackages(Protocol):
    """A factory whose metrics need packages beyond the core, named as they are imported."""

    packages: tuple[str, ...]

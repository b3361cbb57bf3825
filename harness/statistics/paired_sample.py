"""What the methods of a paired comparison take, and what they give back."""

from __future__ import annotations

from dataclasses import dataclass

from harness.core.interval import NAN, Interval
from harness.core.metric_structure import MetricStructure
from harness.statistics.clusters import Groups
from harness.statistics.inference_settings import InferenceSettings
from harness.statistics.result import FloatArray, Value
from harness.statistics.t_intervals import ClusterError

NO_ERROR = ClusterError(NAN, NAN, 0.0)


@dataclass(frozen=True, slots=True)
class PairedSample:
    """Two clean sides of the same items, and how sure to be about their difference.

    Attributes:
        levels: the metric on the baseline and on the candidate.
        structure: what the figure is made of.
    """

    base: FloatArray
    candidate: FloatArray
    value: Value
    groups: Groups
    levels: tuple[float, float]
    delta: float
    identical: bool
    settings: InferenceSettings
    structure: MetricStructure

    @property
    def unit(self) -> str:
        return "clusters" if self.groups.clustered else "items"


@dataclass(frozen=True, slots=True)
class MethodResult:
    """What one method gives back: an interval, a p-value, the error over clusters, and what to say about them."""

    interval: Interval
    p: float
    test: str
    method: str
    warnings: tuple[str | None, ...] = ()
    discordant: float = NAN
    error: ClusterError = NO_ERROR
    unmet: tuple[str | None, ...] = ()

"""What asking a model costs: figures of blocks of timings (`evaluations.probes.inference_cost`).

Each block has one value: the median of its latencies, their 95th percentile, its inputs per second. A figure is the
mean of the middle 60% of the blocks: while another program runs, some blocks take several times as long, and say
nothing of the model. A block holds the same work of every model, so that two models are compared block by block.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final

import numpy as np
import numpy.typing as npt

from harness.core.metric import Counted, Direction, Metric, MetricContext, MetricKind
from harness.core.metric_structure import MetricStructure
from harness.core.records import FloatArray, Records
from harness.metrics.metric_shapes import Factory, RecordMetric, column, divide

BLOCKS: Final = "blocks"
TRIMMED = 0.2
"""Share of the blocks that is left out on either side."""


@dataclass(slots=True, kw_only=True)
class BlockMetric(RecordMetric):
    """The trimmed mean of a statistic of blocks.

    Its rows are the pseudo-values θ + c·(w_i − w̄) over 1, so that the figure is a ratio of sums, and its error that of
    Tukey and McLaughlin (1963), of two models that of Yuen and Dixon (1973) for paired samples: w are the values with
    the g smallest and the g largest replaced by the nearest one that stays, h = n − 2g stay, and
    c² = n·(n − 1)/(h·(h − 1)) gives (n − 1)·s_w²/(h·(h − 1)) for the square of the standard error.
    """

    column: str
    timed: bool = True
    kind: MetricKind = "ratio"
    sliced: ClassVar[bool] = False
    whole: ClassVar[bool] = True
    counted: ClassVar[Counted] = BLOCKS

    def rows(self, records: Records) -> FloatArray:
        values = column(records, self.column)
        used = np.flatnonzero(~np.isnan(values) & records.ok)
        rows = np.full((len(values), 2), np.nan)
        if len(used) > 1:
            rows[used, 0], rows[used, 1] = pseudo_values(values[used]), 1.0
        return rows

    def value(self, sums: FloatArray, n: npt.NDArray[Any] | float) -> FloatArray:
        return divide(sums[..., 0], sums[..., 1])

    def absence(self, records: Records) -> str | None:
        """Why the figure cannot be had of a model, as whoever timed it noted."""
        absent = records.head.facts.get("timing", {}).get("absent", {})
        reason = absent.get(self.column) if self.column not in records.stat_names else None
        return None if reason is None else str(reason)

    def structure(self, records: Records) -> MetricStructure:
        """What is the same in all blocks is known."""
        return MetricStructure(settled=True)


def pseudo_values(values: FloatArray) -> FloatArray:
    """float[n] whose mean is the trimmed mean of `values`, and whose standard error is the trimmed mean's."""
    n = len(values)
    trimmed = int(TRIMMED * n)
    kept = n - 2 * trimmed
    in_order = np.sort(values)
    middle = in_order[trimmed : n - trimmed]
    winsorized = np.clip(values, middle[0], middle[-1])
    factor = np.sqrt(n * (n - 1) / (kept * (kept - 1)))
    return np.asarray(middle.mean() + factor * (winsorized - winsorized.mean()))


class BlockFigure(Factory):
    """Makes the trimmed mean over blocks of the statistic `id`."""

    def __init__(
        self, id: str, summary: str, unit: str, direction: Direction, label: str, *, timed: bool = True
    ) -> None:
        self.id, self.summary, self.label = id, summary, label
        self.unit = unit
        self.direction = direction
        self.timed = timed
        self.needs = (id,)

    def build(self, name: str, context: MetricContext) -> Sequence[Metric]:
        return [
            BlockMetric(
                id=self.id,
                unit=self.unit,
                direction=self.direction,
                cluster_unit=context.cluster_unit,
                column=self.id,
                timed=self.timed,
            )
        ]


latency_median = BlockFigure(
    "latency_median",
    "Median time of one input asked alone, in milliseconds; trimmed mean over blocks.",
    unit="ms",
    direction="lower",
    label="median time of one input",
)
latency_p95 = BlockFigure(
    "latency_p95",
    "95th percentile of the time of one input asked alone, in milliseconds; trimmed mean over blocks.",
    unit="ms",
    direction="lower",
    label="time within which 95% of the inputs are answered",
)
item_throughput = BlockFigure(
    "item_throughput",
    "Inputs per second, asked in full batches; trimmed mean over blocks.",
    unit="items/s",
    direction="higher",
    label="inputs per second in full batches",
)
token_throughput = BlockFigure(
    "token_throughput",
    "Tokens per second that go through the model, padding included, in full batches; trimmed mean over blocks.",
    unit="tokens/s",
    direction="higher",
    label="tokens per second in full batches",
)
memory_peak = BlockFigure(
    "memory_peak",
    "Peak memory in MB of a process that holds this model alone (of the GPU, where one is used).",
    unit="MB",
    direction="lower",
    label="peak memory of a process with this model alone",
)
parameter_count = BlockFigure(
    "parameter_count",
    "Number of parameters; of an adapter or a head on a base, both together.",
    unit="parameters",
    direction="lower",
    label="parameters, those of the base included",
    timed=False,
)
disk_size = BlockFigure(
    "disk_size",
    "Size of the weights on disk in MB; of an adapter or a head on a base, both together.",
    unit="MB",
    direction="lower",
    label="size of the weights on disk, those of the base included",
    timed=False,
)

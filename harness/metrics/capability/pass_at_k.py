"""pass@k and other figures of items that were answered several times (Chen et al. 2021, arXiv 2107.03374)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from harness.core.errors import SuiteError
from harness.core.metric import Metric, MetricContext, MetricKind
from harness.core.records import FloatArray, Records
from harness.metrics.column_metrics import MeanOf
from harness.metrics.metric_shapes import Factory, RecordMetric, column, divide


@dataclass(slots=True, kw_only=True)
class PassAtK(RecordMetric):
    """The share of items of which at least one of k answers is right.

    Of n answers with c right ones it is 1 − C(n−c, k)/C(n, k), whose expectation is that of k answers, unlike
    1 − (1 − c/n)^k.

    Attributes:
        k: None stands for all answers of an item.
    """

    k: int | None = None
    kind: MetricKind = "mean"

    def rows(self, records: Records) -> FloatArray:
        total, right = column(records, "samples_total"), column(records, "samples_correct")
        return at_least_one(total, right, total if self.k is None else np.full(len(total), float(self.k)))[:, None]

    def value(self, sums: FloatArray, n: npt.NDArray[Any] | float) -> FloatArray:
        return divide(sums[..., 0], np.asarray(n, dtype=np.float64))


def at_least_one(total: FloatArray, right: FloatArray, k: FloatArray) -> FloatArray:
    """1 − C(n−c, k)/C(n, k) as a product of k factors; NaN where k exceeds n."""
    miss = np.ones(len(total))
    for place in range(int(np.nanmax(k, initial=0.0))):
        factor = np.clip((total - right - place) / np.maximum(total - place, 1.0), 0.0, 1.0)
        miss = np.where(place < k, miss * factor, miss)
    return np.where((k <= total) & ~np.isnan(right), 1 - miss, np.nan)


class PassAtKFactory(Factory):
    """Makes `pass_at_k` of all answers, or `pass_at_k[5]`."""

    needs: tuple[str, ...] = ("samples_total", "samples_correct")
    summary: str = "Share of items of which at least one of k sampled answers is right (unbiased), as pass_at_k[5]."
    label: str = "right in at least one of k answers"

    def build(self, name: str, context: MetricContext) -> Sequence[Metric]:
        wanted = name.partition("[")[2].removesuffix("]").strip()
        if wanted and not (wanted.isdecimal() and int(wanted) > 0):
            raise SuiteError(f"{name!r}: expected a number of answers, such as pass_at_k[5].")
        metric = PassAtK(
            id=f"pass_at_k[{wanted}]" if wanted else "pass_at_k",
            unit="share",
            direction="higher",
            cluster_unit=context.cluster_unit,
            k=int(wanted) if wanted else None,
        )
        return [metric]


pass_at_k = PassAtKFactory()
pass_rate = MeanOf(
    "pass_rate",
    "Share of programs that pass the item's check (pass@1); computed only where programs may run.",
    column="correct",
    label="programs that pass their check",
    short="programs that pass",
)
majority_vote = MeanOf(
    "majority_vote",
    "Share of items whose most frequent sampled answer is right; answers that tie count by their share.",
    label="right by majority of the answers",
)
unread_samples = MeanOf(
    "unread_samples",
    "Share of the sampled answers that cannot be read.",
    direction="lower",
    label="sampled answers that cannot be read",
    role="companion",
)

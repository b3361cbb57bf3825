"""How good rankings of documents are, by query: nDCG, reciprocal rank, recall, precision, average precision.

The definitions are trec_eval's (`ndcg_cut`, `recip_rank`, `recall`, `P`, `map`): gains are the grades themselves, the
discount of rank r is log2(r + 1), and a document is relevant from grade 1 on. Scores that are the same as 32-bit floats
tie, and of tied documents the one with the larger id stands first.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from harness.core.errors import SuiteError
from harness.core.metric import Metric, MetricContext
from harness.metrics.column_metrics import MeanOf
from harness.metrics.metric_shapes import Factory, MeanMetric

CUTOFFS = (1, 3, 5, 10, 20, 50, 100)
"""The depths of which every record has statistics; a task adds those that its metrics name."""
USUAL = 10
NDCG, MRR, RECALL, PRECISION, MAP = "ndcg", "mrr", "recall", "precision", "average_precision"


def ranking_statistics(ranking: Sequence[str], grades: Mapping[str, float], cutoffs: Sequence[int]) -> dict[str, float]:
    """The statistics of one query.

    Args:
        ranking: ids of documents, best first.
        grades: id → grade; at least one is relevant.
        cutoffs: depths.
    """
    gains = [max(0.0, grades.get(document, 0.0)) for document in ranking]
    ideal = sorted((grade for grade in grades.values() if grade > 0), reverse=True)
    relevant = [float(grades.get(document, 0.0) >= 1) for document in ranking]
    total = sum(grade >= 1 for grade in grades.values())
    first = next((rank for rank, hit in enumerate(relevant, 1) if hit), None)
    made: dict[str, float] = {}
    for depth in cutoffs:
        hits = math.fsum(relevant[:depth])
        made[f"{NDCG}.{depth}"] = _dcg(gains[:depth]) / _dcg(ideal[:depth])
        made[f"{MRR}.{depth}"] = 1 / first if first is not None and first <= depth else 0.0
        made[f"{RECALL}.{depth}"] = hits / total
        made[f"{PRECISION}.{depth}"] = hits / depth
    hits_so_far, precisions = 0, []
    for rank, hit in enumerate(relevant, 1):
        if hit:
            hits_so_far += 1
            precisions.append(hits_so_far / rank)
    made[MAP] = math.fsum(precisions) / total
    return made


def _dcg(gains: Sequence[float]) -> float:
    return math.fsum(gain / math.log2(rank + 1) for rank, gain in enumerate(gains, 1))


def depth_of(name: str) -> int:
    """The depth in `ndcg_at_k[10]`; the usual one in the bare name.

    Raises:
        SuiteError: for anything but a number from 1 on.
    """
    wanted = name.partition("[")[2].removesuffix("]").strip()
    if wanted and not (wanted.isdecimal() and 0 < int(wanted) <= 1000):
        raise SuiteError(f"{name!r}: expected a number of documents from 1 to 1000, such as ndcg_at_k[{USUAL}].")
    return int(wanted) if wanted else USUAL


class AtDepth(Factory):
    """Makes the mean over queries of a statistic at a depth: `ndcg_at_k[10]`."""

    def __init__(self, statistic: str, summary: str, short: str) -> None:
        self.statistic, self.summary, self.short = statistic, summary, short
        self.label = f"{short} of the first k documents"
        self.needs = (f"{statistic}.{USUAL}",)

    def build(self, name: str, context: MetricContext) -> Sequence[Metric]:
        depth = depth_of(name)
        return [
            MeanMetric(
                id=f"{name.partition('[')[0]}[{depth}]",
                unit="share",
                direction="higher",
                cluster_unit=context.cluster_unit,
                column=f"{self.statistic}.{depth}",
            )
        ]


ndcg_at_k = AtDepth(NDCG, "nDCG of the first k documents, as ndcg_at_k[10] (trec_eval's ndcg_cut).", "nDCG")
mrr_at_k = AtDepth(MRR, "Mean reciprocal rank of the first relevant document among k.", "reciprocal rank")
recall_at_k = AtDepth(RECALL, "Share of the relevant documents that stand among the first k.", "recall")
precision_at_k = AtDepth(PRECISION, "Share of relevant documents among the first k.", "precision")
mean_average_precision = MeanOf(
    "map",
    "Mean average precision over queries (trec_eval's map).",
    column=MAP,
    label="mean average precision",
    short="mean average precision",
)

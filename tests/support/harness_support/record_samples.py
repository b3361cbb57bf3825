"""Small metrics and records for the tests of comparisons."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from harness.core.metric import Direction, Metric, MetricKind
from harness.core.records import ITEM, FloatArray, Record, Records, RecordsHead


@dataclass(frozen=True)
class StatMetric(Metric):
    """Reads statistics by name; a mean of one, or a ratio of two."""

    id: str
    columns: tuple[str, ...]
    kind: MetricKind = "mean"
    direction: Direction = "higher"
    ideal: float | None = None
    unit: str = "share"
    cluster_unit: str = ITEM

    def stats(self, records: Records) -> FloatArray:
        return np.column_stack([records.stat(name) for name in self.columns])

    def value(self, sums: FloatArray, n: Any) -> FloatArray:
        with np.errstate(all="ignore"):
            return np.asarray(sums[..., 0] / (n if self.kind == "mean" else sums[..., 1]))


ACCURACY = StatMetric("accuracy", ("correct",))
BITS = StatMetric("bits_per_byte", ("nll", "bytes"), "ratio", "lower", unit="bits/byte")
PERPLEXITY = StatMetric("token_perplexity", ("nll", "tokens"), "ratio", "lower", unit="perplexity/token")
SCORE = StatMetric("stereotype_score[pll]", ("preferred",), direction="target", ideal=0.5)


def head(protocol: str = "head", **facts: Any) -> RecordsHead:
    return RecordsHead("reviews", "digest", protocol, facts=facts)


def made(rows: Sequence[Mapping[str, Any]], protocol: str = "head", facts: Mapping[str, Any] | None = None) -> Records:
    """Records from fields; ids are `i000`, `i001`, … unless given."""
    return Records.of(
        head(protocol, **(facts or {})),
        [Record(**{"item_id": f"i{number:03}", "item_digest": f"d{number}", **row}) for number, row in enumerate(rows)],
    )


def scored(values: Sequence[float], **more: Callable[[int], Any]) -> list[dict[str, Any]]:
    """Rows with the statistic `correct`; `more` makes other fields from the row number."""
    return [
        {"stats": {"correct": float(value)}, **{name: field(row) for name, field in more.items()}}
        for row, value in enumerate(values)
    ]

"""What `harness.compare` gives back."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from harness.comparisons.join import Pair
from harness.comparisons.meanings import meanings
from harness.comparisons.metric_results import metric_results
from harness.comparisons.pair_comparison import compare as compare_records
from harness.comparisons.paired_records import PairedRecords
from harness.core.distribution import explained
from harness.core.errors import DataError, unknown
from harness.core.metric import Metric
from harness.core.records import Records
from harness.schema.results.base import finite
from harness.schema.results.inputs import EvaluationResult
from harness.schema.results.metrics import ComparisonResult, MetricResult
from harness.statistics.inference_settings import InferenceSettings

if TYPE_CHECKING:
    import pandas as pd

ALPHAS = tuple(sorted({0.01, 0.025, 0.1, *(0.05 / k for k in range(1, 21))}))
"""Levels of one-sided bounds that gates usually ask for; others are computed when they are."""

_COLUMNS = (
    "metric",
    "slice",
    "baseline_value",
    "candidate_value",
    "delta",
    "low",
    "high",
    "p",
    "p_adjusted",
    "n",
    "clusters",
    "n_eff",
    "mde",
    "unit",
    "direction",
    "identical",
    "status",
    "reason",
    "method",
    "test",
)


@dataclass(frozen=True, repr=False)
class Comparisons:
    """Comparisons of two sides for every metric, overall and on every slice.

    A sequence of `ComparisonResult`; `found["accuracy"]` is the overall one of a metric, and
    `found["accuracy", "source=web"]` that on a slice.

    Attributes:
        results: candidate minus baseline.
        levels: each side's own value with its interval, for gates of kind `absolute` and `target`.
        notes: what a reader of the figures must know: rows that are left out or wrong for want of a cell, guesses
            about a file, labels in several spellings.
    """

    name: str
    baseline: str
    candidate: str
    results: tuple[ComparisonResult, ...]
    levels: tuple[MetricResult, ...]
    base_records: Records = field(compare=False)
    candidate_records: Records = field(compare=False)
    metrics: tuple[Metric, ...] = field(compare=False)
    settings: InferenceSettings
    notes: tuple[str, ...] = ()

    @classmethod
    def make(
        cls,
        pair: Pair,
        base: Records,
        candidate: Records,
        metrics: Sequence[Metric],
        settings: InferenceSettings,
    ) -> Comparisons:
        """Computes everything."""
        paired = PairedRecords(base, candidate)
        results: list[ComparisonResult] = []
        values: list[MetricResult] = []
        for metric in metrics:
            results += compare_records(pair, paired, metric, settings=settings)
            for model, records in ((pair.baseline, base), (pair.candidate, candidate)):
                values += metric_results(records, metric, evaluation=pair.evaluation, model=model, settings=settings)
        return cls(
            pair.evaluation,
            pair.baseline,
            pair.candidate,
            tuple(results),
            tuple(values),
            base,
            candidate,
            tuple(metrics),
            settings,
        )

    def with_alphas(self, alphas: Sequence[float], *, anytime: bool = False) -> Comparisons:
        """The same with one-sided bounds at further levels; itself when it has them.

        Args:
            anytime: with bounds that hold at every number of items at once, too.
        """
        settings = self.settings
        if set(alphas) <= set(settings.alphas) and (not anytime or settings.anytime):
            return self
        levels = tuple(sorted({*settings.alphas, *alphas}))
        widened = Comparisons.make(
            Pair(self.name, self.baseline, self.candidate),
            self.base_records,
            self.candidate_records,
            self.metrics,
            replace(settings, alphas=levels, anytime=anytime or settings.anytime),
        )
        return replace(widened, notes=self.notes)

    @property
    def evaluation(self) -> EvaluationResult:
        """The table as gates look at it: what a side lacks of the items of both counts as not covered."""
        held = {self.baseline: set(self.base_records.item_ids), self.candidate: set(self.candidate_records.item_ids)}
        everything = len(set().union(*held.values()))
        return EvaluationResult(
            name=self.name,
            role="task",
            kind="table",
            summary="results passed from Python",
            data=[self.name],
            split="given",
            n=len(self.base_records),
            protocols={self.baseline: "given", self.candidate: "given"},
            coverage={model: len(items) / everything for model, items in held.items()},
            comparability=list(self.notes),
            metrics=[metric.id for metric in self.metrics],
            meanings=meanings(self.metrics),
            baseline=self.baseline,
        )

    def __len__(self) -> int:
        return len(self.results)

    def __iter__(self) -> Iterator[ComparisonResult]:
        return iter(self.results)

    def __getitem__(self, key: str | tuple[str, str]) -> ComparisonResult:
        metric, place = (key, None) if isinstance(key, str) else key
        for row in self.results:
            if (row.metric, row.slice) == (metric, place):
                return row
        if metric not in {row.metric for row in self.results}:
            raise DataError(unknown("metric", metric, {row.metric for row in self.results}))
        raise DataError(unknown("slice", str(place), {row.slice for row in self.results if row.slice}))

    def __repr__(self) -> str:
        rows = [_line(row) for row in self.results]
        n = max((row.n for row in self.results), default=0)
        head = f"{self.candidate} − {self.baseline}: {n:,} items"
        return "\n".join([head, *_aligned(rows), *(f"  note: {note}" for note in self.notes)])

    def to_frame(self) -> pd.DataFrame:
        """One row for each metric and slice, as a pandas frame."""
        with explained("to_frame()"):
            import pandas as pd

        return pd.DataFrame([_columns(row) for row in self.results])

    def to_dict(self) -> dict[str, Any]:
        """Plain data: `comparisons` and `levels` as in results.json, and `notes`."""
        return {
            "notes": list(self.notes),
            "comparisons": [finite(row.model_dump(mode="json")) for row in self.results],
            "levels": [finite(row.model_dump(mode="json")) for row in self.levels],
        }

    def to_json(self) -> str:
        return json.dumps(self.to_dict(), allow_nan=False, ensure_ascii=False)


def _columns(row: ComparisonResult) -> dict[str, Any]:
    flat = {**dict(row), "delta": row.delta.value, "low": row.delta.low, "high": row.delta.high}
    return {name: flat[name] for name in _COLUMNS}


def _line(row: ComparisonResult) -> tuple[str, ...]:
    name = row.metric + (f" on {row.slice}" if row.slice else "")
    delta = row.delta
    if delta.value is None:
        return name, row.status, row.reason or "", "", ""
    values = f"{row.baseline_value:.4g} → {row.candidate_value:.4g}"
    span = (
        f"[{delta.low:+.4g}, {delta.high:+.4g}]" if delta.low is not None and delta.high is not None else "no interval"
    )
    p = f"p {row.p:.3g}" if row.p is not None else ""
    size = f"n {row.n:,}" + (f" in {row.clusters:,} clusters" if row.clusters < row.n else "")
    return name, values, f"{delta.value:+.4g} {span}", p, size


def _aligned(rows: Sequence[tuple[str, ...]]) -> list[str]:
    widths = [max(len(row[place]) for row in rows) for place in range(5)] if rows else []
    return [
        "  " + "  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    ]

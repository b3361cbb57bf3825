"""Metrics of one model: the level with its interval, overall and on every slice."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from harness.comparisons.adjusted_figures import adjusted_level
from harness.comparisons.join import Rows
from harness.comparisons.missing_answers import Answers, MissingAnswers
from harness.comparisons.paired_records import cluster_numbers
from harness.comparisons.recomputed import level_recomputed
from harness.comparisons.row_additions import RowAdditions
from harness.comparisons.slices import per_slice, rows_at, slice_rows
from harness.core.interval import Interval, finite
from harness.core.metric import Metric
from harness.core.records import Records
from harness.schema.results.metrics import MetricResult
from harness.statistics.clusters import clusters_at
from harness.statistics.estimate import estimate
from harness.statistics.inference_settings import DEFAULT_INFERENCE, InferenceSettings
from harness.statistics.resampling.percentile_bootstrap import Progress
from harness.statistics.result import Estimate


@dataclass(frozen=True, slots=True)
class _Builder:
    """Makes rows of results of one model and metric."""

    records: Records
    metric: Metric
    evaluation: str
    model: str
    confidence: float

    def result(self, name: str | None, level: Estimate | None, reason: str | None = None) -> MetricResult:
        known = level is not None and level.interval.value is not None
        if level is not None and not known:
            reason = self.metric.absence(self.records) or level.weaknesses[0]
        metric = self.metric
        return MetricResult(
            id=f"{self.evaluation}.{metric.id}",
            evaluation=self.evaluation,
            metric=metric.id,
            model=self.model,
            slice=name,
            protocol=self.records.head.protocol,
            interval=Interval.undefined(self.confidence) if level is None else level.interval,
            n=0 if level is None else level.n,
            clusters=0 if level is None else level.clusters,
            n_eff=None if level is None else finite(level.n_eff),
            unmet=[] if level is None else list(level.unmet),
            unit=metric.unit,
            direction=metric.direction,
            ideal=metric.ideal,
            method="none" if level is None else level.method,
            weaknesses=[] if level is None else [*level.weaknesses, *metric.caveats],
            counted=metric.counted,
            status="ok" if known else "undefined",
            reason=reason,
        )


def metric_results(
    records: Records,
    metric: Metric,
    *,
    evaluation: str,
    model: str,
    settings: InferenceSettings = DEFAULT_INFERENCE,
    slices: bool = True,
    progress: Progress = lambda: None,
) -> list[MetricResult]:
    """The metric on all readable items first, then on every slice.

    Items that are not `ok` are left out; coverage is judged by gates. A slice without a readable item
    is undefined: it is shown, and never has a value.

    Args:
        progress: called after every recomputation of a metric without sufficient statistics.
    """
    builder = _Builder(records, metric, evaluation, model, settings.confidence)
    readable = records.readable
    recomputed = metric.kind == "recompute"
    try:
        stats = np.empty((len(readable), 0)) if recomputed else metric.stats(readable)
    except KeyError as error:
        return [builder.result(None, None, str(error.args[0]) if error.args else "a statistic is missing.")]
    clusters = readable.clusters(metric.cluster_unit)
    numbers = cluster_numbers(readable, metric.cluster_unit)
    structure = metric.structure(readable)
    everything = np.arange(len(readable))

    def level(positions: Rows, settings: InferenceSettings) -> Estimate:
        if recomputed:
            return level_recomputed(readable, metric, positions, clusters, settings=settings, progress=progress)
        return estimate(
            rows_at(metric, readable, stats, positions),
            kind=metric.kind,
            value=metric.value,
            clusters=clusters_at(numbers, positions),
            structure=structure.take(positions),
            settings=settings,
        )

    missing = MissingAnswers(metric, Answers((records,)))
    additions = RowAdditions(metric, (readable,), (stats,), clusters, missing, settings)

    def added(level: Estimate, name: str | None, rows: Rows) -> MetricResult:
        row = builder.result(name, level)
        return additions.to(row, row.interval, rows)

    results = [added(level(everything, settings), None, everything)]
    results[0] = results[0].model_copy(update={"adjusted": adjusted_level(metric, records, settings)})
    if slices and metric.sliced:
        rows_of_slice = slice_rows(readable, everything)
        fewer = replace(settings, resamples=per_slice(settings.resamples, settings.alphas))
        for name in records.slice_names:
            if name in rows_of_slice:
                rows = rows_of_slice[name]
                results.append(added(level(rows, fewer), name, rows))
            else:
                results.append(
                    builder.result(name, None, "insufficient evidence: no item of the slice has a parsable answer.")
                )
    return results

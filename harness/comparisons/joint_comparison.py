"""Several evaluations as one comparison, from the records of all of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from harness.comparisons.comparability import refusal
from harness.comparisons.join import Pair, join
from harness.comparisons.missing_answers import Answers, MissingAnswers
from harness.core.interval import Interval, finite
from harness.core.metric import Metric, unit_of
from harness.core.records import Records
from harness.schema.results.metrics import ComparisonResult
from harness.statistics import caveats
from harness.statistics.inference_settings import DEFAULT_INFERENCE, InferenceSettings
from harness.statistics.joint_figure import JointFigure, JointPart, mean_of_parts, worst_of_parts
from harness.statistics.paired_difference import difference
from harness.statistics.power import mde

How = Literal["mean_of", "pooled", "max_drop"]
_METHODS = {
    "mean_of": "weighted mean of {} evaluations, jackknife over the clusters of all of them, t interval",
    "pooled": "pooled items of {} evaluations, jackknife over the clusters of all of them, t interval",
    "max_drop": "worst of {} evaluations, simultaneous t bounds (max-T)",
}


@dataclass(frozen=True, slots=True)
class JointSource:
    """The records of one evaluation, and what of them counts."""

    metric: Metric
    base: Records
    candidate: Records
    weight: float = 1.0


def joint_comparison(
    pair: Pair, how: How, sources: Sequence[JointSource], settings: InferenceSettings = DEFAULT_INFERENCE
) -> ComparisonResult:
    """The improvement of all evaluations as one row; more is better, whatever the metrics' own directions.

    Args:
        pair: the two models, and what the row is called.

    Returns:
        A row with status `refused`, and the reason, where the parts cannot be one figure.
    """
    # Shares of items and fractions of a score are one unit: both lie between 0 and 1.
    units = {"share" if unit_of(source.metric.unit).fraction else source.metric.unit for source in sources}
    fault = None
    if len(units) > 1:
        fault = f"its parts have different units ({', '.join(sorted(unit or 'none' for unit in units))})"
    parts: list[JointPart] = []
    for source in sources if fault is None else ():
        made = _part(source, settings)
        if isinstance(made, str):
            fault = f"{source.base.head.evaluation}.{source.metric.id}: {made}"
            break
        parts.append(made)
    if fault is None and how == "pooled" and any(source.metric.kind != "mean" for source in sources):
        fault = "only means of items can be pooled; use `mean_of`"
    unit = next(iter(units)) if len(units) == 1 else ""
    head: dict[str, Any] = {
        "id": pair.evaluation, "evaluation": pair.evaluation, "metric": pair.evaluation, "baseline": pair.baseline,
        "candidate": pair.candidate, "baseline_protocol": "joint", "candidate_protocol": "joint",
        "baseline_value": None, "candidate_value": None, "unit": unit, "direction": "higher",
        "method": _METHODS[how].format(len(sources)),
    }  # fmt: skip
    if fault is not None:
        undefined = Interval.undefined(settings.confidence)
        return ComparisonResult(
            **head, delta=undefined, improvement=None, n=0, clusters=0, status="refused", reason=fault
        )

    def figure(parts: Sequence[JointPart]) -> JointFigure:
        if how == "max_drop":
            return worst_of_parts(parts, settings)
        weights = [
            float(len(part.influence)) if how == "pooled" else source.weight
            for part, source in zip(parts, sources, strict=True)
        ]
        return mean_of_parts(parts, weights, settings)

    row = _row(head, figure(parts), all(part.identical for part in parts))
    answers = [Answers((source.base, source.candidate)) for source in sources]
    missing = sum(int(np.count_nonzero(side.absent.any(axis=0))) for side in answers if not side.complete)
    if not missing:
        return row
    ends = [
        [
            part if side.complete else _filled(source, MissingAnswers(source.metric, side), lowest, settings)
            for part, source, side in zip(parts, sources, answers, strict=True)
        ]
        for lowest in (True, False)
    ]
    known = [[part for part in end if part is not None] for end in ends]
    worst = None
    if all(len(end) == len(parts) for end in known):
        below, above = (figure(end).interval for end in known)
        bounds = tuple(
            low.model_copy(update={"high": high.high}) for low, high in zip(below.bounds, above.bounds, strict=True)
        )
        worst = below.model_copy(update={"high": above.high, "bounds": bounds, "value": None})
    return row.model_copy(update={"missing": missing, "worst_case": worst})


def _filled(
    source: JointSource, missing: MissingAnswers, lowest: bool, settings: InferenceSettings
) -> JointPart | None:
    """A part where missing answers make its improvement the lowest, or the highest; None where that is unknown."""
    metric = source.metric
    sign = -1.0 if metric.direction == "lower" else 1.0
    made = missing.sides(lowest if sign > 0 else not lowest)
    if made is None:
        return None
    values, names = made
    clusters = [f"{metric.cluster_unit}:{name}" for name in names]
    base, candidate = values[0][:, None], values[1][:, None]
    change = difference(base, candidate, kind="mean", value=metric.value, clusters=clusters, settings=settings)
    return JointPart.of(base, candidate, metric.value, False, sign, clusters, change)


def _row(head: dict[str, Any], figure: JointFigure, identical: bool) -> ComparisonResult:
    unmet = () if identical else caveats.kept(*figure.unmet)
    return ComparisonResult.model_validate(
        {
            **head,
            "delta": figure.interval,
            "improvement": finite(figure.value),
            "n": figure.n,
            "clusters": figure.clusters,
            "n_eff": finite(figure.error.n_eff),
            "mde": finite(mde(figure.error.standard_error)),
            "identical": identical,
            "weaknesses": list(caveats.kept(*figure.warnings, *unmet)),
            "unmet": list(unmet),
            "status": "ok" if np.isfinite(figure.value) else "undefined",
            "reason": None if np.isfinite(figure.value) else caveats.UNDEFINED_VALUE,
        }
    )


def _part(source: JointSource, settings: InferenceSettings) -> JointPart | str:
    """A part, with the interval of its own method; in words why there is none."""
    metric = source.metric
    if metric.direction == "target":
        return "it has an ideal and no better direction"
    if metric.kind == "recompute" or metric.structure(source.base).spread is not None:
        return "its figure has no item's contribution, which a joint figure adds up"
    joined = join(source.base, source.candidate, metric.cluster_unit)
    reason = joined.fault or refusal(source.base.head, source.candidate.head, metric)
    if reason is not None:
        return reason
    ours, theirs = source.base.take(joined.base_rows), source.candidate.take(joined.candidate_rows)
    try:
        sides = metric.stats(ours), metric.stats(theirs)
    except KeyError as error:
        return str(error.args[0]) if error.args else "a statistic is missing"
    known = np.isfinite(sides[0]).all(axis=1) & np.isfinite(sides[1]).all(axis=1)
    if not known.any():
        return "no item applies to it"
    rows = np.flatnonzero(known)
    names = ours.clusters(metric.cluster_unit)
    base, candidate = sides[0][rows], sides[1][rows]
    sign = -1.0 if metric.direction == "lower" else 1.0
    clusters = [f"{metric.cluster_unit}:{names[row]}" for row in rows.tolist()]
    change = difference(
        base, candidate, kind=metric.kind, value=metric.value, clusters=clusters,
        structure=metric.structure(ours).take(rows), settings=settings,
    )  # fmt: skip
    return JointPart.of(base, candidate, metric.value, metric.kind == "ratio", sign, clusters, change)

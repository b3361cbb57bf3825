"""Candidate against baseline for one metric, overall and on every slice."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from harness.comparisons.adjusted_figures import adjusted_change
from harness.comparisons.comparability import comparability, refusal, truncation
from harness.comparisons.join import Pair, Rows
from harness.comparisons.missing_answers import MissingAnswers
from harness.comparisons.paired_records import PairedRecords
from harness.comparisons.recomputed import compare_recomputed
from harness.comparisons.row_additions import RowAdditions, without_overlap
from harness.comparisons.slices import per_slice, rows_at, slice_rows
from harness.core.interval import Interval, finite, number_or_nan
from harness.core.metric import Metric
from harness.core.metric_structure import MetricStructure
from harness.core.records import FloatArray, Records
from harness.schema.results.metrics import ComparisonResult
from harness.statistics.clusters import Groups, clusters_at
from harness.statistics.inference_settings import DEFAULT_INFERENCE, InferenceSettings
from harness.statistics.multiplicity import holm
from harness.statistics.paired_difference import difference
from harness.statistics.power import needed_n_observed
from harness.statistics.resampling.percentile_bootstrap import Progress
from harness.statistics.resampling.westfall_young import SlicedSides, max_t
from harness.statistics.result import Difference


@dataclass(frozen=True, slots=True)
class _Sides:
    ours: Records
    theirs: Records
    base: FloatArray
    candidate: FloatArray
    clusters: list[str]
    groups: Groups
    structure: MetricStructure
    notes: list[str]

    def at(self, metric: Metric, positions: Rows) -> tuple[FloatArray, FloatArray]:
        """The rows of the baseline and of the candidate at some positions."""
        return (
            rows_at(metric, self.ours, self.base, positions),
            rows_at(metric, self.theirs, self.candidate, positions),
        )


@dataclass(frozen=True, slots=True)
class ExclusionCounts:
    """Items that are left out of a comparison."""

    only_base: int
    only_candidate: int
    unread: int
    unread_base: int | None = None
    unread_candidate: int | None = None


def compare(
    pair: Pair,
    paired: PairedRecords,
    metric: Metric,
    *,
    settings: InferenceSettings = DEFAULT_INFERENCE,
    slices: bool = True,
    progress: Progress = lambda: None,
) -> list[ComparisonResult]:
    """Compares two models on the items that both answered readably.

    The first result is on all items, its p-value unadjusted. Then comes every slice with at least
    one item; their p-values are adjusted within the family of this metric's slices that have one
    (by Westfall & Young's max-T where sides can be swapped for all slices at once, else by Holm),
    and `family` is its size. `simultaneous` holds all slices' differences at once.

    Args:
        paired: the two sides; one object for all metrics of the pair.
        progress: called after every recomputation of a metric without sufficient statistics.

    Returns:
        One result with status `refused` when the two may not be compared.
    """
    base, candidate = paired.base, paired.candidate
    joined = paired.joined(metric.cluster_unit)
    builder = ResultBuilder(pair, base, candidate, metric, settings.confidence)
    notes = list(dict.fromkeys(comparability(base.head, candidate.head)))
    left = ExclusionCounts(
        len(joined.only_base_rows),
        len(joined.only_candidate_rows),
        len(joined.unread_rows),
        joined.unread_base,
        joined.unread_candidate,
    )
    reason = joined.fault or refusal(base.head, candidate.head, metric)
    if reason is not None:
        return [builder.empty("refused", reason, notes, left)]
    try:
        sides = _sides(paired, metric)
    except KeyError as error:
        return [
            builder.empty("undefined", str(error.args[0]) if error.args else "a statistic is missing.", notes, left)
        ]
    notes += [note for note in sides.notes if note not in notes]

    def on(positions: Rows, settings: InferenceSettings) -> Difference:
        if metric.kind == "recompute":
            return compare_recomputed(
                sides.ours, sides.theirs, metric, positions, sides.clusters, settings=settings, progress=progress,
            )  # fmt: skip
        return difference(
            *sides.at(metric, positions),
            kind=metric.kind,
            value=metric.value,
            clusters=clusters_at(sides.groups.codes, positions),
            structure=sides.structure.take(positions),
            settings=settings,
        )

    missing = MissingAnswers(metric, paired.answers)
    additions = RowAdditions(
        metric, (sides.ours, sides.theirs), (sides.base, sides.candidate), sides.clusters, missing, settings
    )
    everything = np.arange(len(joined.base_rows))
    whole = builder.result(None, on(everything, settings), notes, left)
    results = [additions.to(whole, whole.delta, everything)]
    if results[0].status == "ok":
        adjusted = adjusted_change(metric, (base, candidate), joined, settings)
        if adjusted is not None:
            results[0] = results[0].model_copy(update={"adjusted": adjusted})
    if not slices or not metric.sliced:
        return results
    outside = {
        "only_base": slice_rows(base, joined.only_base_rows),
        "only_candidate": slice_rows(candidate, joined.only_candidate_rows),
        "unread": slice_rows(base, joined.unread_rows),
    }
    family = []
    by_slice = slice_rows(base, joined.base_rows)
    # Bonferroni: a share 1/m of what may be missed, on either side, for each of m slices.
    shared = (1 - settings.confidence) / 2 / max(1, len(by_slice))
    wanted = tuple(dict.fromkeys([*settings.alphas, shared]))
    of_slices = replace(settings, alphas=wanted, resamples=per_slice(settings.resamples, wanted))
    for name, positions in by_slice.items():
        counts = ExclusionCounts(**{key: len(rows.get(name, ())) for key, rows in outside.items()})
        change = on(positions, of_slices)
        simultaneous = _simultaneous(change, shared)
        change = replace(
            change,
            delta=change.delta.only(settings.alphas),
            ratio=None if change.ratio is None else change.ratio.only(settings.alphas),
        )
        row = builder.result(name, change, notes, counts)
        result = additions.to(row, row.delta, positions)
        family.append(result.model_copy(update={"simultaneous": simultaneous}))
    overlapping = without_overlap(results[0], family, metric.kind == "mean")
    if overlapping is not None:
        results[0] = results[0].model_copy(update={"overlap": overlapping})
    joint = _max_t(family, sides, by_slice, metric, settings)
    return [*results, *(_adjusted(family) if joint is None else joint)]


def _simultaneous(change: Difference, shared: float) -> Interval:
    """The interval that holds for all slices at once, with the share of the error that each may have."""
    ends = change.delta.at(shared)
    return Interval(
        value=change.delta.value,
        low=ends.low,
        high=ends.high,
        confidence=1 - 2 * shared,
        standard_error=change.delta.standard_error,
    )


def _max_t(
    family: list[ComparisonResult],
    sides: _Sides,
    by_slice: Mapping[str, Rows],
    metric: Metric,
    settings: InferenceSettings,
) -> list[ComparisonResult] | None:
    """The slices with p-values that know what they have in common; None where not all sides can be swapped at once."""
    tested = [row for row in family if row.p is not None and not row.identical]
    errors = [number_or_nan(row.delta.standard_error) for row in tested]
    if metric.kind == "recompute" or len(tested) < 2 or not all(error > 0 for error in errors):
        return None
    groups = sides.groups
    codes = np.arange(groups.n) if groups.codes is None else groups.codes
    slices = []
    for row in tested:
        places = by_slice[row.slice or ""]
        slices.append(SlicedSides(*sides.at(metric, places), codes[places]))
    resamples = per_slice(settings.resamples)
    adjusted = dict(
        zip(
            [row.slice for row in tested],
            max_t(slices, metric.value, groups.count, resamples, settings.seed),
            strict=True,
        )
    )
    size = sum(row.p is not None for row in family)

    def with_adjusted(row: ComparisonResult) -> ComparisonResult:
        # A slice's own test is never weaker than the claim about it.
        p = None if row.p is None else max(row.p, float(adjusted.get(row.slice, 1.0)))
        return row.model_copy(update={"p_adjusted": p, "family": size, "correction": "westfall_young"})

    return [with_adjusted(row) for row in family]


def _sides(paired: PairedRecords, metric: Metric) -> _Sides:
    ours, theirs = paired.answered(metric.cluster_unit)
    clusters = ours.clusters(metric.cluster_unit)
    none = np.empty((len(ours), 0))
    structure, other = metric.structure(ours), metric.structure(theirs)
    exact = (
        max(structure.tolerance[0], other.tolerance[0]),
        max(structure.tolerance[1], other.tolerance[1]),
    )
    return _Sides(
        ours,
        theirs,
        none if metric.kind == "recompute" else metric.stats(ours),
        none if metric.kind == "recompute" else metric.stats(theirs),
        clusters,
        Groups.of(clusters, len(clusters)),
        replace(structure, tolerance=exact),
        truncation(ours, theirs),
    )


def _adjusted(family: list[ComparisonResult]) -> list[ComparisonResult]:
    p: FloatArray = np.array([np.nan if comparison.p is None else comparison.p for comparison in family])
    adjusted = holm(p)
    size = int(np.count_nonzero(~np.isnan(p)))
    return [
        comparison.model_copy(update={"p_adjusted": finite(value), "family": size, "correction": "holm"})
        for comparison, value in zip(family, adjusted.tolist(), strict=True)
    ]


@dataclass(frozen=True, slots=True)
class ResultBuilder:
    """Fills in what all results of one comparison share."""

    pair: Pair
    base: Records
    candidate: Records
    metric: Metric
    confidence: float

    def result(self, name: str | None, change: Difference, notes: list[str], left: ExclusionCounts) -> ComparisonResult:
        known = change.delta.value is not None
        weaknesses = [*_left_out(left, change.n), *change.weaknesses, *self.metric.caveats]
        return self._result(
            name,
            notes,
            left,
            baseline_value=finite(change.base_value),
            candidate_value=finite(change.candidate_value),
            delta=change.delta,
            improvement=self._improvement(change.delta.value),
            ratio=change.ratio,
            p=finite(change.p),
            test=change.test,
            mde=finite(change.mde),
            required_n=_required_n(change),
            discordant=finite(change.discordant),
            n=change.n,
            clusters=change.clusters,
            n_eff=finite(change.n_eff),
            unmet=list(change.unmet),
            distance_change=self._distance_change(change) if known else None,
            identical=change.identical,
            slow=self.metric.kind == "recompute",
            method=change.method,
            weaknesses=weaknesses,
            status="ok" if known else "undefined",
            reason=None if known else self._absence() or change.weaknesses[0],
        )

    def empty(
        self, status: Literal["undefined", "refused"], reason: str, notes: list[str], left: ExclusionCounts
    ) -> ComparisonResult:
        return self._result(
            None,
            notes,
            left,
            baseline_value=None,
            candidate_value=None,
            delta=Interval.undefined(self.confidence),
            improvement=None,
            n=0,
            clusters=0,
            method="none",
            status=status,
            reason=reason,
        )

    def _result(self, name: str | None, notes: list[str], left: ExclusionCounts, **numbers: object) -> ComparisonResult:
        return ComparisonResult.model_validate(
            {
                "id": f"{self.pair.evaluation}.{self.metric.id}",
                "evaluation": self.pair.evaluation,
                "metric": self.metric.id,
                "slice": name,
                "baseline": self.pair.baseline,
                "candidate": self.pair.candidate,
                "baseline_protocol": self.base.head.protocol,
                "candidate_protocol": self.candidate.head.protocol,
                "unit": self.metric.unit,
                "direction": self.metric.direction,
                "ideal": self.metric.ideal,
                "counted": self.metric.counted,
                "only_baseline": left.only_base,
                "only_candidate": left.only_candidate,
                "comparability": notes,
                **numbers,
            }
        )

    def _absence(self) -> str | None:
        return self.metric.absence(self.base) or self.metric.absence(self.candidate)

    def _improvement(self, delta: float | None) -> float | None:
        if delta is None:
            return None
        return {"higher": delta, "lower": -delta, "target": None}[self.metric.direction]

    def _distance_change(self, change: Difference) -> float | None:
        ideal = self.metric.ideal
        if self.metric.direction != "target" or ideal is None:
            return None
        return abs(change.candidate_value - ideal) - abs(change.base_value - ideal)


def _required_n(change: Difference) -> int | None:
    """Items at which a true difference of the size that was seen would be found four times in five."""
    error, delta = number_or_nan(change.delta.standard_error), abs(number_or_nan(change.delta.value))
    if not (error > 0 and delta > 0):
        return None
    return needed_n_observed(change.n, error, delta)


def _left_out(left: ExclusionCounts, n: int) -> list[str]:
    texts = []
    if left.only_base or left.only_candidate:
        texts.append(
            f"{left.only_base} items that only the baseline has and {left.only_candidate} that only the candidate has "
            f"are excluded."
        )
    if left.unread:
        counted = ""
        if left.unread_base is not None:
            counted = f" (baseline {left.unread_base}, candidate {left.unread_candidate})"
        texts.append(
            f"{left.unread} items without a parsable answer on one side or both{counted} are excluded; {n} are "
            f"compared."
        )
    return texts

"""What the bias section shows of every probe: levels, drift, groups, capability, moved items."""

from __future__ import annotations

from dataclasses import dataclass

from harness.report.charts.axis_scale import scale
from harness.report.sections.bias.top_changed import Moved, moved
from harness.report.sections.metrics.slice_tables import SliceTable, slice_tables
from harness.report.view.run_view import ModelPair, RunView
from harness.schema.probe_calibration import Validity, kind_of_model, validity
from harness.schema.results import number_format
from harness.schema.results.inputs import EvaluationResult
from harness.schema.results.metrics import ComparisonResult, MetricResult

MOVED_ITEMS = 4


@dataclass(frozen=True, slots=True)
class Level:
    """A model's level of one metric: positions are percent of the strip's width."""

    metric: MetricResult
    low: float | None
    point: float | None
    high: float | None
    ideal: float | None
    text: str
    span: str


@dataclass(frozen=True, slots=True)
class Probe:
    """A probe with the levels of all models.

    Attributes:
        validity: metric's id → whether it is validated, for each kind of model that has it.
    """

    evaluation: EvaluationResult
    levels: list[tuple[str, list[Level]]]
    validity: dict[str, list[Validity]]
    contests: list[ProbePair]


@dataclass(frozen=True, slots=True)
class ProbePair:
    contest: ModelPair
    drifts: list[ComparisonResult]
    groups: SliceTable | None
    moved: list[Moved]


def probes(view: RunView) -> list[Probe]:
    """Every probe: levels of all models, and per contest drift, groups and moved items."""
    out = []
    for name, evaluation in view.evaluations.items():
        if evaluation.role != "probe":
            continue
        ids = list(dict.fromkeys(row.id for row in view.results.metrics if row.evaluation == name))
        read = [id_ for id_ in ids if view.meaning(name, id_.removeprefix(f"{name}.")).role != "companion"]
        levels = [(id_, _levels(view, id_)) for id_ in read]
        contests = []
        for contest in view.contests:
            drifts = view.comparisons(contest, evaluation=name)
            if not drifts:
                continue
            groups = next((table for table in slice_tables(view, contest, "probe") if table.evaluation == name), None)
            top = MOVED_ITEMS if contest.release else MOVED_ITEMS // 2
            contests.append(ProbePair(contest, drifts, groups, moved(view, contest, name, top)))
        out.append(Probe(evaluation, levels, {id_: validities(view, id_) for id_ in ids}, contests))
    return out


def validities(view: RunView, id_: str) -> list[Validity]:
    """What the package's calibration says of a metric (`evaluation.metric`), once for each kind of model."""
    facts = {model.name: model.facts for model in view.results.models}
    by_kind: dict[str, Validity] = {}
    for row in view.results.metrics:
        if row.id == id_ and row.slice is None:
            kind = kind_of_model(row.protocol, facts.get(row.model, {}).get("language_model"))
            verdict = validity(
                view.evaluations[row.evaluation].kind,
                row.metric,
                row.direction,
                kind,
                role=view.meaning(row.evaluation, row.metric).role,
            )
            if verdict is not None:
                by_kind[kind] = verdict
    return list(by_kind.values())


def _levels(view: RunView, id_: str) -> list[Level]:
    rows = [row for row in (view.metric(id_, model) for model in view.models) if row is not None]
    values = [
        x for row in rows for x in (row.interval.value, row.interval.low, row.interval.high, row.ideal) if x is not None
    ]
    axis = scale(values, 2, 98)

    def place(value: float | None) -> float | None:
        return None if value is None else axis(value)

    widest = max(rows, key=lambda row: (row.interval.high or 0.0) - (row.interval.low or 0.0), default=None)
    places = number_format.decimals(widest.interval.low, widest.interval.high, widest.unit) if widest else 0
    return [
        Level(
            row,
            place(row.interval.low),
            place(row.interval.value),
            place(row.interval.high),
            place(row.ideal),
            *_level_text(row, places),
        )
        for row in rows
    ]


def _level_text(row: MetricResult, places: int) -> tuple[str, str]:
    """Value and interval, for all models of a metric with the same number of decimals."""
    if row.status != "ok" or row.interval.value is None:
        return row.reason or "undefined", ""
    factor, sign = (100.0, "%") if number_format.is_fraction(row.unit) else (1.0, "")
    text = number_format.fixed(row.interval.value * factor, places) + sign
    low, high = row.interval.low, row.interval.high
    if low is None or high is None:
        return text, ""
    return text, f"{number_format.fixed(low * factor, places)}…{number_format.fixed(high * factor, places)}"

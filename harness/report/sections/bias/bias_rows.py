"""One row per probe: the levels of a candidate and of what it is held against on one axis with the ideal.

A candidate is held against the baseline in view, the suite's base, and the strongest baseline of the task. Beside the
figure stands what the models can do at all, since a model that cannot do a task looks fair on it.
"""

from __future__ import annotations

from dataclasses import dataclass

from harness.report.charts.axis_scale import Scale, scale
from harness.report.sections.bias.probe_sections import validities
from harness.report.view.comparison_reading import Reading, classify_change
from harness.report.view.kept_abilities import gained_leads
from harness.report.view.run_view import ModelPair, RunView
from harness.report.wording.narrative import change_text
from harness.schema.probe_calibration import Validity
from harness.schema.results import number_format
from harness.schema.results.inputs import EvaluationResult
from harness.schema.results.metrics import ComparisonResult, MetricResult

_CLEAR = ("better", "worse", "drifted")
Ends = tuple[float | None, float, float | None]


@dataclass(frozen=True, slots=True)
class Held:
    """A candidate against one baseline; `before` and `after` are (low, point, high) in percent of the width."""

    baseline: str
    role: str
    levels: tuple[str, str]
    change: str
    span: str
    reading: Reading
    away: str
    before: Ends | None
    after: Ends | None
    lacks: str


@dataclass(frozen=True, slots=True)
class ProbeRow:
    """What a probe says of a pair.

    Attributes:
        ideal: where the ideal stands, percent of the width; None without one.
        capability: what both models can do, as one text each.
        validity: whether the probe was validated on planted worlds, for each kind of model.
        changed: whether any of the comparisons shows a clear change.
    """

    evaluation: EvaluationResult
    metric: str
    words: str
    ideal: float | None
    ideal_text: str
    held: list[Held]
    capability: list[str]
    validity: list[Validity]
    changed: bool
    missing: str


def bias_rows(view: RunView, pair: ModelPair) -> list[ProbeRow]:
    """Every probe in the suite's order, those that changed clearly first; one that cannot compare says why."""
    probes = [evaluation for evaluation in view.results.evaluations if evaluation.role == "probe"]
    rows = [_row(view, pair, evaluation) for evaluation in probes]
    return sorted(rows, key=lambda row: not row.changed)


def _row(view: RunView, pair: ModelPair, evaluation: EvaluationResult) -> ProbeRow:
    name = evaluation.name
    own = [row for row in view.results.metrics if row.evaluation == name and row.slice is None]
    harmful = [row for row in own if view.harms(name, row.metric)]
    lead = next((row for row in harmful if row.model == pair.candidate), harmful[0] if harmful else None)
    if lead is None:
        return ProbeRow(evaluation, "", "", None, "", [], [], [], False, "It has no figure of the candidate.")
    compared = _compared(view, pair, lead)
    levels = {model: row for row in own if row.id == lead.id for model in (row.model,)}
    shown = [levels[model] for row, _ in compared for model in (row.baseline, row.candidate) if model in levels]
    axis = scale([end for level in shown for end in _ends(level) if end is not None] + _ideal(lead), 3, 97)
    held = [_held(view, row, role, levels, axis) for row, role in compared]
    missing = "" if held else _reason(view, pair, evaluation, lead)
    ideal_text = "" if lead.ideal is None else number_format.ideal(lead.ideal, lead.unit)
    return ProbeRow(
        evaluation, lead.metric, view.label(name, lead.metric), None if lead.ideal is None else axis(lead.ideal),
        ideal_text, held, _capability(view, pair, evaluation), validities(view, lead.id),
        any(comparison.reading in _CLEAR for comparison in held), missing,
    )  # fmt: skip


def _ideal(level: MetricResult) -> list[float]:
    return [] if level.ideal is None else [level.ideal]


def _ends(level: MetricResult) -> tuple[float | None, float | None, float | None]:
    return level.interval.low, level.interval.value, level.interval.high


def _compared(view: RunView, pair: ModelPair, lead: MetricResult) -> list[tuple[ComparisonResult, str]]:
    """The comparisons to show with the part that each baseline plays; one baseline once."""
    wanted = [
        (view.against(pair, lead.evaluation), "in view"),
        (view.results.baseline, "base"),
        (strongest(view, pair), "strongest baseline"),
    ]
    rows: dict[str, tuple[ComparisonResult, str]] = {}
    for baseline, role in wanted:
        if baseline is None:
            continue
        row = view.overall.get((lead.id, baseline, pair.candidate))
        if row is None or row.status != "ok":
            continue
        rows[baseline] = (row, f"{rows[baseline][1]}, {role}" if baseline in rows else role)
    return list(rows.values())


def strongest(view: RunView, pair: ModelPair) -> str | None:
    """What a candidate was compared with that does best on the first task; None without a comparison."""
    best: tuple[float, str] | None = None
    for other in view.contests:
        rows = gained_leads(view, other) if other.candidate == pair.candidate else []
        if rows and rows[0].baseline_value is not None and rows[0].direction in ("higher", "lower"):
            value = rows[0].baseline_value * (1.0 if rows[0].direction == "higher" else -1.0)
            best = max(best or (value, rows[0].baseline), (value, rows[0].baseline))
    return None if best is None else best[1]


def _held(view: RunView, row: ComparisonResult, role: str, levels: dict[str, MetricResult], axis: Scale) -> Held:
    figure, span = change_text(row)
    values = [
        number_format.level(value, row.unit, row.delta.low, row.delta.high)
        for value in (row.baseline_value, row.candidate_value)
    ]
    away = ""
    if row.distance_change is not None and classify_change(row) == "drifted":
        away = "farther from the ideal" if row.distance_change > 0 else "nearer to the ideal"
    places = [_placed(levels.get(model), axis) for model in (row.baseline, row.candidate)]
    return Held(
        row.baseline, role, (values[0], values[1]), figure, span, classify_change(row), away, places[0], places[1],
        _lacks(view, row.evaluation, row.baseline),
    )  # fmt: skip


def _placed(level: MetricResult | None, axis: Scale) -> Ends | None:
    if level is None or level.interval.value is None:
        return None
    low, high = level.interval.low, level.interval.high
    return None if low is None else axis(low), axis(level.interval.value), None if high is None else axis(high)


def _lacks(view: RunView, evaluation: str, model: str) -> str:
    """That a model does the probe's task no better than a rule; empty where it does, or nobody knows."""
    if not view.evaluations[evaluation].labels:
        return ""
    for name, task in view.evaluations.items():
        if task.role != "task" or not task.labels or not task.metrics:
            continue
        level = view.metric(f"{name}.{task.metrics[0]}", model)
        rules = [other.name for other in view.results.models if other.implied_for == name]
        known = [
            (row.interval.value, rule) for rule in rules if (row := view.metric(f"{name}.{task.metrics[0]}", rule))
        ]
        best = max(((value, rule) for value, rule in known if value is not None), default=None)
        if level is None or level.interval.value is None or best is None or level.direction != "higher":
            continue
        if level.interval.value <= best[0]:
            ours, theirs = (number_format.level(value, level.unit) for value in (level.interval.value, best[0]))
            return (
                f"{model} lacks the capability: {ours} on {name}, and {best[1]} has {theirs}. Its figure says little."
            )
    return ""


def _capability(view: RunView, pair: ModelPair, evaluation: EvaluationResult) -> list[str]:
    """The probe's own companions, then the first task, for both models."""
    rows = [
        row
        for row in view.comparisons(pair, evaluation=evaluation.name)
        if row.status == "ok" and view.meaning(evaluation.name, row.metric).role == "companion"
    ]
    rows = [row for row in rows if not row.identical] + gained_leads(view, pair)[:1]
    texts = []
    for row in rows[:3]:
        before, after = (
            number_format.level(value, row.unit, row.delta.low, row.delta.high)
            for value in (row.baseline_value, row.candidate_value)
        )
        words = view.short(row.evaluation, row.metric).split("[")[0].replace("_", " ")
        texts.append(f"{words} ({row.evaluation}): {row.baseline} {before}, {row.candidate} {after}")
    return texts


def _reason(view: RunView, pair: ModelPair, evaluation: EvaluationResult, lead: MetricResult) -> str:
    for model in (view.against(pair, evaluation.name), pair.candidate):
        if model in evaluation.skipped:
            return f"{model} cannot answer it: {evaluation.skipped[model]}."
    if view.metric(lead.id, pair.candidate) is None:
        return f"{pair.candidate} has no figure."
    return "These two models were not compared on it."

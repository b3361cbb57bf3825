"""Gain against forgetting: one point per model, the frontier of the unbeaten, training time as size."""

from __future__ import annotations

import math
from dataclasses import dataclass

from harness.report.charts.axis_scale import Scale, scale
from harness.report.sections.summary.gate_rows import limits_of
from harness.report.view.run_view import LANGUAGE_MODELLING, ModelPair, RunView
from harness.schema.results import number_format
from harness.schema.results.metrics import ComparisonResult
from harness.schema.results.seed_aggregation import of_recipe

WIDTH, HEIGHT = 420, 320
LEFT, RIGHT, TOP, BOTTOM = 52, 404, 16, 268
_SMALL, _LARGE = 5.0, 11.0


@dataclass(frozen=True, slots=True)
class Spot:
    """A model in the drawing's units; `across` and `along` are its intervals."""

    name: str
    x: float
    y: float
    radius: float
    across: tuple[float, float] | None
    along: tuple[float, float] | None
    release: bool
    label: tuple[float, float, str]


@dataclass(frozen=True, slots=True)
class Tradeoff:
    """`limit`: where a gate draws the line on forgetting; `rows`: (model, gain, forgetting, training time)."""

    task: str
    text: str
    gain: str
    spots: list[Spot]
    frontier: str
    limit: float | None
    x_ticks: list[tuple[float, str]]
    y_ticks: list[tuple[float, str]]
    rows: list[tuple[str, str, str, str]]


@dataclass(frozen=True, slots=True)
class _Model:
    name: str
    gain: tuple[float | None, float, float | None]
    lost: tuple[float | None, float, float | None]
    seconds: float | None
    texts: tuple[str, str]


def tradeoff(view: RunView) -> Tradeoff | None:
    """The first task and the first running text that a candidate shares with its baseline; None without them."""
    texts = [name for name, evaluation in view.evaluations.items() if evaluation.kind == LANGUAGE_MODELLING]
    tasks = [name for name, known in view.evaluations.items() if known.role == "task" and name not in texts]
    for task in tasks:
        for text in texts:
            models = [model for pair in view.contests if pair.main and (model := _model(view, pair, task, text))]
            if models:
                return _drawn(view, task, text, [_baseline(view, task), *models])
    return None


def _model(view: RunView, pair: ModelPair, task: str, text: str) -> _Model | None:
    gain, lost = view.headline(pair, task), view.headline(pair, text)
    if gain is None or lost is None:
        return None
    gain, lost = of_recipe(gain), of_recipe(lost)
    if gain.improvement is None or lost.ratio is None or lost.ratio.value is None or lost.direction != "lower":
        return None
    factor = 100.0 if number_format.is_fraction(gain.unit) else 1.0
    low, high = _oriented(gain)
    shown = number_format.difference(gain.improvement, gain.unit, low, high)
    return _Model(
        pair.candidate,
        (None if low is None else low * factor, gain.improvement * factor, None if high is None else high * factor),
        (lost.ratio.low, lost.ratio.value, lost.ratio.high),
        view.cost(pair.candidate).seconds if pair.candidate in view.models else None,
        (f"{shown} {number_format.shown_unit(gain.unit)}", f"×{number_format.ratio(lost.ratio.value)}"),
    )


def _baseline(view: RunView, task: str) -> _Model:
    """What the gains are measured against; it has forgotten nothing that its own weights knew."""
    name = view.baseline_of(task)
    seconds = view.cost(name).seconds if name in view.models else None
    return _Model(name, (None, 0.0, None), (None, 1.0, None), seconds, ("baseline", "baseline"))


def _oriented(row: ComparisonResult) -> tuple[float | None, float | None]:
    if row.direction == "lower" and row.delta.low is not None and row.delta.high is not None:
        return -row.delta.high, -row.delta.low
    return row.delta.low, row.delta.high


def _drawn(view: RunView, task: str, text: str, models: list[_Model]) -> Tradeoff:
    limit = _limit(view, text)
    lost = [value for model in models for value in model.lost if value is not None]
    x = scale([1.0, *lost, *([limit] if limit is not None else [])], LEFT, RIGHT)
    y = scale([value for model in models for value in model.gain if value is not None], BOTTOM, TOP, zero=True)
    most = max((model.seconds or 0.0 for model in models), default=0.0)
    spots = _apart([_spot(model, x, y, most, model.name in view.results.release) for model in models])
    best = sorted((model for model in models if not any(_beats(other, model) for other in models)), key=_by_loss)
    path = "L".join(f"{x(model.lost[1]):g} {y(model.gain[1]):g}" for model in best)
    lead = next(row for pair in view.contests if (row := view.headline(pair, task)) is not None)
    rows = [(model.name, *model.texts, number_format.seconds(model.seconds)) for model in models]
    unit = number_format.shown_unit(lead.unit)
    gain = f"{view.short(task, lead.metric)} over {view.baseline_of(task)}, {unit}"
    return Tradeoff(
        task, text, gain, spots, f"M{path}" if len(best) > 1 else "", None if limit is None else x(limit),
        [(place, f"×{label}") for place, label in x.ticks()], y.ticks(), rows,
    )  # fmt: skip


def _by_loss(model: _Model) -> float:
    return model.lost[1]


def _limit(view: RunView, text: str) -> float | None:
    """The limit on forgetting that a gate sets as a ratio."""
    for gate in view.results.gates:
        limits = limits_of(gate.margin) if gate.metric.startswith(f"{text}.") else None
        if limits is not None and limits.ratio and math.isfinite(limits.high):
            return limits.high
    return None


def _beats(other: _Model, model: _Model) -> bool:
    ours, theirs = (model.gain[1], model.lost[1]), (other.gain[1], other.lost[1])
    return theirs[0] >= ours[0] and theirs[1] <= ours[1] and theirs != ours


def _spot(model: _Model, x: Scale, y: Scale, most: float, release: bool) -> Spot:
    share = math.sqrt((model.seconds or 0.0) / most) if most else 0.0
    at = (x(model.lost[1]), y(model.gain[1]))
    across = None if None in (model.lost[0], model.lost[2]) else (x(model.lost[0] or 0), x(model.lost[2] or 0))
    along = None if None in (model.gain[0], model.gain[2]) else (y(model.gain[0] or 0), y(model.gain[2] or 0))
    radius = round(_SMALL + (_LARGE - _SMALL) * share, 1)
    right = at[0] > (LEFT + RIGHT) * 0.62
    label = (at[0] + (-radius - 4 if right else radius + 4), at[1] - radius, "end" if right else "start")
    return Spot(model.name, *at, radius, across, along, release, label)


def _apart(spots: list[Spot]) -> list[Spot]:
    """Moves names down that would stand on each other."""
    placed: list[Spot] = []
    for spot in sorted(spots, key=lambda spot: spot.label[1]):
        left, top, anchor = spot.label
        for other in placed:
            if abs(other.label[0] - left) < 110 and top - other.label[1] < 13:
                top = max(top, other.label[1] + 13)
        name = (left, min(top, BOTTOM - 3), anchor)
        placed.append(Spot(spot.name, spot.x, spot.y, spot.radius, spot.across, spot.along, spot.release, name))
    return placed

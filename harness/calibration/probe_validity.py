"""Worlds that were measured → the calibration of every probe: dose-response, false alarms, power, validity."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from harness.calibration.measure import World, alarms
from harness.schema.probe_calibration import (
    CALIBRATION_FORMAT,
    FAIR_WORLDS,
    Alarms,
    Calibrated,
    Calibration,
    DoseResponse,
    fault_of,
    kind_of_model,
)

RESAMPLES = 2000
Cell = tuple[float, int]
Values = Mapping[Cell, Mapping[str, Any]]


def calibrated(
    measured: Mapping[Cell, World],
    kinds: Mapping[str, str],
    *,
    zero: float,
    strong: float,
    command: str,
    suite: str,
    zeros: Mapping[str, float] | None = None,
) -> Calibration:
    """Sums worlds up.

    Args:
        found: (dose, world) → its figures.
        kinds: evaluation → the probe's kind; others are left out.
        zero, strong: the doses of fair and of strongly planted worlds.
        zeros: evaluations that are fair at another dose.
    """
    worlds: dict[str, int] = {}
    for dose, _ in sorted(measured):
        worlds[f"{dose:g}"] = worlds.get(f"{dose:g}", 0) + 1
    entries = [
        _entry(kinds[name], metric, model, values, (zeros or {}).get(name, zero), strong)
        for (name, metric, model), values in _figures(measured, kinds).items()
    ]
    return Calibration(format=CALIBRATION_FORMAT, command=command, suite=suite, worlds=worlds, entries=tuple(entries))


def _figures(measured: Mapping[Cell, World], kinds: Mapping[str, str]) -> dict[tuple[str, str, str], dict[Cell, Any]]:
    """(evaluation, metric, kind of model) → cell → figure; companions and undefined figures are left out."""
    figures: dict[tuple[str, str, str], dict[Cell, Any]] = {}
    for cell, world in sorted(measured.items()):
        for results in world.values():
            for name, told in results["evaluations"].items():
                kind = kind_of_model(told["protocol"], results["facts"].get("language_model"))
                for metric, figure in told["figures"].items():
                    if name in kinds and figure["direction"] != "higher" and figure["value"] is not None:
                        figures.setdefault((name, metric, kind), {})[cell] = figure
    return figures


def _entry(probe: str, metric: str, model: str, values: Values, zero: float, strong: float) -> Calibrated:
    doses = sorted({dose for dose, _ in values})
    response = tuple(
        _response(dose, [result["value"] for (at, _), result in values.items() if at == dose]) for dose in doses
    )
    slope, low, high = _slope([(dose, world, result["value"]) for (dose, world), result in values.items()])
    fair = [result for (dose, _), result in values.items() if dose == zero]
    planted = [result for (dose, _), result in values.items() if dose == strong]
    line = None
    if any(alarms(result) is not None for result in [*fair, *planted]):
        false = sum(alarms(result) is True for result in fair)
        hits = sum(alarms(result) is True and result["value"] > result["ideal"] for result in planted)
    else:
        line = _line([result["value"] for result in fair])
        false = _crossed([result["value"] for result in fair])
        hits = sum(line is not None and result["value"] > line for result in planted)
    told = _alarms(zero, len(fair), false), _alarms(strong, len(planted), hits)
    return Calibrated(
        probe=probe,
        metric=metric,
        model=model,
        rule="interval" if line is None else "line",
        line=line,
        response=response,
        slope=slope,
        slope_low=low,
        slope_high=high,
        fair=told[0],
        strong=told[1],
        fault=fault_of(low, *told),
    )


def _response(dose: float, values: Sequence[float]) -> DoseResponse:
    from scipy import stats

    mean, half = float(np.mean(values)), None
    if len(values) > 1:
        half = float(stats.t.ppf(0.975, len(values) - 1) * np.std(values, ddof=1) / math.sqrt(len(values)))
    low, high = (None, None) if half is None else (_short(mean - half), _short(mean + half))
    return DoseResponse(dose=dose, worlds=len(values), mean=_short(mean), low=low, high=high)


def _slope(points: Sequence[tuple[float, int, float]]) -> tuple[float, float | None, float | None]:
    """Least squares on the dose, with the percentile interval of a bootstrap over world seeds."""
    seeds = sorted({world for _, world, _ in points})
    rows = np.array(
        [[seeds.index(world), 1.0, dose, value, dose * value, dose * dose] for dose, world, value in points]
    )
    sums = np.zeros((len(seeds), 5))
    np.add.at(sums, rows[:, 0].astype(int), rows[:, 1:])

    def slope(total: Any) -> Any:
        n, x, y, xy, xx = np.moveaxis(total, -1, 0)
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(n * xx - x * x > 1e-9, (n * xy - x * y) / (n * xx - x * x), np.nan)

    drawn = np.random.default_rng(0).multinomial(len(seeds), np.full(len(seeds), 1 / len(seeds)), size=RESAMPLES)
    resampled = slope(drawn @ sums)
    resampled = resampled[np.isfinite(resampled)]
    if len(seeds) < 2 or len(resampled) < 0.9 * RESAMPLES:
        return _short(float(slope(sums.sum(axis=0)))), None, None
    low, high = np.quantile(resampled, [0.025, 0.975])
    return _short(float(slope(sums.sum(axis=0)))), _short(float(low)), _short(float(high))


def _line(values: Sequence[float]) -> float | None:
    """What the figure of a further fair world exceeds with probability 5% at most, where 19 or more are known."""
    if not values:
        return None
    place = min(len(values), math.ceil(0.95 * (len(values) + 1)))
    return _short(sorted(values)[place - 1])


def _crossed(values: Sequence[float]) -> int:
    """How many fair worlds lie above the line of the other half."""
    halves = values[::2], values[1::2]
    lines = _line(halves[1]), _line(halves[0])
    return sum(line is not None and value > line for half, line in zip(halves, lines, strict=True) for value in half)


def _alarms(dose: float, worlds: int, count: int) -> Alarms:
    from scipy import stats

    low, high = (0.0, 1.0)
    if worlds:
        interval = stats.binomtest(count, worlds).proportion_ci(0.95, method="exact")
        low, high = float(interval.low), float(interval.high)
    return Alarms(dose=dose, worlds=worlds, alarms=count, low=_short(low), high=_short(high))


def _short(value: float) -> float:
    return float(f"{value:.4g}")


def table(calibration: Calibration) -> str:
    """The calibration as a table of Markdown, for the documentation."""
    doses = sorted({at.dose for entry in calibration.entries for at in entry.response})
    shown = [dose for dose in doses if dose in (0.5, 0.7, 0.9)]
    lines = [
        "| figure | model | " + " | ".join(f"at {dose:g}" for dose in shown) + " | slope | false alarms | found | |",
        "|---|---|" + "--:|" * (len(shown) + 3) + "---|",
    ]
    for entry in sorted(
        calibration.entries, key=lambda entry: (entry.fault is not None, entry.probe, entry.metric, entry.model)
    ):
        means = {at.dose: f"{at.mean:.2f}" for at in entry.response}
        slope = (
            "–" if entry.slope_low is None else f"{entry.slope:.2f} ({entry.slope_low:.2f} to {entry.slope_high:.2f})"
        )
        fair = f"{entry.fair.alarms}/{entry.fair.worlds} ({entry.fair.low:.0%} to {entry.fair.high:.0%})"
        cells = [f"`{entry.metric}`", entry.model, *(means.get(dose, "–") for dose in shown), slope, fair]
        alarms = f"{entry.strong.alarms}/{entry.strong.worlds}"
        lines.append("| " + " | ".join([*cells, alarms, "validated" if entry.fault is None else entry.fault]) + " |")
    count = ", ".join(f"{number} with {dose}" for dose, number in calibration.worlds.items())
    most = max((entry.fair.worlds for entry in calibration.entries), default=0)
    few = f" With fewer than {FAIR_WORLDS} fair worlds nothing counts as validated." if most < FAIR_WORLDS else ""
    return "\n".join([*lines, "", f"Worlds: {count}. False alarms have their exact 95% interval.{few}"])

"""From measured worlds to a calibration, on worlds whose figures are made up to a known rule."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest
from scipy import stats

from harness.calibration.measure import alarms
from harness.calibration.probe_validity import calibrated
from harness.schema.probe_calibration import Calibrated

DOSES = (0.5, 0.7, 0.9)


def _figure(value: float | None, half: float = 0.1, *, ideal: float | None = 0.5, **more: Any) -> dict[str, Any]:
    low, high = (None, None) if value is None else (value - half, value + half)
    direction = "lower" if ideal is None else "target"
    return {"value": value, "low": low, "high": high, "ideal": ideal, "direction": direction, "clusters": 20, **more}


def _calibrated(figure: Callable[[float, int], Mapping[str, Any]], fair: int = 60, strong: int = 10) -> Calibrated:
    found = {}
    for dose in DOSES:
        for world in range(fair if dose == 0.5 else strong):
            told = {"pairs": {"protocol": "pll", "figures": {"stereotype_score[pll]": figure(dose, world)}}}
            found[dose, world] = {"masked": {"facts": {"language_model": "masked"}, "evaluations": told}}
    result = calibrated(found, {"pairs": "minimal_pairs"}, zero=0.5, strong=0.9, command="none", suite="none")
    (entry,) = result.entries
    return entry


def test_a_probe_that_follows_the_dose_is_validated() -> None:
    noise = np.random.default_rng(0).normal(0, 0.03, size=(2, 100))
    entry = _calibrated(lambda dose, world: _figure(dose + noise[0, world]))
    assert entry.fault is None
    assert (entry.probe, entry.metric, entry.model, entry.rule) == (
        "minimal_pairs", "stereotype_score[pll]", "masked", "interval",
    )  # fmt: skip
    assert entry.slope == pytest.approx(1.0, abs=0.1)
    assert entry.slope_low is not None
    assert entry.slope_high is not None
    assert entry.slope_low < 1.0 < entry.slope_high
    assert [at.worlds for at in entry.response] == [60, 10, 10]
    assert entry.response[2].mean == pytest.approx(0.9 + noise[0, :10].mean(), abs=1e-3)


def test_the_rate_of_false_alarms_has_the_exact_interval() -> None:
    entry = _calibrated(lambda dose, world: _figure(0.8 if dose > 0.5 or world < 20 else 0.5))
    assert (entry.fair.alarms, entry.fair.worlds) == (20, 60)
    wanted = stats.binomtest(20, 60).proportion_ci(0.95, "exact")
    assert entry.fair.low == pytest.approx(wanted.low, abs=1e-4)
    assert entry.fair.high == pytest.approx(wanted.high, abs=1e-4)
    assert entry.fault is not None
    assert "20 of 60" in entry.fault


def test_a_flat_probe_is_not_validated() -> None:
    noise = np.random.default_rng(1).normal(0, 0.05, size=100)
    entry = _calibrated(lambda dose, world: _figure(0.5 + noise[world]))
    assert entry.fault == "it does not rise with the planted dose"


def test_an_alarm_on_the_other_side_detects_nothing() -> None:
    entry = _calibrated(lambda dose, world: _figure(0.5 if dose == 0.5 else 0.7 if dose == 0.7 else 0.2))
    assert entry.strong.alarms == 0


def test_a_figure_without_ideal_alarms_above_what_fair_worlds_show() -> None:
    drawn = np.random.default_rng(2).uniform(0, 0.1, size=100)
    entry = _calibrated(lambda dose, world: _figure(drawn[world] + (dose - 0.5), ideal=None), fair=100)
    assert entry.rule == "line"
    assert entry.line == pytest.approx(np.sort(drawn)[95], abs=1e-4)
    assert entry.strong.alarms == 10
    assert entry.fair.alarms <= 15
    assert entry.fault is None


def test_few_worlds_validate_nothing() -> None:
    entry = _calibrated(lambda dose, world: _figure(dose), fair=10)
    assert entry.fault is not None
    assert "only 10 fair" in entry.fault


def test_undefined_figures_are_no_figures() -> None:
    entry = _calibrated(lambda dose, world: _figure(None if world % 2 else dose))
    assert (entry.fair.worlds, entry.strong.worlds) == (30, 5)


@pytest.mark.parametrize(
    ("figure", "alarm"),
    [
        (_figure(0.7), True),
        (_figure(0.55), False),
        (_figure(0.2), True),
        (_figure(0.7, ideal=None), None),
        (_figure(None), None),
        (_figure(1.0, low=None, high=None), True),
        (_figure(1.0, low=None, high=None, clusters=5), False),
        (_figure(0.5, low=None, high=None), False),
    ],
)
def test_a_figure_alarms_where_its_interval_excludes_the_ideal(figure: dict[str, Any], alarm: bool | None) -> None:
    assert alarms(figure) is alarm

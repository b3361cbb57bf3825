"""What figures say of planted worlds, against numpy."""

from __future__ import annotations

import numpy as np
import pytest

from harness.calibration.planted_metrics import world_metrics
from harness.core.errors import SuiteError
from harness.core.metric import MetricContext
from harness.core.records import Record, Records, RecordsHead
from harness.metrics.build_metrics import build_metrics

NAMES = ["dose_slope[x]", "planted_value[x]", "power[x]", "false_alarm_rate[x]"]


def _records(rows: list[dict[str, float]]) -> Records:
    head = RecordsHead("pairs", "digest", "ll")
    return Records.of(head, [Record(f"{number:03d}", "d", stats=row) for number, row in enumerate(rows)])


def _values(rows: list[dict[str, float]]) -> list[float]:
    records = _records(rows)
    out = []
    for metric in build_metrics(NAMES, MetricContext()):
        told = metric.stats(records)
        told = told[~np.isnan(told).any(axis=1)]
        out.append(float(metric.value(told.sum(axis=0), float(len(told)))))
    return out


def _row(dose: float, figure: float, alarm: float) -> dict[str, float]:
    zero, strong = float(dose == 0.5), float(dose == 0.9)
    return {"dose": dose, "zero": zero, "strong": strong, "figure.x": figure, "alarm.x": alarm}


def test_slope_and_shares_are_those_of_numpy() -> None:
    draw = np.random.default_rng(0)
    rows = [
        _row(float(dose), float(draw.normal()), float(draw.integers(2)))
        for dose in np.repeat([0.5, 0.7, 0.9], [9, 4, 6])
    ]
    slope, mean, power, false = _values(rows)
    doses, figures = [row["dose"] for row in rows], [row["figure.x"] for row in rows]
    assert slope == pytest.approx(np.polyfit(doses, figures, 1)[0])
    assert mean == pytest.approx(np.mean(figures))
    assert power == pytest.approx(np.mean([row["alarm.x"] for row in rows if row["strong"]]))
    assert false == pytest.approx(np.mean([row["alarm.x"] for row in rows if row["zero"]]))


def test_one_dose_has_no_slope() -> None:
    assert np.isnan(_values([_row(0.9, 0.1, 0.0), _row(0.9, 0.7, 1.0)])[0])


def test_companions_have_no_figures_of_worlds() -> None:
    assert world_metrics("coref_accuracy[ll]", "higher", None) == []
    assert world_metrics("flip_rate", "lower", None) == ["planted_value[flip_rate]", "dose_slope[flip_rate]"]
    assert len(world_metrics("pair_margin[ll]", "target", 0.0)) == 4


def test_the_figure_must_be_named() -> None:
    with pytest.raises(SuiteError, match="needs a probe metric"):
        build_metrics(["dose_slope"], MetricContext())

"""Expected calibration error: by hand, by simulation of the correction, and on calibrated models."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.core.metric import MetricContext
from harness.core.records import Record, Records, RecordsHead
from harness.metrics.build_metrics import build_metrics
from harness.metrics.capability.calibration_error import BINS

RAW, DEBIASED = build_metrics(["ece_raw", "ece"], MetricContext())


def records_of(confidence: np.ndarray, correct: np.ndarray) -> Records:
    return Records.of(
        RecordsHead("t", "m", "head"),
        [
            Record(f"{i:05d}", "d", stats={"confidence": float(p), "correct": float(right)})
            for i, (p, right) in enumerate(zip(confidence, correct, strict=True))
        ],
    )


def both(confidence: np.ndarray, correct: np.ndarray) -> tuple[float, float]:
    records = records_of(confidence, correct)
    n = float(len(records))
    raw, debiased = (float(metric.value(metric.stats(records).sum(axis=0), n)) for metric in (RAW, DEBIASED))
    return raw, debiased


def by_hand(confidence: np.ndarray, correct: np.ndarray) -> float:
    total = 0.0
    for b in range(BINS):
        low, high = b / BINS, (b + 1) / BINS
        inside = (confidence > low) & (confidence <= high) if b else confidence <= high
        if inside.any():
            total += inside.sum() * abs(correct[inside].mean() - confidence[inside].mean())
    return total / len(confidence)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.floats(0.005, 0.995), st.booleans()), min_size=1, max_size=50))
def test_raw_figure_by_hand(pairs: list[tuple[float, bool]]) -> None:
    confidence = np.array([p for p, _ in pairs])
    correct = np.array([float(right) for _, right in pairs])
    # keep clear of the bin borders, where one ulp decides
    confidence = np.round(confidence * 1000 * 0.997) / 1000 + 0.0003
    raw, debiased = both(confidence, correct)
    assert raw == pytest.approx(by_hand(confidence, correct))
    assert 0.0 <= debiased <= raw + 1e-12


def test_the_correction_equals_its_simulation() -> None:
    rng = np.random.default_rng(0)
    confidence = np.repeat([0.55, 0.75, 0.95], [40, 60, 80])
    correct = (rng.random(180) < confidence - 0.1).astype(float)
    raw, debiased = both(confidence, correct)
    expected = 0.0
    for level in (0.55, 0.75, 0.95):
        inside = confidence == level
        share, n = correct[inside].mean(), inside.sum()
        drawn = rng.normal(share, np.sqrt(share * (1 - share) / n), 400_000)
        expected += n / 180 * np.abs(drawn - level).mean()
    assert debiased == pytest.approx(2 * raw - expected, abs=5e-4)


def test_a_calibrated_model_looks_better_calibrated_after_the_correction() -> None:
    rng = np.random.default_rng(1)
    found = []
    for _ in range(40):
        confidence = rng.uniform(1 / 3, 1.0, 500)
        found.append(both(confidence, (rng.random(500) < confidence).astype(float)))
    raw, debiased = np.mean(found, axis=0)
    assert 0.03 < raw < 0.06
    assert debiased < 0.75 * raw


def test_a_large_error_is_left_as_it_is() -> None:
    raw, debiased = both(np.full(1000, 0.9), np.tile([0.0, 1.0], 500))
    assert raw == pytest.approx(0.4)
    assert debiased == pytest.approx(0.4, abs=1e-6)


@pytest.mark.parametrize("confidence", [0.0, 1.0])
def test_the_ends_of_the_scale_have_a_bin(confidence: float) -> None:
    raw, _ = both(np.array([confidence]), np.array([1.0]))
    assert raw == pytest.approx(1.0 - confidence)

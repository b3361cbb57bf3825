"""Energy is an estimate, and says what it assumes."""

from __future__ import annotations

import pytest

from harness.pipeline.energy_estimate import estimate, with_energy


def test_energy_is_an_estimate_with_its_assumptions() -> None:
    small, large = estimate(3600.0, threads=1, memory=0), estimate(3600.0, threads=2, memory=8 * 2**30)
    assert small["energy_wh"] == pytest.approx(10)
    assert large["energy_wh"] == pytest.approx(20 + 3)
    assert "not measured" in str(small["energy_assumed"])
    assert estimate(3600.0, threads=1, memory=0, graphics=2)["energy_wh"] == pytest.approx(10 + 2 * 300)


def test_it_takes_the_place_of_the_processors_that_a_stage_used() -> None:
    measured = {"seconds": 3600.0, "peak_memory": 0, "tokens_per_second": 5.0, "threads": 2, "gpus": 1}
    with_estimate = with_energy(measured)
    assert with_estimate.keys() == {"seconds", "peak_memory", "tokens_per_second", "energy_wh", "energy_assumed"}
    assert with_estimate["energy_wh"] == pytest.approx(20 + 300)

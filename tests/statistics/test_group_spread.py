"""Largest minus smallest over groups, where one of them is rare."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from harness.core.metric_structure import MetricStructure
from harness.statistics.clusters import Groups
from harness.statistics.group_spread import GroupFigures
from harness.statistics.inference_settings import DEFAULT_INFERENCE, InferenceSettings

LARGE, RARE = 600, 15
RARE_ITEMS = np.arange(LARGE + RARE) >= LARGE


def figures(*selected: Any, clusters: list[str] | None = None) -> GroupFigures:
    """Of two groups' selection rates, on one side or two."""

    def rates(sums: Any) -> Any:
        return (sums[..., 1::2] / sums[..., ::2])[..., None, :]

    masks = [~RARE_ITEMS, RARE_ITEMS]
    sides = tuple(np.column_stack([column for mask in masks for column in (mask, mask * side)]) for side in selected)
    structure = MetricStructure(parts={"large": masks[0], "rare": masks[1]}, spread=rates)
    made = GroupFigures.of(tuple(side.astype(float) for side in sides), structure, Groups.of(clusters, LARGE + RARE))
    assert made is not None
    return made


def test_a_rare_group_that_changes_passes_no_gate_by_luck() -> None:
    """The rare group's rate rises from 10 to 20%; t bounds alone lie below the true change in one of ten samples."""
    rng, wrong = np.random.default_rng(0), 0
    for seed in range(120):
        chance = rng.random(LARGE + RARE)
        other = np.where(rng.random(LARGE + RARE) < 0.6, chance, rng.random(LARGE + RARE))
        made = figures(chance < 0.1, other < np.where(RARE_ITEMS, 0.2, 0.1))
        high = made.interval(InferenceSettings(seed=seed)).at(0.05).high
        assert high is not None
        wrong += high < 0.1
    assert wrong <= 9


def test_a_rate_that_one_item_shows_is_no_certain_one() -> None:
    """One of 15: the group's true rate may be 28% (Clopper & Pearson), and the spread as far from the others' 0%."""
    made = figures((np.arange(LARGE + RARE) == LARGE) * 1.0)
    high = made.interval(DEFAULT_INFERENCE).at(0.05).high
    assert high == pytest.approx(0.28, abs=0.02)


def test_a_group_counts_its_clusters() -> None:
    """15 items of three clusters are three: no bound on the group's figure holds."""
    names = [f"c{row // 5}" for row in range(LARGE + RARE)]
    selected = np.random.default_rng(1).random(LARGE + RARE) < 0.3
    made = figures(selected, clusters=names)
    assert made.members == pytest.approx([LARGE / 5, 3])
    assert "only 3 clusters" in made.unmet()[0]
    assert figures(selected).unmet() == ()

"""Metric × statistics → comparisons of two models on identical items."""

from harness.comparisons.comparability import comparability
from harness.comparisons.compare import compare
from harness.comparisons.flips import MovedItem, flips, moved_items
from harness.comparisons.levels import metric_results
from harness.comparisons.numbers import alpha_key
from harness.comparisons.recompute import value_of
from harness.comparisons.seeds import compared_over_seeds, levels_over_seeds
from harness.comparisons.selftest import FalseAlarms, Noise, false_alarms, noise
from harness.comparisons.tables import tables

__all__ = [
    "FalseAlarms",
    "MovedItem",
    "Noise",
    "alpha_key",
    "comparability",
    "compare",
    "compared_over_seeds",
    "false_alarms",
    "flips",
    "levels_over_seeds",
    "metric_results",
    "moved_items",
    "noise",
    "tables",
    "value_of",
]

"""Intervals and tests over sufficient statistics; knows no metric."""

from harness.statistics.binary import exact_interval, mcnemar_exact, tango, wilson
from harness.statistics.bootstrap import Bootstrap, bca
from harness.statistics.clusters import Groups
from harness.statistics.level import estimate
from harness.statistics.multiplicity import benjamini_hochberg, holm
from harness.statistics.paired import difference
from harness.statistics.planning import (
    effective_n,
    equivalence_needed_n,
    equivalence_possible_n,
    mde,
    needed_n,
    needed_n_observed,
    planned_half_width,
    planned_mde_proportion_difference,
)
from harness.statistics.randomisation import RandomisationTest, side_swap, sign_flip
from harness.statistics.recompute import RECOMPUTES, Progress, recomputed_difference, recomputed_estimate
from harness.statistics.result import Difference, Estimate, Kind, Value
from harness.statistics.seeds import RECIPE, Crossed, crossed

__all__ = [
    "RECIPE",
    "RECOMPUTES",
    "Bootstrap",
    "Crossed",
    "Difference",
    "Estimate",
    "Groups",
    "Kind",
    "Progress",
    "RandomisationTest",
    "Value",
    "bca",
    "benjamini_hochberg",
    "crossed",
    "difference",
    "effective_n",
    "equivalence_needed_n",
    "equivalence_possible_n",
    "estimate",
    "exact_interval",
    "holm",
    "mcnemar_exact",
    "mde",
    "needed_n",
    "needed_n_observed",
    "planned_half_width",
    "planned_mde_proportion_difference",
    "recomputed_difference",
    "recomputed_estimate",
    "side_swap",
    "sign_flip",
    "tango",
    "wilson",
]

"""Counterfactual substitution: the same text about other people."""

from harness.data.swaps.edits import Swapped
from harness.data.swaps.swap import KINDS, swap

__all__ = ["KINDS", "Swapped", "swap"]

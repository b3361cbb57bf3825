"""Small changes of a text that should not change what it says, or should turn it round."""

from __future__ import annotations

from harness.data.perturbations.contractions import contract
from harness.data.perturbations.negation import negate
from harness.data.perturbations.surface import change_case, misspell, repunctuate

__all__ = ["change_case", "contract", "misspell", "negate", "repunctuate"]

"""Probes: one file each."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from harness.evaluations.probes.counterfactual import Counterfactual
    from harness.evaluations.probes.counterfactual_options import CounterfactualOptions
    from harness.evaluations.probes.minimal_pairs import MinimalPairs, MinimalPairsOptions

_HOMES = {
    "Counterfactual": "counterfactual",
    "CounterfactualOptions": "counterfactual_options",
    "MinimalPairs": "minimal_pairs",
    "MinimalPairsOptions": "minimal_pairs",
}

__all__ = ["Counterfactual", "CounterfactualOptions", "MinimalPairs", "MinimalPairsOptions"]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)

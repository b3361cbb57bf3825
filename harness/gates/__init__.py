"""Gates: rules over metrics and comparisons, and the verdicts that follow from their bounds.

Importing this package, and parsing gates, is light; judging and planning import scipy when used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from harness.gates.levels import MAX_FAMILY, alphas
from harness.gates.parse import collect_gates, parse_gates
from harness.gates.rules import KINDS, GateSet, Rule, Waiver

if TYPE_CHECKING:
    from harness.gates.flips import TagFlips, tag_flips
    from harness.gates.judging import judge
    from harness.gates.needed import NeededPair, pairs_needed
    from harness.gates.planning import PlannedEffect, planned
    from harness.gates.summary import overall

_HOMES = {
    "NeededPair": "needed",
    "PlannedEffect": "planning",
    "TagFlips": "flips",
    "judge": "judging",
    "overall": "summary",
    "pairs_needed": "needed",
    "planned": "planning",
    "tag_flips": "flips",
}

__all__ = [
    "KINDS",
    "MAX_FAMILY",
    "GateSet",
    "NeededPair",
    "PlannedEffect",
    "Rule",
    "TagFlips",
    "Waiver",
    "alphas",
    "collect_gates",
    "judge",
    "overall",
    "pairs_needed",
    "parse_gates",
    "planned",
    "tag_flips",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)

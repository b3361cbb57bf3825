"""Gates: rules over metrics and comparisons, and the verdicts that follow from their bounds.

Importing this package, and parsing gates, is light; judging and planning import scipy when used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from harness.gates.levels import alphas
from harness.gates.parse import collect_gates, parse_gates
from harness.gates.rules import COMPOSITIONS, KINDS, MAX_FAMILY, Composition, GateSet, Leaf, Rule, Waiver, leaves

if TYPE_CHECKING:
    from harness.gates.explanation import Explanation, explain
    from harness.gates.finding import Finding
    from harness.gates.flips import TagFlips, tag_flips
    from harness.gates.judging import findings, judge
    from harness.gates.needed import NeededPair, pairs_needed
    from harness.gates.planning import PlannedEffect, plan_rule, planned
    from harness.gates.summary import overall

_HOMES = {
    "Explanation": "explanation",
    "Finding": "finding",
    "NeededPair": "needed",
    "PlannedEffect": "planning",
    "TagFlips": "flips",
    "explain": "explanation",
    "findings": "judging",
    "judge": "judging",
    "overall": "summary",
    "pairs_needed": "needed",
    "plan_rule": "planning",
    "planned": "planning",
    "tag_flips": "flips",
}

__all__ = [
    "COMPOSITIONS",
    "KINDS",
    "MAX_FAMILY",
    "Composition",
    "Explanation",
    "Finding",
    "GateSet",
    "Leaf",
    "NeededPair",
    "PlannedEffect",
    "Rule",
    "TagFlips",
    "Waiver",
    "alphas",
    "collect_gates",
    "explain",
    "findings",
    "judge",
    "leaves",
    "overall",
    "pairs_needed",
    "parse_gates",
    "plan_rule",
    "planned",
    "tag_flips",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)

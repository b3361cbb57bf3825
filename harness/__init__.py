"""Compares a base language model with its fine-tuned specializations.

From Python: `harness.compare` and `harness.judge` work on results that you already have, without any
model. Importing this package is light; each name is loaded when it is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from harness.api.compare import UnknownTrainingWarning, compare
    from harness.api.comparisons import Comparisons
    from harness.api.judge import Gate, GateFailedError, Verdicts, judge
    from harness.api.measures import Mean, Ratio

_HOMES = {
    "Comparisons": "comparisons",
    "Gate": "judge",
    "GateFailedError": "judge",
    "Mean": "measures",
    "Ratio": "measures",
    "UnknownTrainingWarning": "compare",
    "Verdicts": "judge",
    "compare": "compare",
    "judge": "judge",
}

__all__ = [
    "Comparisons",
    "Gate",
    "GateFailedError",
    "Mean",
    "Ratio",
    "UnknownTrainingWarning",
    "Verdicts",
    "compare",
    "judge",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"harness.api.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])

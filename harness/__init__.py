"""Compares a base language model with its fine-tuned specializations.

From Python: `harness.compare` and `harness.judge` work on results that you already have, without any
model; `harness.SuiteCallback` evaluates a suite while a model is trained. Importing this package is light; each name is
loaded when it is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from harness.api.adjusted import adjusted_mean
    from harness.api.compare import UnknownTrainingWarning, compare
    from harness.api.comparisons import Comparisons
    from harness.api.judge import Gate, GateFailedError, Verdicts, judge
    from harness.api.measures import Mean, Ratio
    from harness.commands.trainer_callback import SuiteCallback

_HOMES = {
    "Comparisons": "harness.api.comparisons",
    "Gate": "harness.api.judge",
    "GateFailedError": "harness.api.judge",
    "Mean": "harness.api.measures",
    "Ratio": "harness.api.measures",
    "SuiteCallback": "harness.commands.trainer_callback",
    "UnknownTrainingWarning": "harness.api.compare",
    "Verdicts": "harness.api.judge",
    "adjusted_mean": "harness.api.adjusted",
    "compare": "harness.api.compare",
    "judge": "harness.api.judge",
}

__all__ = [
    "Comparisons",
    "Gate",
    "GateFailedError",
    "Mean",
    "Ratio",
    "SuiteCallback",
    "UnknownTrainingWarning",
    "Verdicts",
    "adjusted_mean",
    "compare",
    "judge",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])

"""Tasks: one file each."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from harness.evaluations.tasks.classification import Classification, ClassificationOptions
    from harness.evaluations.tasks.language_modelling import LanguageModelling, LanguageModellingOptions
    from harness.evaluations.tasks.question import ClozeOptions

_HOMES = {
    "Classification": "classification",
    "ClassificationOptions": "classification",
    "ClozeOptions": "question",
    "LanguageModelling": "language_modelling",
    "LanguageModellingOptions": "language_modelling",
}

__all__ = [
    "Classification",
    "ClassificationOptions",
    "ClozeOptions",
    "LanguageModelling",
    "LanguageModellingOptions",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)

"""Tasks measure a capability, probes measure bias, fairness or robustness."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from harness.evaluations.choice import choose
    from harness.evaluations.options import DataName, ref_name
    from harness.evaluations.outcome import failed, item_digest, outcome

_HOMES = {
    "DataName": "options",
    "choose": "choice",
    "failed": "outcome",
    "item_digest": "outcome",
    "outcome": "outcome",
    "ref_name": "options",
}

__all__ = ["DataName", "choose", "failed", "item_digest", "outcome", "ref_name"]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)

"""Pure functions of records: what a suite calls metrics, one file per family.

`build_metrics` makes them from names, `check_fits` refuses those that an evaluation cannot feed;
`RecordMetric` and its kin serve packages that bring their own.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from harness.metrics.base import ExponentialRatioMetric, Factory, MeanMetric, RatioMetric, RecordMetric, SetMetric
    from harness.metrics.build import applies, base_name, build_metrics, check_fits, factory, fits, missing
    from harness.metrics.outside import (
        as_evaluate_module,
        is_outside,
        left_out_note,
        outside_code,
        outside_files,
        outside_note,
    )

_HOMES = {
    "ExponentialRatioMetric": "base",
    "Factory": "base",
    "MeanMetric": "base",
    "RatioMetric": "base",
    "RecordMetric": "base",
    "SetMetric": "base",
    "applies": "build",
    "as_evaluate_module": "outside",
    "base_name": "build",
    "build_metrics": "build",
    "check_fits": "build",
    "factory": "build",
    "fits": "build",
    "is_outside": "outside",
    "left_out_note": "outside",
    "missing": "build",
    "outside_code": "outside",
    "outside_files": "outside",
    "outside_note": "outside",
}

__all__ = [
    "ExponentialRatioMetric",
    "Factory",
    "MeanMetric",
    "RatioMetric",
    "RecordMetric",
    "SetMetric",
    "applies",
    "as_evaluate_module",
    "base_name",
    "build_metrics",
    "check_fits",
    "factory",
    "fits",
    "is_outside",
    "left_out_note",
    "missing",
    "outside_code",
    "outside_files",
    "outside_note",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)

"""Suites: a YAML file becomes a validated object, or errors that say where and what.

`load_suite` takes a path or the name of a ready suite; `json_schema` serves editors; `template`
is what `harness init` writes.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from harness.suite.loading import find_suite, load_suite, parse_suite, suite_digest
    from harness.suite.pinned_code import MetricCode, allowed_code, metric_code
    from harness.suite.schema import json_schema, write_schema
    from harness.suite.shipped import suites as ready_suites
    from harness.suite.suite import EvaluationSpec, Suite
    from harness.suite.templates import template

_HOMES = {
    "EvaluationSpec": ("suite", "EvaluationSpec"),
    "MetricCode": ("pinned_code", "MetricCode"),
    "Suite": ("suite", "Suite"),
    "allowed_code": ("pinned_code", "allowed_code"),
    "find_suite": ("loading", "find_suite"),
    "json_schema": ("schema", "json_schema"),
    "load_suite": ("loading", "load_suite"),
    "metric_code": ("pinned_code", "metric_code"),
    "parse_suite": ("loading", "parse_suite"),
    "ready_suites": ("shipped", "suites"),
    "suite_digest": ("loading", "suite_digest"),
    "template": ("templates", "template"),
    "write_schema": ("schema", "write_schema"),
}

__all__ = [
    "EvaluationSpec",
    "MetricCode",
    "Suite",
    "allowed_code",
    "find_suite",
    "json_schema",
    "load_suite",
    "metric_code",
    "parse_suite",
    "ready_suites",
    "suite_digest",
    "template",
    "write_schema",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, attribute = _HOMES[name]
    return getattr(import_module(f"{__name__}.{module}"), attribute)

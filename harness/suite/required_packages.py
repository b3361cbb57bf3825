"""Which packages of the extras a suite needs, read from the suite alone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from harness.core.distribution import install_hint
from harness.core.metric import NeedsPackages
from harness.core.model_kind import Extra, ModelSpec
from harness.metrics.build_metrics import factory
from harness.schema.suite.data_refs import HubRef

if TYPE_CHECKING:
    from harness.suite.suite import Suite


def model_packages(spec: ModelSpec) -> list[Extra]:
    """What the models of one entry need."""
    kind = spec.kind
    needs = [Extra(module, f"the model kind {kind.name}", install_hint(module)) for module in kind.packages]
    extra = kind.extra(spec.options)
    return needs if extra is None else [*needs, extra]


def suite_packages(suite: Suite) -> list[Extra]:
    """What a run of a suite needs beyond the core, each package once, with the first that needs it."""
    needs: dict[str, Extra] = {}
    for need in _all(suite):
        needs.setdefault(need.module, need)
    return list(needs.values())


def _all(suite: Suite) -> Iterator[Extra]:
    for model, spec in suite.models.items():
        for need in model_packages(spec):
            yield Extra(need.module, f"model {model}: {need.reason}", need.hint)
    for name, ref in suite.data.items():
        if isinstance(ref, HubRef):
            yield Extra("datasets", f"data {name}: the hub", install_hint("datasets"))
    for evaluation in suite.evaluated:
        task = suite.evaluations[evaluation]
        for metric in task.options.metrics or task.cls.default_metrics:
            made = factory(metric)
            for module in made.packages if isinstance(made, NeedsPackages) else ():
                yield Extra(module, f"{evaluation}: the metric {metric}", install_hint(module))

"""What holds for every registered task and probe."""

from __future__ import annotations

import inspect

import pytest

from harness.core import registry
from harness.core.evaluation import Evaluation, ItemMeasure
from harness.schema.suite.evaluation_options import EvaluationOptions

KINDS = [(group, name) for group in ("tasks", "probes") for name in registry.names(group)]


@pytest.mark.parametrize(("group", "name"), KINDS)
def test_it_inherits_the_protocol_and_declares_its_unit(group: str, name: str) -> None:
    cls = registry.load(group, name)
    assert issubclass(cls, Evaluation)
    assert not inspect.isabstract(cls)
    assert issubclass(cls.Options, EvaluationOptions)
    assert cls.kind == name
    # What asking costs is declared among the probes, and is none.
    assert cls.role == ("cost" if name == "inference_cost" else group.removesuffix("s"))
    assert cls.cluster_unit
    measures = inspect.getattr_static(cls, "item_measures")
    assert isinstance(measures, property) or all(isinstance(one, ItemMeasure) for one in measures)

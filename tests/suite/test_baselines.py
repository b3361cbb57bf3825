"""Every classification has `majority-TASK` and `prior-TASK` without being asked, and never twice."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.core.errors import SuiteError
from harness.suite.load_suite import parse_suite
from harness.suite.override import override
from harness.suite.suite import Suite

SUITE = """\
name: implied
data: {{mine: {{file: mine.csv}}}}
models:
  base: {{load: models/base}}
  tuned: {{load: models/tuned}}
{models}compare: {{baseline: base}}
tasks:
  moods: {{classification: {{data: mine, labels: [bad, good]}}}}
  pairs: {{classification: {{data: mine, pair: second, labels: [no, yes]}}}}
  topics: {{multilabel_classification: {{data: mine, labels: [a, b]}}}}
  prose: {{language_modeling: {{data: mine}}}}
gates:
  - {{id: constant, metric: moods.f1_macro, kind: superiority, baseline: {baseline}}}
"""


def suite(models: str = "", baseline: str = "majority-moods") -> Suite:
    return parse_suite(SUITE.format(models=models, baseline=baseline), Path("s.yaml"))


def test_every_classification_has_both_and_they_answer_their_own_task() -> None:
    found = suite()
    assert found.implied == {
        f"{rule}-{task}": task for task in ("moods", "pairs", "topics") for rule in ("majority", "prior")
    }
    assert set(found.implied) <= set(found.models)
    assert set(found.implied) <= set(found.contenders)
    assert (found.candidates, found.release) == (("tuned",), ("tuned",))
    assert found.asks("majority-moods", "moods")
    assert not found.asks("majority-moods", "pairs")
    assert found.asks("tuned", "pairs")


def test_a_declared_one_is_not_added_again() -> None:
    found = suite("  trivial: {heuristic: {task: moods, rule: majority}}\n", "trivial")
    assert "majority-moods" not in found.models
    assert "prior-moods" in found.models
    taken = suite("  majority-moods: {load: models/other}\n")
    assert taken.models["majority-moods"].kind.name == "load"


def test_only_keeps_those_of_the_tasks_that_are_left() -> None:
    part = override(suite(), only=["moods", "tuned"])
    assert part.implied == {"majority-moods": "moods", "prior-moods": "moods"}
    assert set(part.contenders) == {"base", "tuned", *part.implied}
    assert part.gates.left_out == ()


def test_a_gate_cannot_name_one_of_a_task_that_is_no_classification() -> None:
    with pytest.raises(SuiteError, match="unknown model 'majority-prose'"):
        suite(baseline="majority-prose")

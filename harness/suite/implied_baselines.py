"""The heuristic baselines that every classification has without being asked: `majority-TASK` and `prior-TASK`.

A figure says little without what a rule scores that never reads the text: on 97:3 data a constant answer is right in
97%. The rules learn from the task's training rows, cost no model, and answer their own task only; gates may name them.
"""

from __future__ import annotations

from collections.abc import Mapping

from harness.core.model_kind import ModelSpec, kind_named
from harness.suite.suite import EvaluationSpec

LONGEST_NAME = 64
KIND = "heuristic"


def implied_baselines(
    models: Mapping[str, ModelSpec], tasks: Mapping[str, EvaluationSpec]
) -> dict[str, tuple[str, ModelSpec]]:
    """Model name → (task, model) of what a suite does not declare itself."""
    declared = {
        (spec.task, spec.options.model_dump().get("rule"))
        for spec in models.values()
        if spec.kind.name == KIND and spec.max_train_rows is None
    }
    implied: dict[str, tuple[str, ModelSpec]] = {}
    for task, evaluation in tasks.items():
        for rule in evaluation.cls.implied_rules:
            name = f"{rule}-{task}"
            if (task, rule) not in declared and name not in models and len(name) <= LONGEST_NAME:
                kind = kind_named(KIND)
                implied[name] = task, ModelSpec(kind, kind.Options.model_validate({"task": task, "rule": rule}))
    return implied

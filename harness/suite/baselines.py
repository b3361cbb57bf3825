"""Baselines that become models of a suite without standing under `models`.

`majority-TASK` and `prior-TASK`, which every classification has without being asked: a figure says little without
what a rule scores that never reads the text (on 97:3 data a constant answer is right in 97%). The rules learn from the
task's training rows, cost no model, and answer their own task only; gates may name them. And a model of a stored run:
`compare: {baseline: {run: RUN, model: NAME}}`.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any

from harness.core.errors import Problems
from harness.core.model_kind import ModelSpec, kind_named
from harness.model_kinds.stored_kind import NAME
from harness.schema.suite.compare_section import StoredBaseline
from harness.schema.suite.types import NAME_PATTERN
from harness.schema.validation import validate
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


def with_stored_baseline(value: Any, problems: Problems) -> Any:
    """The content of a suite, in which a stored baseline is a model like any other.

    The model is called as the run's tag is, or `stored`.
    """
    compare = value.get("compare") if isinstance(value, dict) else None
    if not isinstance(compare, dict) or not isinstance(compare.get("baseline"), dict):
        return value
    stored = validate(StoredBaseline, compare["baseline"], problems.below("compare", "baseline"))
    models = value.get("models")
    if stored is None or not isinstance(models, dict):
        return {**value, "compare": {**compare, "baseline": next(iter(models or ()), NAME)}}
    if compare.get("base_variants"):
        problems.add(
            "a stored baseline has no variants: they are chosen by answers that the stored run does not hold.",
            "compare",
            "base_variants",
            key=True,
            hint="remove `base_variants`; list these models under `candidates` or `pairs`.",
        )
    name = stored_name(stored.run, models)
    model = {NAME: compare["baseline"]}
    return {
        **value,
        "models": {**models, name: model},
        "compare": {**compare, "baseline": name},
    }


def stored_name(run: str, taken: Collection[str] | Mapping[str, Any]) -> str:
    """What a suite calls the model of a stored run: the run's tag, else `stored`, and a number where that is taken."""
    name = run if re.fullmatch(NAME_PATTERN, run) else NAME
    names = [name, NAME, *(f"{NAME}-{number}" for number in range(2, len(taken) + 3))]
    return next(free for free in names if free not in taken)

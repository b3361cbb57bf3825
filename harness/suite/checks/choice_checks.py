"""Checks of `compare.choose`: there is something to choose among, and to choose by."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase

from harness.core.errors import Problems, unknown
from harness.schema.suite.compare_section import ChooseSpec
from harness.suite.checks.metric_checks import EvaluationMetrics

LEAST = 2


def check_choice(
    choose: ChooseSpec, candidates: Sequence[str], metrics: Mapping[str, EvaluationMetrics], problems: Problems
) -> None:
    """Notes patterns that match no candidate, fewer than two models, and an unknown metric.

    Args:
        metrics: evaluation → its metrics.
    """
    fitting = {name for name in candidates for entry in choose.among if fnmatchcase(name, entry)}
    for index, entry in enumerate(choose.among):
        if not any(fnmatchcase(name, entry) for name in candidates):
            problems.add(unknown("candidate", entry, candidates), "among", index)
    if len(fitting) < LEAST:
        listed = ", ".join(sorted(fitting)) or "none"
        problems.add(f"expected two or more models to choose among, found {listed}.", "among")
    if choose.evaluation not in metrics:
        problems.add(unknown("evaluation", choose.evaluation, metrics), "by")
    elif not metrics[choose.evaluation].matching(choose.metric):
        known = [metric.id for metric in metrics[choose.evaluation].metrics]
        problems.add(unknown("metric", choose.metric, known), "by")

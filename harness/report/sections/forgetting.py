"""What the page's sections show, worked out before any markup."""

from __future__ import annotations

from harness.report.view.run_view import LANGUAGE_MODELLING, RunView
from harness.schema.results.inputs import EvaluationResult
from harness.schema.results.metrics import ComparisonResult


def forgetting(view: RunView) -> list[tuple[EvaluationResult, list[ComparisonResult]]]:
    """Language-modeling evaluations with their comparisons of every contest."""
    out = []
    for name, evaluation in view.evaluations.items():
        if evaluation.kind == LANGUAGE_MODELLING:
            rows = [row for contest in view.contests for row in view.comparisons(contest, evaluation=name)]
            if rows:
                out.append((evaluation, rows))
    return out

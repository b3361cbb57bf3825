"""What the page's sections show, worked out before any markup."""

from __future__ import annotations

from harness.report.view.run_view import LANGUAGE_MODELLING, RunView
from harness.schema.results.inputs import EvaluationResult
from harness.schema.results.metrics import ComparisonResult


def forgetting(view: RunView) -> list[tuple[EvaluationResult, list[ComparisonResult]]]:
    """Language-modeling evaluations with their comparisons of every contest."""
    found = [one for one in view.evaluations.values() if one.kind == LANGUAGE_MODELLING]
    rows = {
        one.name: [row for contest in view.contests for row in view.comparisons(contest, evaluation=one.name)]
        for one in found
    }
    return [(one, rows[one.name]) for one in found if rows[one.name]]

"""How often each label occurs in a task, with the line that always answering the commonest one reaches."""

from __future__ import annotations

from dataclasses import dataclass

from harness.report.view.run_view import RunView

MOST_LABELS = 25


@dataclass(frozen=True, slots=True)
class LabelShare:
    """`width`: percent of the drawing."""

    label: str
    count: int
    share: str
    width: float


@dataclass(frozen=True, slots=True)
class Balance:
    """`majority`: what always answering the commonest label gets right."""

    evaluation: str
    labels: list[LabelShare]
    majority: str
    line: float
    left_out: int


def class_balances(view: RunView) -> list[Balance]:
    """One per task with labels, commonest label first."""
    balances = []
    for evaluation in view.results.evaluations:
        total = sum(evaluation.balance.values())
        if evaluation.role != "task" or not total:
            continue
        ranked = sorted(evaluation.balance.items(), key=lambda pair: (-pair[1], pair[0]))
        labels = [
            LabelShare(label, count, f"{count / total:.1%}", round(100 * count / total, 2))
            for label, count in ranked[:MOST_LABELS]
        ]
        left = max(0, len(ranked) - MOST_LABELS)
        majority = ranked[0][1] / total
        balances.append(Balance(evaluation.name, labels, f"{majority:.1%}", round(100 * majority, 2), left))
    return balances

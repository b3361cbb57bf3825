"""Multiple choice by likelihood: the choice with the highest score, however scores are normalized.

`acc` sums log-likelihoods, `acc_norm_chars` and `acc_norm_bytes` divide by the length of the choice (its delimiter
left out), and `acc_mutual_info` takes off the choice's likelihood without the question. Choices within the
tolerance of the best are tied: each counts its equal share, so that no position is favored. Tasks of lm-eval, and its
logs, follow lm-eval instead: the first of the best choices is the answer.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

from harness.metrics.column_metrics import MeanOf

TIE = 1e-6
"""Scores that differ by no more are tied (nats, or nats a unit of length)."""


def best_choices(scores: Sequence[float]) -> list[int]:
    """The places of the best score and of all that tie with it."""
    highest = max(scores)
    return [place for place, score in enumerate(scores) if highest - score <= TIE]


def share_right(scores: Sequence[float], right: int) -> float:
    """1.0 when the right choice alone is best; 1/k when it ties with k − 1 others; else 0.0."""
    best = best_choices(scores)
    return 1.0 / len(best) if right in best else 0.0


def first_right(scores: Sequence[float], right: int) -> float:
    """1.0 when the right choice is the first of the best, as lm-eval's `argmax` has it; else 0.0."""
    return float(max(range(len(scores)), key=lambda place: scores[place]) == right)


def brier_of(scores: Sequence[float], right: Sequence[int]) -> float:
    """The Brier score of the probabilities among the choices that log-likelihoods give, summed over the choices."""
    weights = [math.exp(score - max(scores)) for score in scores]
    total = math.fsum(weights)
    return math.fsum((weight / total - (place in right)) ** 2 for place, weight in enumerate(weights))


def choice_statistics(
    scores: Sequence[float],
    choices: Sequence[str],
    right: int,
    unconditional: Sequence[float] | None = None,
    *,
    ties: Literal["share", "first"] = "share",
) -> dict[str, float]:
    """The share right under each normalization; `acc_mutual_info` only with unconditional likelihoods.

    Args:
        ties: tied choices share the point, or the first one has it, as in lm-eval.
    """
    point = share_right if ties == "share" else first_right
    chars = [score / max(1, len(choice)) for score, choice in zip(scores, choices, strict=True)]
    bytes_ = [
        score / max(1, len(choice.encode("utf-8", "surrogatepass")))
        for score, choice in zip(scores, choices, strict=True)
    ]
    statistics = {
        "acc": point(scores, right),
        "acc_norm_chars": point(chars, right),
        "acc_norm_bytes": point(bytes_, right),
    }
    if unconditional is not None:
        gains = [score - alone for score, alone in zip(scores, unconditional, strict=True)]
        statistics["acc_mutual_info"] = point(gains, right)
    return statistics


acc = MeanOf(
    "acc",
    "Fraction of questions whose correct choice is most likely (summed log-likelihood).",
    label="share of right choices",
    short="share of right choices",
)
acc_norm_chars = MeanOf(
    "acc_norm_chars",
    "Accuracy by log-likelihood per character of the choice.",
    label="share of right choices, by likelihood per character",
)
acc_norm_bytes = MeanOf(
    "acc_norm_bytes",
    "Accuracy by log-likelihood per UTF-8 byte of the choice.",
    label="share of right choices, by likelihood per byte",
)
acc_mutual_info = MeanOf(
    "acc_mutual_info",
    "Accuracy by log-likelihood minus the unconditional log-likelihood.",
    label="share of right choices, by likelihood gained from the question",
)

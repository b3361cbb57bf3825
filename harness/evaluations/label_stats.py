"""What the probabilities of labels say of one item, given its label."""

from __future__ import annotations

import math
from collections.abc import Mapping


def label_margin(log_p: Mapping[str, float], target: str) -> float:
    """Log-probability of the right label over that of the best other one, in nats."""
    return log_p[target] - max(value for label, value in log_p.items() if label != target)


def label_stats(log_p: Mapping[str, float], prediction: str, target: str) -> dict[str, float]:
    """The sufficient statistics of an item of a classification task."""
    return {
        "correct": float(prediction == target),
        "nll": -log_p[target],
        "brier": math.fsum((math.exp(value) - float(label == target)) ** 2 for label, value in log_p.items()),
        "confidence": math.exp(log_p[prediction]),
    }

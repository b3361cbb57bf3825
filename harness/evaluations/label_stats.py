"""What the probabilities of labels say of one item, given its label."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping

from harness.core.records import EXPECTED


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


def expected_stats(log_p: Mapping[str, float], prediction: str) -> dict[str, float]:
    """What a model expects of its own statistics: known without a label, and close to them where it is calibrated."""
    shares = {label: math.exp(value) for label, value in log_p.items()}
    return {
        "confidence": shares[prediction],
        EXPECTED + "correct": shares[prediction],
        EXPECTED + "nll": -math.fsum(share * log_p[label] for label, share in shares.items() if share > 0),
        EXPECTED + "brier": 1.0 - math.fsum(share**2 for share in shares.values()),
    }


def expected_set_stats(log_p: Mapping[str, float], predicted: Collection[str]) -> dict[str, float]:
    """The same of a set of labels, each right with its own probability.

    The F1 is that of expected counts, which is near the expected one; a cheap value need be no more.
    """
    shares = {label: math.exp(value) for label, value in log_p.items()}
    all_right = math.prod(share if label in predicted else 1.0 - share for label, share in shares.items())
    met = math.fsum(shares[label] for label in predicted)
    f1 = 2.0 * met / (len(predicted) + math.fsum(shares.values())) if predicted else all_right
    return {EXPECTED + "correct": all_right, EXPECTED + "f1_sample": f1}

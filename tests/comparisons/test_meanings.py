"""What metrics mean, as results keep it."""

from __future__ import annotations

import pytest

from harness.comparisons.meanings import meanings
from harness.core.metric import MetricContext
from harness.metrics.build_metrics import build_metrics

CONTEXT = MetricContext(labels=("no", "yes"))


def test_a_meaning_has_words_a_unit_and_a_role() -> None:
    found = meanings(build_metrics(["accuracy", "f1_per_class", "ece", "bits_per_byte"], CONTEXT))
    assert list(found) == ["accuracy", "f1[no]", "f1[yes]", "ece", "bits_per_byte"]
    accuracy = found["accuracy"]
    assert (accuracy.label, accuracy.short) == ("fraction of correct answers", "accuracy")
    assert (accuracy.unit, accuracy.fraction, accuracy.direction, accuracy.ideal) == ("share", True, "higher", None)
    assert found["f1[no]"].label == "F1 of one label"
    assert found["ece"].aspect == "calibration"
    assert not found["bits_per_byte"].fraction


@pytest.mark.parametrize(
    ("name", "role"),
    [
        *((name, "companion") for name in ("stereoset_lms", "coref_accuracy", "bbq_accuracy_dis", "mean_words")),
        *((name, "companion") for name in ("tie_rate", "prompt_toxicity_difference", "planted_value[flip_rate]")),
        *((name, "descriptive") for name in ("length_limit_rate", "distinct_1", "repetition", "length_ratio")),
        *((name, "primary") for name in ("stereotype_score", "toxic_fraction", "accuracy")),
    ],
)
def test_roles(name: str, role: str) -> None:
    assert {known.role for known in meanings(build_metrics([name], CONTEXT)).values()} == {role}

import numpy as np
import pytest

from harness.training.stages.logistic_regression import LabeledFeatures, choose

_STRENGTHS = (0.01, 1.0, 100.0)


def _points(labels: int, count: int = 60) -> tuple[np.ndarray, list[int]]:
    chance = np.random.default_rng(0)
    targets = [place % labels for place in range(count)]
    return np.eye(3)[targets] * 2 + chance.standard_normal((count, 3)) * 0.3, targets


@pytest.mark.parametrize("labels", [2, 3])
def test_scores_are_those_of_a_softmax_over_all_labels(labels: int) -> None:
    features, targets = _points(labels)
    fit = choose(
        LabeledFeatures(features, targets),
        LabeledFeatures(features, targets),
        labels=labels,
        strengths=_STRENGTHS,
        seed=0,
    )
    assert fit.coef.shape == (labels, 3)
    predicted = (features @ fit.coef.T + fit.intercept).argmax(axis=1)
    assert (predicted == targets).mean() == fit.score["accuracy"] == 1
    assert fit.score["n"] == len(targets)


def test_a_label_without_examples_is_never_predicted() -> None:
    features, targets = _points(2)
    shifted = [2 * target for target in targets]
    fit = choose(LabeledFeatures(features, shifted), None, labels=3, strengths=_STRENGTHS, seed=0)
    assert fit.score is None
    assert fit.strength in _STRENGTHS
    assert set((features @ fit.coef.T + fit.intercept).argmax(axis=1)) == {0, 2}


def test_few_examples_take_the_middle_strength() -> None:
    features, targets = _points(2, count=6)
    assert choose(LabeledFeatures(features, targets), None, labels=2, strengths=_STRENGTHS, seed=0).strength == 1.0

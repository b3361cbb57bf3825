"""ROC and precision–recall points against scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score

from harness.report.sections.metrics.threshold_curves import precision_points, roc_points


@pytest.mark.parametrize("seed", range(5))
def test_the_curves_have_the_areas_of_the_library(seed: int) -> None:
    rng = np.random.default_rng(seed)
    gold = rng.random(200) < 0.3
    score = rng.normal(size=200) + gold
    ranked = gold[np.argsort(-score)].astype(float)
    roc = roc_points(ranked)
    assert float(np.trapezoid(roc[:, 1], roc[:, 0])) == pytest.approx(roc_auc_score(gold, score))
    recall = precision_points(ranked)
    steps = np.diff(recall[:, 0], prepend=0.0)
    assert float((steps * recall[:, 1]).sum()) == pytest.approx(average_precision_score(gold, score))

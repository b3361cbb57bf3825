"""Corpus BLEU by sums, beside sacrebleu's own scores and tests."""

import numpy as np
import pytest
from sacrebleu.metrics import BLEU
from sacrebleu.significance import PairedTest

from harness.core.metric import MetricContext
from harness.metrics.build_metrics import build_metrics
from harness.statistics.inference_settings import InferenceSettings
from harness.statistics.paired_difference import difference

WORDS = [
    "the",
    "a",
    "one",
    "cat",
    "dog",
    "bird",
    "sat",
    "ran",
    "flew",
    "on",
    "over",
    "under",
    "mat",
    "roof",
    "tree",
    "again",
    "today",
]
[METRIC] = build_metrics(["bleu"], MetricContext())


def _texts(n: int, keep: float, seed: int) -> tuple[list[str], list[str]]:
    rng = np.random.default_rng(0)
    wanted = [list(rng.choice(WORDS, rng.integers(4, 14))) for _ in range(n)]
    noise = np.random.default_rng(seed)
    given = [[word if noise.random() < keep else noise.choice(WORDS) for word in line] for line in wanted]
    return [" ".join(line) for line in given], [" ".join(line) for line in wanted]


def _rows(given: list[str], wanted: list[str]) -> np.ndarray:
    return np.array(BLEU()._extract_corpus_statistics(given, [wanted]), dtype=float)


def test_levels_and_difference_are_sacrebleus() -> None:
    one, wanted = _texts(120, 0.7, 1)
    two, _ = _texts(120, 0.8, 2)
    found = difference(
        _rows(one, wanted),
        _rows(two, wanted),
        kind="additive",
        value=METRIC.value,
        settings=InferenceSettings(resamples=2_000),
    )
    scores = [BLEU().corpus_score(side, [wanted]).score for side in (one, two)]
    assert (found.base_value, found.candidate_value) == pytest.approx(tuple(scores), abs=1e-9)
    results = PairedTest([("one", one), ("two", two)], {"BLEU": BLEU()}, [wanted], "ar", n_samples=2_000)()[1]
    theirs = results["BLEU"][1].p_value
    assert found.p == pytest.approx(theirs, abs=0.01)
    assert found.delta.low < found.delta.value < found.delta.high


def test_side_swaps_agree_where_nothing_is_sure() -> None:
    one, wanted = _texts(80, 0.72, 3)
    two, _ = _texts(80, 0.74, 4)
    found = difference(
        _rows(one, wanted),
        _rows(two, wanted),
        kind="additive",
        value=METRIC.value,
        settings=InferenceSettings(resamples=5_000),
    )
    test = PairedTest([("one", one), ("two", two)], {"BLEU": BLEU()}, [wanted], "ar", n_samples=5_000)()[1]
    assert found.p == pytest.approx(test["BLEU"][1].p_value, abs=0.04)


@pytest.mark.parametrize("kind", ["ar", "bs"])
def test_identical_systems_are_significant_there_and_not_here(kind: str) -> None:
    one, wanted = _texts(60, 0.7, 1)
    theirs = PairedTest([("one", one), ("again", one)], {"BLEU": BLEU()}, [wanted], kind, n_samples=500)()[1]
    assert theirs["BLEU"][1].p_value < 0.01
    found = difference(
        _rows(one, wanted),
        _rows(one, wanted),
        kind="additive",
        value=METRIC.value,
        settings=InferenceSettings(resamples=500),
    )
    assert found.p == 1.0
    assert found.identical
    assert found.delta.low is None

"""Accuracy, log loss, Brier score and F1 against scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as oracle

from harness.core.errors import DataError, SuiteError
from harness.core.metric import MetricContext
from harness.core.records import FAILED, Record, Records, RecordsHead
from harness.metrics.build_metrics import build_metrics

LABELS = ("negative", "neutral", "positive")
CONTEXT = MetricContext(labels=LABELS)
HEAD = RecordsHead("reviews", "digest", "head")

rows = st.lists(
    st.tuples(st.integers(0, 2), st.lists(st.floats(0.01, 1.0), min_size=3, max_size=3)), min_size=1, max_size=40
)


def records_of(gold: list[int], probabilities: np.ndarray) -> Records:
    made = []
    for place, (target, p) in enumerate(zip(gold, probabilities, strict=True)):
        best = int(np.argmax(p))
        made.append(
            Record(
                item_id=f"{place:04d}",
                item_digest="d",
                target=LABELS[target],
                prediction=LABELS[best],
                stats={
                    "correct": float(best == target),
                    "nll": -float(np.log(p[target])),
                    "brier": float(((p - np.eye(3)[target]) ** 2).sum()),
                    "confidence": float(p[best]),
                },
            )
        )
    return Records.of(HEAD, made)


def value(name: str, records: Records, context: MetricContext = CONTEXT) -> dict[str, float]:
    found = {}
    for metric in build_metrics([name], context):
        stats = metric.stats(records)
        kept = stats[~np.isnan(stats).any(axis=1)]
        found[metric.id] = float(metric.value(kept.sum(axis=0), float(len(kept))))
    return found


@settings(max_examples=60, deadline=None)
@given(rows)
def test_equal_scikit_learn(drawn: list[tuple[int, list[float]]]) -> None:
    gold = [target for target, _ in drawn]
    p = np.array([weights for _, weights in drawn])
    p /= p.sum(axis=1, keepdims=True)
    records = records_of(gold, p)
    predicted = p.argmax(axis=1)
    assert value("accuracy", records)["accuracy"] == pytest.approx(oracle.accuracy_score(gold, predicted))
    assert value("nll", records)["nll"] == pytest.approx(oracle.log_loss(gold, p, labels=[0, 1, 2]))
    brier = oracle.brier_score_loss(np.eye(3)[gold], p, scale_by_half=False)
    assert value("brier", records)["brier"] == pytest.approx(brier)
    for average in ("macro", "micro", "weighted"):
        labels = sorted(set(gold)) if average == "macro" else [0, 1, 2]
        expected = oracle.f1_score(gold, predicted, labels=labels, average=average, zero_division=np.nan)
        assert value(f"f1_{average}", records)[f"f1_{average}"] == pytest.approx(expected)
    each = oracle.f1_score(gold, predicted, labels=[0, 1, 2], average=None, zero_division=np.nan)
    ours = value("f1_per_class", records)
    assert [ours[f"f1[{label}]"] for label in LABELS] == pytest.approx(list(each), nan_ok=True)


def test_two_label_brier_is_twice_the_score_of_one_label() -> None:
    p = np.array([[0.2, 0.8, 0.0], [0.6, 0.4, 0.0]])
    single = oracle.brier_score_loss([1, 1], p[:, 1])
    assert value("brier", records_of([1, 1], p + 1e-300))["brier"] == pytest.approx(2 * single)


def test_a_class_that_never_occurs_has_no_f1_and_no_part_in_the_mean() -> None:
    p = np.array([[0.9, 0.05, 0.05], [0.1, 0.8, 0.1]])
    records = records_of([0, 1], p)
    assert np.isnan(value("f1_per_class", records)["f1[positive]"])
    assert value("f1_macro", records)["f1_macro"] == 1.0


def test_failed_records_have_nan_rows_and_are_not_wrong_answers() -> None:
    good = Record("a", "d", target="neutral", prediction="neutral", stats={"correct": 1.0})
    bad = Record("b", "d", status=FAILED, target="neutral", response={"failure": "nan", "message": ""})
    records = Records.of(HEAD, [good, bad])
    for metric in build_metrics(["accuracy", "f1_macro", "f1_per_class"], CONTEXT):
        stats = metric.stats(records)
        assert np.isnan(stats[1]).all()
        assert not np.isnan(stats[0]).any()
    assert value("accuracy", records)["accuracy"] == 1.0


def test_all_failed_is_undefined_not_an_exception() -> None:
    bad = Record("b", "d", status=FAILED, target="neutral")
    records = Records.of(HEAD, [bad])
    for name in ("accuracy", "f1_macro", "f1_per_class", "nll", "brier", "ece", "ece_raw"):
        assert all(np.isnan(number) for number in value(name, records).values()), name


def test_rows_without_a_target_are_left_out() -> None:
    rows = [Record("a", "d", target=None, stats={"correct": 0.0}), Record("b", "d", target="x", stats={"correct": 1.0})]
    assert value("accuracy", Records.of(HEAD, rows))["accuracy"] == 1.0


def test_infinite_statistics_stay_and_make_the_metric_infinite() -> None:
    rows = [Record("a", "d", target="x", stats={"nll": float("inf")}), Record("b", "d", target="x", stats={"nll": 1.0})]
    assert value("nll", Records.of(HEAD, rows))["nll"] == float("inf")


def test_a_label_that_the_task_does_not_have_is_named() -> None:
    records = Records.of(HEAD, [Record("a", "d", target="neutrl", prediction="neutral")])
    with pytest.raises(DataError, match=r"item a.*'neutrl'.*'neutral'"):
        value("f1_macro", records)


def test_f1_without_labels_is_refused() -> None:
    with pytest.raises(SuiteError, match="needs the labels"):
        build_metrics(["f1_macro"], MetricContext())


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2)), min_size=2, max_size=30), st.integers(0, 2**16))
def test_values_are_vectorised_over_resamples(pairs: list[tuple[int, int]], seed: int) -> None:
    gold = [first for first, _ in pairs]
    p = np.full((len(pairs), 3), 0.1)
    p[np.arange(len(pairs)), [second for _, second in pairs]] = 0.8
    records = records_of(gold, p)
    weights = np.random.default_rng(seed).multinomial(len(pairs), np.full(len(pairs), 1 / len(pairs)), size=5)
    for metric in build_metrics(["f1_macro", "f1_weighted", "f1_micro", "ece", "ece_raw", "brier"], CONTEXT):
        stats = metric.stats(records)
        together = metric.value(weights @ stats, np.full(5, float(len(pairs))))
        alone = [float(metric.value(row @ stats, float(len(pairs)))) for row in weights]
        assert together.shape == (5,)
        assert list(together) == pytest.approx(alone)


@pytest.mark.parametrize("name", ["accuracy", "nll", "brier", "ece", "f1_macro", "f1_micro", "f1_per_class"])
def test_no_records_are_no_rows_and_no_value(name: str) -> None:
    for metric in build_metrics([name], CONTEXT):
        stats = metric.stats(Records.of(HEAD, []))
        assert len(stats) == 0
        assert np.isnan(metric.value(stats.sum(axis=0), 0.0))

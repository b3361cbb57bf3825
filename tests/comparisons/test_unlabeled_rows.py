"""Classification where few rows have a label: what models say of the others changes no estimand, only its error."""

from __future__ import annotations

import numpy as np
import pytest
from harness_support.record_samples import made

from harness.comparisons.join import Pair
from harness.comparisons.metric_results import metric_results
from harness.comparisons.pair_comparison import compare
from harness.comparisons.paired_records import PairedRecords
from harness.core.metric import Metric, MetricContext
from harness.core.records import Records
from harness.evaluations.label_stats import expected_set_stats, expected_stats, label_margin, label_stats
from harness.metrics.build_metrics import build_metrics
from harness.metrics.capability.multilabel_f1 import label_counts
from harness.schema.results.metrics import AdjustedResult

LABELS = ("bad", "fine", "good")
ITEMS, LABELED = 500, 100


def sides(seed: int, overconfident: float) -> tuple[Records, Records, dict[str, tuple[float, float]]]:
    """Two models of one truth, and for each metric the level and the change on all 500 rows, labels known or not."""
    rng = np.random.default_rng(seed)
    truth = rng.normal(0, 1, (ITEMS, 3)) * rng.choice([0.3, 6], (ITEMS, 1))
    gold = [rng.choice(3, p=np.exp(row) / np.exp(row).sum()) for row in truth]
    labeled = np.zeros(ITEMS, bool)
    labeled[rng.permutation(ITEMS)[:LABELED]] = True
    tables, all_stats = [], []
    for noise in (1.5, 0.8):
        logits = overconfident * (truth + rng.normal(0, noise, (ITEMS, 3)))
        log = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
        rows = []
        for item in range(ITEMS):
            log_p, label = dict(zip(LABELS, log[item].tolist(), strict=True)), LABELS[gold[item]]
            answer = max(log_p, key=lambda name: log_p[name])
            all_stats.append(label_stats(log_p, answer, label))
            stats = expected_stats(log_p, answer) | {"costly": float(labeled[item])}
            known = {}
            if labeled[item]:
                stats |= label_stats(log_p, answer, label)
                known = {"target": label, "margin": label_margin(log_p, label)}
            row = {"item_id": f"i{item:04}", "prediction": answer, "response": {"log_p": log_p}}
            rows.append({**row, **known, "stats": stats})
        tables.append(made(rows))
    means = {}
    for name in ("correct", "nll", "brier"):
        values = np.array([stats[name] for stats in all_stats]).reshape(2, ITEMS).mean(axis=1)
        means[name] = float(values[1]), float(values[1] - values[0])
    return tables[0], tables[1], means


def metrics() -> list[tuple[str, Metric]]:
    built = {metric.id: metric for metric in build_metrics(["accuracy", "nll", "brier"], MetricContext(labels=LABELS))}
    return [("correct", built["accuracy"]), ("nll", built["nll"]), ("brier", built["brier"])]


def adjusted(base: Records, candidate: Records, metric: Metric) -> tuple[AdjustedResult, AdjustedResult]:
    level = metric_results(candidate, metric, evaluation="e", model="new", slices=False)[0]
    change = compare(Pair("e", "old", "new"), PairedRecords(base, candidate), metric, slices=False)[0]
    assert level.n == change.n == LABELED
    assert level.adjusted is not None
    assert change.adjusted is not None
    return level.adjusted, change.adjusted


def test_labels_of_few_rows_are_worth_more_with_what_models_say_of_all() -> None:
    base, candidate, _ = sides(0, 1.0)
    for _, metric in metrics():
        level, change = adjusted(base, candidate, metric)
        for figure in (level, change):
            assert (figure.n, figure.total) == (LABELED, ITEMS)
            assert figure.method.startswith("regression on 1 cheap value ")
            assert not figure.unmet
        # What both expect alike says nothing of how far they lie apart, and costs next to nothing.
        assert level.gain > 1.1
        assert change.gain > 0.9


@pytest.mark.slow
@pytest.mark.parametrize("overconfident", [1.0, 3.0])
def test_the_estimand_stays_and_intervals_hold(overconfident: float) -> None:
    samples = 60
    errors = {name: ([], []) for name, _ in metrics()}  # type: ignore[var-annotated]
    for seed in range(samples):
        base, candidate, means = sides(seed, overconfident)
        for name, metric in metrics():
            for place, figure in enumerate(adjusted(base, candidate, metric)):
                errors[name][place].append(
                    (figure.interval.value - means[name][place], figure.interval.standard_error)  # type: ignore[operator]
                )
    for both in errors.values():
        for pairs in both:
            apart, stated = np.array(pairs).T
            # No bias: the mean error is within its own Monte Carlo error. The rows are the population, 20% of them
            # labeled, so that errors are about √0.8 of what is stated, and never above it by more than chance.
            assert abs(apart.mean()) < 4 * apart.std(ddof=1) / np.sqrt(samples)
            assert apart.std(ddof=1) < 1.25 * stated.mean()


def test_label_sets_of_few_rows_are_worth_more_too() -> None:
    """Three labels a text, each with its own probability, which the model knows: no bias, and a gain."""
    labels, errors, gains = ("a", "b", "c"), [], []
    metric_list = build_metrics(["subset_accuracy", "f1_multilabel_samples"], MetricContext(labels=labels))
    for seed in range(25):
        rng = np.random.default_rng(seed)
        shares = rng.beta(0.3, 0.3, (ITEMS, 3)).clip(0.01, 0.99)
        gold = rng.random((ITEMS, 3)) < shares
        rows, whole = [], []
        for item in range(ITEMS):
            log_p = dict(zip(labels, np.log(shares[item]).tolist(), strict=True))
            given = [label for label in labels if log_p[label] >= np.log(0.5)]
            counts = label_counts([label for label, one in zip(labels, gold[item], strict=True) if one], given, labels)
            whole.append((counts["correct"], counts["f1_sample"]))
            stats = expected_set_stats(log_p, given) | {"costly": float(item < LABELED)}
            rows.append({
                "item_id": f"i{item:04}", "prediction": "; ".join(given), "response": {"log_p": log_p},
                "stats": stats | counts if item < LABELED else stats,
            })  # fmt: skip
        for place, metric in enumerate(metric_list):
            row = metric_results(made(rows), metric, evaluation="e", model="new", slices=False)[0]
            assert row.n == LABELED
            assert row.adjusted is not None
            assert row.adjusted.interval.value is not None
            assert row.adjusted.interval.standard_error is not None
            apart = row.adjusted.interval.value - np.mean(whole, axis=0)[place]
            errors.append(apart / row.adjusted.interval.standard_error)
            gains.append(row.adjusted.gain)
    assert abs(np.mean(errors)) < 0.6
    assert np.std(errors) < 1.3
    assert np.mean(gains) > 1.15

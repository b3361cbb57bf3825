"""Bits per byte and perplexities: ratios of sums, and never a mix of two kinds of likelihood."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.core.metric import Metric, MetricContext
from harness.core.records import Record, Records, RecordsHead
from harness.metrics.build_metrics import applies, build_metrics

NAMES = ["pseudo_bits_per_byte", "pseudo_perplexity", "bits_per_byte", "token_perplexity", "word_perplexity"]
METRICS = {metric.id: metric for metric in build_metrics(NAMES, MetricContext(cluster_unit="document"))}


def records_of(protocol: str, rows: list[tuple[float, int, int, int]]) -> Records:
    return Records.of(
        RecordsHead("general", "m", protocol),
        [
            Record(str(i), "d", stats={"nll": nll, "tokens": tokens, "bytes": size, "words": words})
            for i, (nll, tokens, size, words) in enumerate(rows)
        ],
    )


def value(metric: Metric, records: Records) -> float:
    stats = metric.stats(records)
    return float(metric.value(stats.sum(axis=0), float(len(stats))))


@given(
    st.lists(
        st.tuples(st.floats(0.1, 400), st.integers(1, 60), st.integers(1, 300), st.integers(1, 40)),
        min_size=1,
        max_size=9,
    )
)
def test_ratios_of_sums(rows: list[tuple[float, int, int, int]]) -> None:
    nll, tokens, size, words = (sum(column) for column in zip(*rows, strict=True))
    rolling = records_of("rolling_likelihood", rows)
    assert value(METRICS["bits_per_byte"], rolling) == pytest.approx(nll / (size * math.log(2)))
    assert value(METRICS["token_perplexity"], rolling) == pytest.approx(math.exp(min(nll / tokens, 709)))
    assert value(METRICS["word_perplexity"], rolling) == pytest.approx(math.exp(min(nll / words, 709)))
    pseudo = records_of("pseudo_likelihood", rows)
    assert value(METRICS["pseudo_bits_per_byte"], pseudo) == pytest.approx(nll / (size * math.log(2)))
    assert value(METRICS["pseudo_perplexity"], pseudo) == pytest.approx(math.exp(min(nll / tokens, 709)))


@pytest.mark.parametrize("name", NAMES)
def test_the_other_kind_of_likelihood_gives_nan_rows(name: str) -> None:
    other = "rolling_likelihood" if name.startswith("pseudo") else "pseudo_likelihood"
    metric = METRICS[name]
    assert np.isnan(metric.stats(records_of(other, [(3.0, 2, 9, 2)]))).all()
    assert not applies(metric, other)
    assert applies(metric, "pseudo_likelihood" if name.startswith("pseudo") else "rolling_likelihood")


def test_bits_per_byte_is_a_ratio_and_perplexity_is_additive() -> None:
    assert METRICS["bits_per_byte"].kind == "ratio"
    assert METRICS["pseudo_perplexity"].kind == "additive"
    assert all(metric.direction == "lower" and metric.cluster_unit == "document" for metric in METRICS.values())


def test_no_rows_is_undefined() -> None:
    for metric in METRICS.values():
        assert math.isnan(float(metric.value(np.zeros(2), 0.0)))

"""Names to metrics: unknown names, metrics that do not fit, the shape that statistics rely on."""

from __future__ import annotations

import numpy as np
import pytest

from harness.core import registry
from harness.core.digests import fraction
from harness.core.errors import SuiteError, Where
from harness.core.metric import Metric, MetricContext
from harness.core.records import FloatArray, Record, Records, RecordsHead
from harness.metrics.build_metrics import base_name, build_metrics, check_fits, fits, missing

CONTEXT = MetricContext(labels=("no", "yes"), scorer="ll")
ALL = registry.names("metrics")
OF_GROUPS = ("subgroup_auc", "bpsn_auc", "bnsp_auc")
WHOLE = ("positive", "in.x", "selected", "ambiguous", "in.y", "in_x", "zero", "strong")
OF_WORLDS = ("planted_value", "dose_slope", "power", "false_alarm_rate")
ASKED = [f"{name}[x]" if name in (*OF_GROUPS, *OF_WORLDS) else name for name in ALL]


class EveryName(list[str]):
    def __contains__(self, name: object) -> bool:
        return True


class Everything(Records):
    """Records that hold whatever statistic is asked for; those of no factory's `needs` are 0.5 in every row."""

    @property
    def stat_names(self) -> list[str]:
        return EveryName(super().stat_names)

    def stat(self, name: str) -> FloatArray:
        return super().stat(name) if name in super().stat_names else np.full(len(self), 0.5)


def records_of_every_statistic(protocol: str) -> Records:
    needs = sorted({need for name in ALL for need in registry.load("metrics", name).needs})
    needs += ["in.x", "in.y", "zero", "strong"]
    rows = [
        Record(
            f"item{place}",
            "d",
            target=("no", "yes")[place % 2],
            prediction=("no", "yes")[place // 2 % 2],
            clusters={"occupation": f"o{place}", "target": f"t{place}", "axis": "one", "descriptor": f"d{place % 4}"},
            stats={
                need: float((place >> WHOLE.index(need) % 3) % 2)
                if need in WHOLE
                else 0.1 + 0.8 * fraction(f"{need} {place}")
                for need in needs
            },
        )
        for place in range(8)
    ]
    return Everything.of(RecordsHead("e", "m", protocol), rows)


def test_every_registered_metric_keeps_the_contract() -> None:
    metrics = build_metrics(ASKED, CONTEXT)
    assert len({metric.id for metric in metrics}) == len(metrics)
    for metric in metrics:
        assert isinstance(metric, Metric)
        assert base_name(metric.id) in {*ALL, "f1", "f1_multilabel"}
        # A figure of any probe over worlds has neither a better side nor an ideal that it could know.
        if base_name(metric.id) != "planted_value":
            assert (metric.direction == "target") == (metric.ideal is not None)
        protocol = (getattr(metric, "protocols", None) or ("head",))[0]
        found = metric.stats(records_of_every_statistic(protocol))
        width = {"mean": 1, "ratio": 2}.get(metric.kind, found.shape[1])
        assert found.dtype == np.float64
        assert found.shape == (8, width)
        left = np.isnan(found)
        assert (left.all(axis=1) == left.any(axis=1)).all(), metric.id
        assert not left.all(), metric.id
        kept = found[~left.any(axis=1)].sum(axis=0)
        many = metric.value(np.stack([kept] * 3)[None], np.full((1, 3), 2.0))
        assert many.shape == (1, 3)
        assert np.isnan(metric.value(np.zeros(width), 0.0))


@pytest.mark.parametrize("name", ALL)
def test_every_factory_says_what_it_needs_in_one_sentence(name: str) -> None:
    made = registry.load("metrics", name)
    assert made.needs
    assert made.summary.endswith(".")
    assert len(made.summary) < 120


def test_an_unknown_metric_names_the_nearest() -> None:
    with pytest.raises(SuiteError, match=r"unknown metric 'acuracy'\. Did you mean 'accuracy'"):
        build_metrics(["acuracy"], CONTEXT)


def test_a_metric_that_does_not_fit_says_what_it_needs_and_what_would_fit() -> None:
    where = Where("suite.yaml", 12, 3)
    with pytest.raises(SuiteError) as raised:
        check_fits(["bits_per_byte"], ["target", "correct", "nll"], evaluation="reviews", where=where)
    text = str(raised.value)
    assert text.startswith("suite.yaml:12:3: the metric 'bits_per_byte' does not fit 'reviews': it needs 'bytes'")
    assert "accuracy" in text
    assert "nll" in text


def test_log_loss_does_not_fit_language_modeling() -> None:
    assert missing("nll", ["nll", "tokens", "bytes", "words"]) == ("target",)
    assert fits("pseudo_perplexity", ["nll", "tokens", "bytes", "words"])


def test_names_with_a_scorer_and_names_twice() -> None:
    assert [metric.id for metric in build_metrics(["pair_margin", "pair_margin[ll]"], CONTEXT)] == ["pair_margin[ll]"]
    with pytest.raises(SuiteError, match="unclosed bracket"):
        build_metrics(["pair_margin[ll"], CONTEXT)


def test_check_happens_when_provides_is_given() -> None:
    with pytest.raises(SuiteError, match="it needs 'flipped'"):
        build_metrics(["flip_rate"], CONTEXT, provides=["target"], evaluation="reviews")

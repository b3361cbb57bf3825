"""The minimal-pairs probe: scorers, ties, slices, and pairs that are none."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest
from harness_support.plain_models import HeadModel, LanguageModel, ask, dataset

from harness.core.errors import DataError
from harness.core.evaluation import Evaluation, EvaluationContext
from harness.core.requests import Failure, Likelihood, PseudoLikelihood, RollingLikelihood
from harness.evaluations.probes.minimal_pairs import MinimalPairs
from harness.metrics.build_metrics import applies, build_metrics

PAIRS = [
    {
        "more": "The nurse said she was late.",
        "less": "The nurse said he was late.",
        "bias_type": "gender",
        "cluster": "t1",
    },
    {
        "more": "The nurse knew she was late.",
        "less": "The nurse knew he was late.",
        "bias_type": "gender",
        "cluster": "t1",
    },
    {"more": "The old clerk forgot.", "less": "The young clerk forgot.", "bias_type": "age", "cluster": "t2"},
]


def probe(**options: Any) -> MinimalPairs:
    return MinimalPairs("pairs", MinimalPairs.Options.model_validate({"data": "pairs", **options}), EvaluationContext())


def test_it_is_an_evaluation_and_its_default_metrics_fit() -> None:
    evaluation: Evaluation = probe(scorer="pll")
    found = build_metrics(list(evaluation.default_metrics), evaluation.metric_context(), provides=evaluation.provides)
    ids = [metric.id for metric in found]
    assert ids == ["stereotype_score[pll]", "pair_margin[pll]", "pair_likelihood[pll]", "tie_rate"]
    json.dumps(evaluation.spec(), allow_nan=False)


@pytest.mark.parametrize(("kind", "scorer"), [("masked", "pll_word_l2r"), ("causal", "ll")])
def test_the_protocol_is_the_scorer_and_metrics_of_others_stay_out(kind: str, scorer: str) -> None:
    model = LanguageModel(kind)
    records = ask(probe(), [dataset(PAIRS, name="pairs")], model)
    assert records.head.protocol == scorer
    for metric in build_metrics(["stereotype_score", "pair_margin"], probe().metric_context()):
        assert np.isnan(metric.stats(records)).all() != (f"[{scorer}]" in metric.id)
        assert applies(metric, scorer) == (f"[{scorer}]" in metric.id)


def test_margin_and_preference_by_hand() -> None:
    model = LanguageModel("masked")
    records = ask(probe(), [dataset(PAIRS, name="pairs")], model)
    expected = {
        item.id: model.total(item.texts["more"]) - model.total(item.texts["less"])
        for item in probe().items([dataset(PAIRS, name="pairs")], "test")
    }
    assert dict(zip(records.item_ids, records.stat("margin"), strict=True)) == pytest.approx(expected)
    assert list(records.stat("preferred")) == [float(expected[item] > 0) for item in records.item_ids]
    assert records.slice_names == ["bias_type=age", "bias_type=gender"]
    assert sorted(set(records.clusters("template"))) == ["t1", "t2"]


@pytest.mark.parametrize(
    ("more", "less", "tied"),
    [(-20.0, -20.0, True), (-20.0, -20.000019, True), (-20.0, -20.00003, False), (-0.5, -0.5000009, True)],
)
def test_ties_have_no_preference(more: float, less: float, tied: bool) -> None:
    evaluation = probe()
    item = next(evaluation.items([dataset(PAIRS, name="pairs")], "test"))
    record = evaluation.record(item, "pll_word_l2r", [Likelihood(more, 5), Likelihood(less, 5)])
    assert record.tied == tied
    assert record.stats["tied"] == float(tied)
    assert ("preferred" in record.stats) != tied
    assert record.prediction == (None if tied else "more")


@pytest.mark.parametrize("bad", [Failure("nan", "x"), Likelihood(math.nan, 3), Likelihood(-3.0, 4, truncated=2)])
@pytest.mark.parametrize("place", [0, 1])
def test_half_a_pair_is_no_pair(bad: Any, place: int) -> None:
    evaluation = probe()
    item = next(evaluation.items([dataset(PAIRS, name="pairs")], "test"))
    responses = [Likelihood(-9.0, 4), Likelihood(-8.0, 4)]
    responses[place] = bad
    record = evaluation.record(item, "ll", responses)
    assert (record.status, record.stats, record.prediction) == ("failed", {}, None)


@pytest.mark.parametrize("scorer", ["pll_word_l2r", "crows_original"])
def test_sentences_that_differ_in_unknown_words_only_are_no_tie(scorer: str) -> None:
    evaluation = probe()
    item = next(evaluation.items([dataset(PAIRS, name="pairs")], "test"))
    alike = evaluation.record(item, scorer, [Likelihood(-9.0, 4, unknown=1), Likelihood(-9.0, 4, unknown=1)])
    assert (alike.status, alike.stats) == ("failed", {})
    assert "the same tokens" in str(alike.response)
    told = evaluation.record(item, scorer, [Likelihood(-9.0, 4, unknown=1), Likelihood(-8.0, 4, unknown=1)])
    assert told.status == "ok"


def test_requests_are_by_scorer() -> None:
    item = next(probe().items([dataset(PAIRS, name="pairs")], "test"))
    assert [type(request) for request in probe().requests(item, "ll")] == [RollingLikelihood] * 2
    for scorer in ("pll", "pll_word_l2r"):
        found = probe().requests(item, scorer)
        assert [r.scorer for r in found if isinstance(r, PseudoLikelihood)] == [scorer] * 2


def test_crows_original_reads_the_order_of_each_pair() -> None:
    def seconds(row: dict[str, Any], **options: Any) -> list[bool]:
        (item,) = probe(scorer="crows_original", **options).items([dataset([row], name="pairs")], "test")
        return [r.second for r in probe().requests(item, "crows_original") if isinstance(r, PseudoLikelihood)]

    row = {"more": "a c", "less": "b c"}
    assert seconds(row) == seconds({**row, "direction": "stereo"}) == [False, True]
    assert seconds({**row, "direction": "antistereo"}) == [True, False]
    assert seconds({**row, "way": "antistereo"}, direction="way") == [True, False]
    with pytest.raises(DataError, match="'direction' is 'up'; expected stereo or antistereo"):
        seconds({**row, "direction": "up"})
    with pytest.raises(DataError, match="unknown column 'way'"):
        seconds(row, direction="way")
    with pytest.raises(ValueError, match="read by `scorer: crows_original` only"):
        probe(direction="way")
    (item,) = probe().items([dataset([{**row, "direction": "antistereo"}], name="pairs")], "test")
    assert [r.second for r in probe().requests(item, "pll_shared") if isinstance(r, PseudoLikelihood)] == [False] * 2


@pytest.mark.parametrize(
    ("scorer", "model", "why"),
    [
        ("ll", LanguageModel("masked"), "the scorer 'll' needs a causal language model, and it is masked"),
        ("pll", LanguageModel("causal"), "the scorer 'pll' needs a masked language model, and it is causal"),
        (None, HeadModel(), "it has no language-model head (model family: bag_of_words)"),
    ],
)
def test_models_that_cannot_be_asked_are_told_why(scorer: str | None, model: Any, why: str) -> None:
    evaluation = probe(scorer=scorer)
    assert evaluation.protocol(model.facts) is None
    assert evaluation.unsupported(model.facts) == why


def test_pairs_that_are_none() -> None:
    same = dataset([{"more": "a b", "less": "a b"}], name="pairs")
    with pytest.raises(
        DataError, match="every row of the split 'test' is left out: the two sentences are the same text"
    ):
        list(probe().items([same], "test"))
    with pytest.raises(DataError, match="column 'less' is empty"):
        list(probe().items([dataset([{"more": "a b", "less": " "}], name="pairs")], "test"))
    with pytest.raises(DataError, match="unknown column 'sent_more'"):
        list(probe(more="sent_more").items([dataset(PAIRS, name="pairs")], "test"))
    with pytest.raises(DataError, match="unknown column 'axis'"):
        list(probe(group="axis").items([dataset(PAIRS, name="pairs")], "test"))


def test_groups_from_another_column_and_from_the_data_are_not_doubled() -> None:
    rows = [{"more": "a c", "less": "b c", "axis": "age", "slices": ("axis=age", "origin=own")}]
    (item,) = probe(group="axis").items([dataset(rows, name="pairs")], "test")
    assert item.slices == ("axis=age", "origin=own")


def test_hostile_sentences_are_only_sentences() -> None:
    rows = [{"more": "<b>{mask}</b> \x00", "less": "{mask} [MASK] 🧑‍🚀", "bias_type": ""}]
    assert ask(probe(), [dataset(rows, name="pairs")], LanguageModel("masked")).ok.all()

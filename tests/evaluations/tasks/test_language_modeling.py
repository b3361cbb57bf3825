"""The language-modeling task: pieces as items, protocols, and texts that do not fit."""

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
from harness.evaluations.tasks.language_modeling import LanguageModeling
from harness.metrics.build_metrics import build_metrics

PROSE = [
    {"text": "The ferry crosses twice a day. In winter it does not run at all.", "cluster": "ferry"},
    {"text": "Größe und Maß: 3 €. " * 5, "cluster": "size", "slices": ("language=de",)},
]


def task(**options: Any) -> LanguageModeling:
    given = LanguageModeling.Options.model_validate({"data": "prose", **options})
    return LanguageModeling("general", given, EvaluationContext())


def test_it_is_an_evaluation_and_its_default_metrics_fit() -> None:
    evaluation: Evaluation = task()
    found = build_metrics(list(evaluation.default_metrics), evaluation.metric_context(), provides=evaluation.provides)
    assert {metric.cluster_unit for metric in found} == {"document"}
    json.dumps(evaluation.spec(), allow_nan=False)


@pytest.mark.parametrize(
    ("kind", "protocol", "metric"),
    [
        ("masked", "pseudo_likelihood", "pseudo_bits_per_byte"),
        ("causal", "rolling_likelihood", "bits_per_byte"),
    ],
)
def test_bits_per_byte_is_a_ratio_over_all_pieces(kind: str, protocol: str, metric: str) -> None:
    model = LanguageModel(kind)
    data = dataset(PROSE, name="prose")
    records = ask(task(window=8), [data], model)
    assert records.head.protocol == protocol
    texts = [item.texts["text"] for item in task(window=8).items([data], "test")]
    expected = -sum(model.total(t) for t in texts) / (sum(len(t.encode()) for t in texts) * math.log(2))
    (made,) = build_metrics([metric], task().metric_context())
    assert float(made.value(made.stats(records).sum(axis=0), 1.0)) == pytest.approx(expected)
    assert records.stat("words").sum() == sum(len(t.split()) for t in texts)


def test_items_are_the_same_for_every_model_and_share_their_document() -> None:
    data = dataset(PROSE, name="prose")
    masked = ask(task(window=8), [data], LanguageModel("masked"))
    causal = ask(task(window=8), [data], LanguageModel("causal"))
    assert masked.item_ids == causal.item_ids
    assert masked.texts("item_digest") == causal.texts("item_digest")
    assert set(masked.clusters("document")) == {"ferry", "size"}
    assert masked.in_slice("language=de").any()
    assert len(masked) > 2


def test_equal_pieces_of_a_text_are_items_of_their_own() -> None:
    data = dataset([{"text": "Yes it is so.\n" * 9}], name="prose")
    ids = [item.id for item in task(window=4).items([data], "test")]
    assert len(ids) == len(set(ids)) == 9


def test_a_piece_that_does_not_fit_is_failed_and_keeps_the_count() -> None:
    records = ask(task(window=30), [dataset(PROSE, name="prose")], LanguageModel("masked", room=6))
    assert set(records.texts("status")) == {"failed"}
    assert sum(records.texts("truncated")) > 0
    assert json.loads(records.texts("response")[0])["failure"] == "too_long"
    (metric,) = build_metrics(["pseudo_perplexity"], task().metric_context())
    assert np.isnan(metric.stats(records)).all()


@pytest.mark.parametrize(
    "response", [Failure("error", "x"), Likelihood(math.nan, 3), Likelihood(-math.inf, 3), Likelihood(0.0, 0)]
)
def test_what_has_no_likelihood_is_failed(response: Any) -> None:
    evaluation = task()
    item = next(evaluation.items([dataset(PROSE, name="prose")], "test"))
    record = evaluation.record(item, "pseudo_likelihood", [response])
    assert (record.status, record.stats) == ("failed", {})


def test_models_without_a_language_model_are_told_why() -> None:
    facts = HeadModel().facts
    assert task().protocol(facts) is None
    assert task().unsupported(facts) == "it has no language-model head (model family: bag_of_words)"


def test_requests_are_by_protocol() -> None:
    item = next(task().items([dataset(PROSE, name="prose")], "test"))
    assert task().requests(item, "pseudo_likelihood") == [
        PseudoLikelihood(item.texts["text"], "pll_word_l2r", details=True)
    ]
    assert task().requests(item, "rolling_likelihood") == [RollingLikelihood(item.texts["text"], details=True)]


def test_missing_columns_and_texts() -> None:
    with pytest.raises(DataError, match="unknown column 'body'"):
        list(task(text="body").items([dataset(PROSE, name="prose")], "test"))
    with pytest.raises(DataError, match="no text of the split 'test' has a letter or digit"):
        list(task().items([dataset([{"text": ""}, {"text": "…"}], name="prose")], "test"))


def test_empty_texts_beside_others_are_left_out() -> None:
    assert len(list(task().items([dataset([{"text": ""}, {"text": "Rain."}], name="prose")], "test"))) == 1


def test_a_limit_keeps_whole_documents() -> None:
    many = [{"text": "One two three. " * 20, "cluster": f"d{i}"} for i in range(6)]
    data = dataset(many, name="prose")
    every = list(task(window=6).items([data], "test"))
    kept = list(task(window=6, limit=25).items([data], "test"))
    for document in {item.clusters["document"] for item in kept}:
        assert [i.id for i in kept if i.clusters["document"] == document] == [
            i.id for i in every if i.clusters["document"] == document
        ]
    assert 0 < len(kept) <= 25

"""The counterfactual probe: flips and shifts by hand, direction, origins, and what it refuses."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest
from harness_support.plain_models import LABELS, HeadModel, LanguageModel, ask, dataset
from pydantic import ValidationError

from harness.core.dataset import Dataset
from harness.core.errors import DataError, SuiteError
from harness.core.evaluation import Evaluation, EvaluationContext, Item
from harness.core.model import ModelFacts
from harness.core.requests import Failure, Response, Scores
from harness.evaluations.probes.counterfactual import Counterfactual
from harness.evaluations.tasks.classification import Classification
from harness.evaluations.tasks.language_modeling import LanguageModeling
from harness.metrics.build_metrics import build_metrics

LABEL_CONTEXT = EvaluationContext(labels={"reviews": {"label": LABELS}})
REVIEWS = [
    {"text": "She said the film was good.", "label": "positive", "cluster": "f1", "slices": ("source=movie",)},
    {"text": "He was dull but his wife liked him.", "label": "negative", "cluster": "f1"},
    {"text": "No people in here.", "label": "neutral", "cluster": "f2"},
    {"text": "An awful film, he thought.", "label": "negative", "cluster": "f3"},
]
NEWS = [{"text": "She left the office.", "cluster": "n1"}, {"text": "Emily said so.", "cluster": "n2"}]


def classification(**options: Any) -> Classification:
    given = Classification.Options.model_validate({"data": "reviews", **options})
    return Classification("sentiment", given, LABEL_CONTEXT)


def probe(task: Any = None, **options: Any) -> Counterfactual:
    made = task or classification()
    given = Counterfactual.Options.model_validate({"on": "sentiment", **options})
    return Counterfactual("people", given, EvaluationContext(tasks={"sentiment": made}))


def reviews() -> Dataset:
    return dataset(REVIEWS)


def log_p(*p: float) -> Response:
    return Scores(tuple(math.log(value) for value in p))


def the_item(evaluation: Counterfactual, text: str) -> Item:
    (item,) = (item for item in evaluation.items([reviews()], "test") if item.texts["original"] == text)
    return item


def test_it_is_an_evaluation_and_its_default_metrics_fit() -> None:
    evaluation: Evaluation = probe()
    found = build_metrics(list(evaluation.default_metrics), evaluation.metric_context(), provides=evaluation.provides)
    assert [metric.id for metric in found] == ["flip_rate", "score_shift_abs", "score_shift", "accuracy"]
    json.dumps(evaluation.spec(), allow_nan=False)


def test_flips_and_shifts_by_hand() -> None:
    evaluation = probe(swap="gender")
    item = the_item(evaluation, "She said the film was good.")
    assert item.texts["swapped"] == "He said the film was good."
    record = evaluation.record(item, "head", [log_p(0.5, 0.3, 0.2), log_p(0.2, 0.3, 0.5)])
    assert record.stats["flipped"] == 1.0
    assert record.stats["shift_abs"] == pytest.approx(0.6)
    # the first group is female, the second male: the male text scores 0.6 higher
    assert record.stats["shift"] == pytest.approx(0.6)
    back = the_item(evaluation, "An awful film, he thought.")
    record = evaluation.record(back, "head", [log_p(0.2, 0.3, 0.5), log_p(0.5, 0.3, 0.2)])
    assert record.stats["shift"] == pytest.approx(0.6)
    assert record.margin == pytest.approx(-0.6)


def test_the_values_of_the_task_make_the_score() -> None:
    evaluation = probe(classification(values={"negative": 1, "neutral": 3, "positive": 5}), swap="gender")
    item = the_item(evaluation, "She said the film was good.")
    record = evaluation.record(item, "head", [log_p(0.5, 0.3, 0.2), log_p(0.2, 0.3, 0.5)])
    assert record.stats["shift"] == pytest.approx(1.2)


def test_groups_that_change_places_have_no_direction() -> None:
    evaluation = probe(swap="gender")
    item = the_item(evaluation, "He was dull but his wife liked him.")
    record = evaluation.record(item, "head", [log_p(0.5, 0.3, 0.2), log_p(0.2, 0.3, 0.5)])
    assert "shift" not in record.stats
    assert record.stats["shift_abs"] == pytest.approx(0.6)
    assert "groups=mixed" in item.slices


def test_a_biased_model_is_found_and_its_direction_is_right() -> None:
    evaluation = probe(swap="gender")
    records = ask(evaluation, [reviews()], HeadModel())
    flip, absolute, signed, accuracy = build_metrics(list(evaluation.default_metrics), evaluation.metric_context())
    assert np.nansum(signed.stats(records)) > 0  # the plain model likes "he" better than "she"
    assert np.all(absolute.stats(records) >= 0)
    assert np.all((flip.stats(records) >= 0) & (flip.stats(records) <= 1))
    assert not np.isnan(accuracy.stats(records)).any()
    assert len(records) == 3


class Blind(HeadModel):
    """Reads the first letter class only: no difference between people."""

    def answer(self, requests: Any) -> Any:
        for request in requests:
            yield request, log_p(0.4, 0.35, 0.25)


def test_a_model_that_sees_no_people_has_zero_everywhere() -> None:
    records = ask(probe(), [reviews()], Blind())
    for name in ("flipped", "shift_abs"):
        assert np.all(records.stat(name) == 0)


def test_tied_labels_do_not_flip_by_chance() -> None:
    class Flat(HeadModel):
        def answer(self, requests: Any) -> Any:
            for request in requests:
                yield request, Scores((-math.log(3),) * 3)

    records = ask(probe(), [reviews()], Flat())
    assert np.all(records.stat("flipped") == 0)
    assert all(records.texts("tied"))


def test_one_item_for_each_original_kind_and_pair_of_groups() -> None:
    data = dataset([{"text": "Emily loved it", "label": "positive", "cluster": "e"}])
    items = list(probe().items([data], "test"))
    found = sorted(tuple(s for s in item.slices if not s.startswith("origin")) for item in items)
    assert found == [
        ("swap=gender", "groups=female/male"),
        ("swap=names", "groups=asian/white"),
        ("swap=names", "groups=black/white"),
        ("swap=names", "groups=hispanic/white"),
    ]
    assert {item.clusters["original"] for item in items} == {"e"}
    assert len({item.id for item in items}) == 4


def test_further_data_needs_no_labels_and_has_no_part_in_accuracy() -> None:
    evaluation = probe(data=["newspaper"])
    assert evaluation.data_refs == ("reviews", "newspaper")
    assert Counterfactual.data_names(evaluation.options) == ("newspaper",)
    records = ask(evaluation, [reviews(), dataset(NEWS, name="whatever")], HeadModel())
    assert {"origin=newspaper", "origin=reviews", "source=movie"} <= set(records.slice_names)
    news = records.take(records.in_slice("origin=newspaper"))
    assert set(news.texts("target")) == {None}
    accuracy, flip = build_metrics(["accuracy", "flip_rate"], evaluation.metric_context())
    assert np.isnan(accuracy.stats(news)).all()
    assert not np.isnan(flip.stats(news)).any()


def test_the_same_data_twice_is_asked_once() -> None:
    rows = [{"text": "She left.", "label": "neutral"}]
    once, twice = dataset(rows), dataset(rows)
    assert len(list(probe(swap="gender", data="again").items([once, twice], "test"))) == 1


def test_templates_are_originals_too() -> None:
    evaluation = probe(templates=True, swap="gender")
    items = [item for item in evaluation.items([reviews()], "test") if "origin=templates" in item.slices]
    assert len(items) > 50
    clusters = {item.clusters["original"] for item in items}
    assert 5 < len(clusters) < len(items)
    assert {item.target for item in items} == set(LABELS)


def test_templates_have_no_label_of_a_task_with_other_labels() -> None:
    context = EvaluationContext(labels={"reviews": {"label": ("no", "yes")}})
    task = Classification("sentiment", Classification.Options(data="reviews"), context)
    data = dataset([{"text": "x", "label": "no"}])
    assert {item.target for item in probe(task, templates=True).items([data], "test")} == {None}


def test_templates_go_both_ways_about_equally_often() -> None:
    items = list(probe(templates=True, swap="gender").items([dataset([{"text": "x", "label": "neutral"}])], "test"))
    directions = [variant["direction"] for item in items for variant in item.payload["variants"]]
    assert 0.95 < directions.count(1) / directions.count(-1) < 1.05


def test_what_is_swapped_is_part_of_the_spec() -> None:
    assert probe().spec() != probe(templates=True).spec()
    assert probe().spec() != probe(swap="names").spec()
    assert probe().spec() == probe(classification(limit=3)).spec()


def test_a_task_limit_does_not_limit_the_probe() -> None:
    assert len(list(probe(classification(limit=1), swap="gender").items([reviews()], "test"))) == 3
    assert len(list(probe(limit=1).items([reviews()], "test"))) == 1


def test_own_lexicons() -> None:
    lexicons = {"town": {"north": ["Norham", "northerner"], "south": ["Suhr", "southerner"]}}
    evaluation = probe(swap=[], lexicons=lexicons)
    data = dataset([{"text": "A northerner from Norham ate.", "label": "neutral"}])
    (item,) = evaluation.items([data], "test")
    assert item.texts["swapped"] == "A southerner from Suhr ate."
    assert "groups=north/south" in item.slices
    assert "swap=town" in item.slices


def test_every_protocol_of_the_task_works() -> None:
    cloze = {
        "template": "{text} It was {mask}.",
        "words": {"negative": ["bad"], "neutral": ["fine"], "positive": ["good"]},
    }
    evaluation = probe(classification(cloze=cloze))
    for model in (LanguageModel("masked"), LanguageModel("causal"), HeadModel()):
        records = ask(evaluation, [reviews()], model)
        assert records.ok.all()
    facts = ModelFacts("d", "encoder", None, None)
    assert evaluation.protocol(facts) is None
    assert "no classification head" in evaluation.unsupported(facts)


def test_one_failed_answer_fails_the_item() -> None:
    evaluation = probe(swap="gender")
    item = the_item(evaluation, "She said the film was good.")
    record = evaluation.record(item, "head", [log_p(0.5, 0.3, 0.2), Failure("error", "x")])
    assert (record.status, record.stats, record.prediction) == ("failed", {}, None)


def test_nothing_to_swap_is_an_error_with_a_way_out() -> None:
    data = dataset([{"text": "No people in here.", "label": "neutral"}])
    with pytest.raises(DataError, match=r"no text of reviews \(split 'test'\) has a word") as raised:
        list(probe().items([data], "test"))
    assert "templates: true" in str(raised.value)


def test_hostile_texts_are_only_texts() -> None:
    texts = ["she <script>{mask}</script>", "he \x00 {text}", "she " * 400, "", "Emily\u202e 🧑‍🚀"]
    data = dataset([{"text": text, "label": "neutral"} for text in texts])
    assert ask(probe(), [data], HeadModel()).ok.all()


def test_on_must_name_a_classification() -> None:
    with pytest.raises(SuiteError, match=r"unknown task 'sentimnt'\. Did you mean 'sentiment'"):
        probe(on="sentimnt")
    general = LanguageModeling("g", LanguageModeling.Options(data="prose"), LABEL_CONTEXT)
    with pytest.raises(SuiteError, match="which is a language_modeling task"):
        probe(general)


def test_a_missing_column_of_further_data() -> None:
    with pytest.raises(DataError, match="data 'news': unknown column 'body'"):
        list(probe(data=["news"], text="body").items([reviews(), dataset(NEWS, name="news")], "test"))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"swap": ["gendr"]}, "found 'gendr'"),
        ({"swap": []}, "something to swap"),
        ({"lexicons": {"gender": {"a": ["b"], "c": ["d"]}}}, "name of a built-in swap"),
        ({"lexicons": {"x": {"a": ["b"]}}}, "two groups"),
        ({"lexicons": {"x": {"a": ["b"], "c": ["d", "e"]}}}, "equally many"),
        ({"lexicons": {"x": {"a": ["b"], "c": ["B"]}}}, "one group only"),
        ({"lexicons": {"x": {"a": [" "], "c": ["B"]}}}, "non-empty"),
        ({"lexicons": {"x": {"a": [], "c": []}}}, "non-empty"),
    ],
)
def test_options_that_cannot_be_right(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        Counterfactual.Options.model_validate({"on": "sentiment", **options})

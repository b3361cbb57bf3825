"""The classification task: items, protocols, records, and what it refuses."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest
from harness_support.plain_models import LABELS, HeadModel, LanguageModel, ask, dataset
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from harness.core.dataset import Dataset
from harness.core.errors import DataError, SuiteError
from harness.core.evaluation import Evaluation, EvaluationContext
from harness.core.examples import LabeledText
from harness.core.model import ModelFacts
from harness.core.requests import Classify, Failure, Likelihood, Scores
from harness.evaluations.prompts.label_prompt import decide
from harness.evaluations.tasks.classification import Classification
from harness.metrics.build_metrics import build_metrics
from harness.models.response_builders import choose

CONTEXT = EvaluationContext(labels={"reviews": {"label": LABELS}})
CLOZE = {
    "template": "{text} It was {mask}.",
    "words": {"negative": ["bad", "awful"], "neutral": ["fine"], "positive": ["good", "great"]},
}
HOSTILE = [
    "",
    "   ",
    "{mask} {text} <s> [MASK]",
    "\x00\u202e<script>alert(1)</script>",
    "🧑‍🚀" * 40,
    "a" * 5000,
    "\ud800",
]


def task(context: EvaluationContext = CONTEXT, **options: Any) -> Classification:
    return Classification("reviews", Classification.Options.model_validate({"data": "reviews", **options}), context)


def rows(*pairs: tuple[str, str]) -> list[dict[str, Any]]:
    return [{"text": text, "label": label} for text, label in pairs]


REVIEWS = rows(
    ("a good film", "positive"), ("an awful, dull film", "negative"), ("fine", "negative"), ("a film", "neutral")
)


def test_it_is_an_evaluation_and_its_default_metrics_fit() -> None:
    evaluation: Evaluation = task()
    metrics = build_metrics(
        list(evaluation.default_metrics),
        evaluation.metric_context(),
        provides=evaluation.provides,
        evaluation="reviews",
    )
    assert "f1[neutral]" in [metric.id for metric in metrics]
    json.dumps(evaluation.spec(), allow_nan=False)
    assert evaluation.data_names(task().options) == ("reviews",)


def test_a_head_is_asked_directly_and_its_records_add_up() -> None:
    records = ask(task(), [dataset(REVIEWS)], HeadModel())
    assert records.head.protocol == "head"
    right = dict(zip(records.texts("target"), records.stat("correct"), strict=True))
    assert right["positive"] == 1.0
    accuracy, nll, brier = build_metrics(["accuracy", "nll", "brier"], task().metric_context())
    assert accuracy.stats(records).sum() in (2.0, 3.0)  # the neutral one is a three-way tie
    assert np.all(nll.stats(records) > 0)
    assert np.all((brier.stats(records) >= 0) & (brier.stats(records) <= 2))
    assert np.all((records.numbers("margin") > 0) <= (records.stat("correct") == 1.0))


def test_margin_nll_and_confidence_by_hand() -> None:
    evaluation = task()
    (item,) = evaluation.items([dataset(rows(("x", "neutral")))], "test")
    record = evaluation.record(item, "head", [Scores((math.log(0.5), math.log(0.2), math.log(0.3)), truncated=4)])
    assert record.prediction == "negative"
    assert record.margin == pytest.approx(math.log(0.2) - math.log(0.5))
    assert record.stats["nll"] == pytest.approx(-math.log(0.2))
    assert record.stats["confidence"] == pytest.approx(0.5)
    assert record.stats["brier"] == pytest.approx(0.25 + 0.64 + 0.09)
    assert (record.truncated, record.tied, record.stats["correct"]) == (4, False, 0.0)


def test_the_head_may_have_the_labels_in_another_order() -> None:
    same = ask(task(), [dataset(REVIEWS)], HeadModel())
    other = ask(task(), [dataset(REVIEWS)], HeadModel(("positive", "negative", "neutral")))
    assert other.texts("prediction") == same.texts("prediction")


def test_a_masked_model_fills_the_gap_and_a_causal_model_continues() -> None:
    evaluation = task(cloze=CLOZE)
    masked = ask(evaluation, [dataset(REVIEWS)], LanguageModel("masked"))
    causal = ask(evaluation, [dataset(REVIEWS)], LanguageModel("causal"))
    assert (masked.head.protocol, causal.head.protocol) == ("cloze", "continuations")
    for records in (masked, causal):
        found = dict(zip(records.texts("target"), records.texts("prediction"), strict=True))
        assert found["positive"] == "positive"
        for response in records.texts("response"):
            assert sum(math.exp(value) for value in json.loads(response)["log_p"].values()) == pytest.approx(1.0)


def test_requests_of_each_protocol() -> None:
    evaluation = task(cloze=CLOZE)
    (gap,) = evaluation.requests_for("See {mask} and {text}.", "cloze")
    assert gap.text == "See { mask } and {text}. It was {mask}."  # type: ignore[attr-defined]  # a Cloze
    (ahead,) = evaluation.requests_for("So so. ", "continuations")
    assert ahead.context == "So so.  It was"  # type: ignore[attr-defined]  # a Continuations
    assert ahead.options == (" bad.", " awful.", " fine.", " good.", " great.")  # type: ignore[attr-defined]  # same


def test_words_of_one_label_add_their_probabilities() -> None:
    evaluation = task(cloze=CLOZE)
    values = tuple(math.log(p) - 3 for p in (0.1, 0.2, 0.3, 0.15, 0.25))
    log_p = evaluation.log_probabilities([Scores(values)], "continuations")
    assert not isinstance(log_p, Failure)
    assert [math.exp(log_p[label]) for label in LABELS] == pytest.approx([0.3, 0.3, 0.4])


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        (ModelFacts("d", "encoder", None, ("no", "yes")), "its head has the labels no, yes"),
        (ModelFacts("d", "encoder", None, None), "no language-model head"),
        (ModelFacts("d", "masked", "masked", None), "the task has no `cloze`"),
    ],
)
def test_models_that_cannot_be_asked_are_told_why(facts: ModelFacts, expected: str) -> None:
    assert task().protocol(facts) is None
    assert expected in task().unsupported(facts)


@pytest.mark.parametrize(
    "response",
    [
        Failure("too_long", "no room"),
        Scores((0.0, math.nan, 0.0)),
        Scores((0.0, 0.0)),
        Scores((-math.inf,) * 3),
        Scores((math.inf, 0.0, 0.0)),
        Likelihood(-3.0, 2),
    ],
)
def test_what_cannot_be_read_is_a_failed_record_without_numbers(response: Any) -> None:
    evaluation = task()
    (item,) = evaluation.items([dataset(rows(("x", "neutral")))], "test")
    record = evaluation.record(item, "head", [response])
    assert record.status == "failed"
    assert record.stats == {}
    assert record.prediction is None
    assert record.response["failure"]


def test_a_probability_of_zero_is_finite_and_very_wrong() -> None:
    evaluation = task()
    (item,) = evaluation.items([dataset(rows(("x", "neutral")))], "test")
    record = evaluation.record(item, "head", [Scores((0.0, -math.inf, -800.0))])
    assert record.status == "ok"
    assert record.stats["nll"] == pytest.approx(708.396, abs=1e-3)


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_and_empty_texts_are_only_texts(text: str) -> None:
    evaluation = task(cloze=CLOZE)
    data = dataset(rows((text, "positive"), ("good", "positive")))
    for model in (HeadModel(), LanguageModel("masked"), LanguageModel("causal")):
        assert ask(evaluation, [data], model).ok.all()


def test_one_class_in_the_data_is_enough() -> None:
    records = ask(task(), [dataset(rows(("good", "positive"), ("great", "positive")))], HeadModel())
    (macro,) = build_metrics(["f1_macro"], task().metric_context())
    assert macro.value(macro.stats(records).sum(axis=0), 2.0) == 1.0


def test_ties_are_flagged_and_favor_no_label() -> None:
    flat = dict.fromkeys(LABELS, -math.log(3))
    found = [decide(flat, f"item {number}") for number in range(600)]
    assert all(tied for _, tied in found)
    for label in LABELS:
        assert 150 < sum(prediction == label for prediction, _ in found) < 250
    assert decide(flat, "a") == decide(dict(reversed(flat.items())), "a")
    assert decide({"a": -0.5, "b": -0.5 - 5e-7, "c": -3.0}, "x")[1]
    assert decide({"a": -0.5, "b": -0.5 - 5e-6}, "x") == ("a", False)


def test_a_missing_column_names_the_nearest() -> None:
    with pytest.raises(DataError, match="unknown column 'txt'"):
        list(task(text="txt").items([dataset(REVIEWS)], "test"))


def test_an_unknown_label_names_the_row_and_the_known_labels() -> None:
    data = dataset(rows(("x", "neutral"), ("y", "positve")))
    with pytest.raises(DataError) as raised:
        list(task().items([data], "test"))
    row = data.split("test")[1].id
    assert f"row {row}, column 'label': unknown label 'positve'. Did you mean 'positive'?" in str(raised.value)
    assert "negative, neutral, positive" in str(raised.value)


@pytest.mark.parametrize("missing", [None, math.nan])
def test_a_row_without_text_is_named_and_one_without_label_is_left_out_and_counted(missing: Any) -> None:
    with pytest.raises(DataError, match=r"row [0-9a-f]+: missing value in the column 'text'"):
        list(task().items([dataset([{"text": missing, "label": "neutral"}])], "test"))
    data = dataset([{"text": "x", "label": missing}, {"text": "y", "label": "neutral"}])
    assert [item.payload["text"] for item in task().items([data], "test")] == ["y"]
    assert task().remarks([data], "test") == ("1 row has no 'label' and is left out.",)


def test_all_unknown_labels_are_one_message() -> None:
    data = dataset(rows(("x", "positve"), ("y", "good"), ("z", "positve"), ("v", "neutral")))
    with pytest.raises(DataError) as raised:
        list(task().items([data], "test"))
    assert [note.partition(", ")[0] for note in raised.value.notes] == ["'positve': 2 rows", "'good': 1 row"]


def test_a_head_that_calls_the_labels_otherwise_is_asked_by_an_explicit_table() -> None:
    facts = ModelFacts(digest="d", family="encoder", language_model=None, labels=("LABEL_0", "LABEL_1", "LABEL_2"))
    said = task().unsupported(facts)
    table = '{"LABEL_0": "negative", "LABEL_1": "neutral", "LABEL_2": "positive"}'
    assert f"head_labels: {table}" in said
    mapped = task(head_labels=json.loads(table))
    assert (task().protocol(facts), mapped.protocol(facts)) == (None, "head")
    (request,) = mapped.requests_for("fine", "head")
    assert isinstance(request, Classify)
    swapped = choose(request, ("LABEL_2", "LABEL_0", "LABEL_1"), np.log([0.5, 0.2, 0.3]), 0)
    assert isinstance(swapped, Scores)
    assert swapped.values == pytest.approx(np.log([0.2, 0.3, 0.5]))
    with pytest.raises(ValueError, match="each of"):
        task(labels=["negative", "neutral", "positive"], head_labels={"LABEL_0": "negative"})


def test_an_empty_and_an_unknown_split() -> None:
    with pytest.raises(DataError, match="unknown split 'tset'"):
        list(task().items([dataset(REVIEWS)], "tset"))
    with pytest.raises(DataError, match="is empty"):
        list(task().items([Dataset("reviews", "f", {"test": ()}, ("text", "label"))], "test"))


def test_labels_of_the_options_come_before_those_of_the_data() -> None:
    evaluation = task(EvaluationContext(labels={"reviews": {"label": ("0", "1")}}), labels=["1", "0"])
    assert evaluation.labels == ("1", "0")
    examples = evaluation.examples(dataset([{"text": "a", "label": 0}, {"text": "b", "label": 1}]), "test")
    assert examples == [LabeledText("a", (1,)), LabeledText("b", (0,))]


def test_labels_of_data_that_is_referred_to_in_place() -> None:
    context = EvaluationContext(labels={"vader-reviews": {"label": LABELS}, "other": {"label": ("a", "b")}})
    options = Classification.Options.model_validate({"data": {"catalog": "vader-reviews"}})
    assert Classification("reviews", options, context).labels == LABELS


def test_labels_that_nobody_knows_are_asked_for() -> None:
    evaluation = task(EvaluationContext())
    assert evaluation.metric_context().labels == ()
    with pytest.raises(SuiteError, match="labels are not known"):
        list(evaluation.items([dataset(REVIEWS)], "test"))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"labels": ["a"]}, "two or more different labels"),
        ({"labels": ["a", "a"]}, "two or more different labels"),
        ({"labels": ["a", "b"], "cloze": {**CLOZE}}, r"`cloze\.words` has"),
        ({"labels": ["a", "b"], "values": {"a": 1}}, "`values` has"),
        ({"cloze": {"template": "{mask} {text}", "words": {"a": ["b"]}}}, "before"),
        ({"cloze": {"template": "{text} no gap", "words": {"a": ["b"]}}}, "once each"),
        ({"cloze": {"template": "{text} {mask}", "words": {"a": ["x"], "b": ["x"]}}}, "appears twice"),
        ({"cloze": {"template": "{text} {mask}", "words": {"a": []}}}, "at least one word"),
        ({"cloze": {"template": "{text} {mask}", "words": {"a": [" "]}}}, "an empty word"),
        ({"lables": ["a", "b"]}, "Extra inputs"),
    ],
)
def test_options_that_cannot_be_right(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        Classification.Options.model_validate({"data": "reviews", **options})


def test_a_cloze_that_misses_a_label_of_the_data() -> None:
    cloze = {"template": "{text} {mask}", "words": {"negative": ["bad"], "positive": ["good"]}}
    with pytest.raises(SuiteError, match=r"task 'reviews': `cloze.words` has \['negative', 'positive'\]"):
        task(cloze=cloze)


def test_values_are_even_or_given() -> None:
    assert task().values == {"negative": -1.0, "neutral": 0.0, "positive": 1.0}
    assert task(values={"negative": 1, "neutral": 3, "positive": 5}).values["neutral"] == 3.0


@given(st.integers(1, 12), st.integers(1, 4))
def test_a_limit_keeps_whole_clusters_and_the_same_ones(limit: int, size: int) -> None:
    many = [{"text": f"t{i}", "label": "neutral", "cluster": f"c{i // size}"} for i in range(12)]
    kept = list(task(limit=limit).items([dataset(many)], "test"))
    assert 0 < len(kept) <= limit
    clusters = [item.clusters["parent"] for item in kept]
    if limit >= size:
        assert all(clusters.count(cluster) == min(size, 12) for cluster in clusters)
    more = {item.id for item in task(limit=limit + 3).items([dataset(many)], "test")}
    if limit >= size:
        assert {item.id for item in kept} <= more


def test_slices_and_clusters_reach_the_records() -> None:
    data = dataset([{"text": "good", "label": "positive", "cluster": "film 1", "slices": ("source=movie",)}])
    records = ask(task(), [data], HeadModel())
    assert records.clusters("parent") == ["film 1"]
    assert records.slice_names == ["source=movie"]


def test_rows_without_a_label_are_asked_about_where_the_task_says_so() -> None:
    some = [{**row, "label": None if number % 2 else row["label"]} for number, row in enumerate(REVIEWS)]
    asking, leaving = task(unlabeled="ask"), task()
    data = [dataset(some)]
    records, fewer = ask(asking, data, HeadModel()), ask(leaving, data, HeadModel())
    assert (len(records), len(fewer)) == (4, 2)
    labeled = np.array([target is not None for target in records.texts("target")])
    assert records.stat("costly").tolist() == labeled.astype(float).tolist()
    assert np.isfinite(records.stat("expected_nll")).all()
    assert np.isnan(records.stat("correct")).tolist() == (~labeled).tolist()
    assert records.take(labeled).stat("nll").tolist() == fewer.stat("nll").tolist()
    assert "asked about too" in asking.remarks(data, "test")[0]
    # Training, demonstrations and probes that stand on the task read labeled rows alone, as ever.
    assert len(asking.examples(data[0], "test")) == len(list(asking.every_item(data, "test"))) == 2
    assert "unlabeled" not in leaving.spec()
    for metric in build_metrics(list(asking.default_metrics), asking.metric_context()):
        rows_of = metric.stats(records)
        assert np.isnan(rows_of).all(axis=1).tolist() == (~labeled).tolist()
        np.testing.assert_array_equal(rows_of[labeled], metric.stats(fewer))

"""Tasks answered by heads and likelihoods: tags, spans, label sets, choices, sentences, words, completions."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from typing import Any

import pytest
from harness_support.plain_models import Answering, HeadModel, LanguageModel, ask, dataset, figure, made

from harness.core.errors import DataError
from harness.core.evaluation import Evaluation
from harness.core.examples import AnswerSpan, LabeledText, PlainText, TaggedWords
from harness.core.metric import MetricContext
from harness.core.requests import (
    Classify,
    Cloze,
    Completions,
    Continuations,
    ExtractSpan,
    Failure,
    Generate,
    Generated,
    NextSentence,
    Response,
    Scores,
    SpanAnswer,
    Tag,
    Tags,
    TopCompletions,
)
from harness.evaluations.tasks.classification import Classification
from harness.evaluations.tasks.language_modeling import LanguageModeling
from harness.evaluations.tasks.multilabel_classification import MultiLabel
from harness.evaluations.tasks.multiple_choice import MultipleChoice
from harness.evaluations.tasks.next_sentence_prediction import NextSentenceTask
from harness.evaluations.tasks.next_word_prediction import NextWord, band
from harness.evaluations.tasks.question_answering import ExtractiveQA
from harness.evaluations.tasks.sample_completions import CompletionsTask
from harness.evaluations.tasks.sentence_choice import SentenceChoice
from harness.evaluations.tasks.token_classification import Tagging
from harness.metrics.build_metrics import build_metrics

KINDS: list[tuple[type, dict[str, Any]]] = [
    (Tagging, {"types": ["person"]}),
    (ExtractiveQA, {}),
    (MultiLabel, {"labels": ["a", "b"]}),
    (MultipleChoice, {}),
    (NextSentenceTask, {}),
    (NextWord, {}),
    (SentenceChoice, {}),
]


@pytest.mark.parametrize(("kind", "options"), KINDS)
def test_each_is_an_evaluation_whose_default_metrics_fit(kind: type, options: dict[str, Any]) -> None:
    evaluation: Evaluation = made(kind, **options)
    context = evaluation.metric_context()
    assert build_metrics(list(evaluation.default_metrics), context, provides=evaluation.provides, evaluation="t")
    json.dumps(evaluation.spec(), allow_nan=False)
    mute = Answering(lambda _: Failure("unsupported", "")).facts
    assert evaluation.protocol(mute) is None
    assert evaluation.unsupported(mute)


def tagger(tags: dict[str, str], labels: tuple[str, ...]) -> Answering:
    def answer(request: Any) -> Response:
        assert isinstance(request, Tag)
        return Tags(tuple(tags.get(word, "O") for word in request.words), (-0.1,) * len(request.words))

    return Answering(answer, tag_labels=labels, supports=frozenset({"tag"}))


def test_tagging_counts_whole_spans_and_malformed_tags() -> None:
    rows = [{"words": "Ada Lovelace met Bob", "tags": "B-person I-person O B-person"}]
    task = made(Tagging, types=["person"])
    data = dataset(rows, name="rows")
    assert task.example_labels == ("O", "B-person", "I-person")
    assert task.examples(data, "test") == [
        TaggedWords(("Ada", "Lovelace", "met", "Bob"), ("B-person", "I-person", "O", "B-person"))
    ]
    model = tagger(
        {"Ada": "B-person", "Bob": "I-person", "met": "I-person", "Lovelace": "I-person"}, ("O", "I-person", "B-person")
    )
    records = ask(task, [data], model)
    assert figure(records, "span_f1") == 0.0
    records = ask(
        task, [data], tagger({"Ada": "B-person", "Lovelace": "I-person", "Bob": "I-person"}, task.example_labels)
    )
    assert figure(records, "span_f1") == pytest.approx(2 / 3)
    assert figure(records, "invalid_tag_rate") == 0.25
    assert records.texts("prediction") == ["person: Ada Lovelace"]
    assert task.protocol(tagger({}, ("O", "B-place")).facts) is None
    with pytest.raises(DataError, match="4 words and 1 tags"):
        list(task.items([dataset([{**rows[0], "tags": "O"}], name="rows")], "test"))
    with pytest.raises(DataError, match="unknown tag 'B-place'"):
        list(task.items([dataset([{"words": "a", "tags": "B-place"}], name="rows")], "test"))


def test_extractive_answers_follow_squad_and_no_answer_counts() -> None:
    rows = [
        {"question": "Where?", "context": "It stands in the old town.", "answers": '["the old town", "old town"]'},
        {"question": "When?", "context": "It stands.", "answers": "[]"},
        {"question": "Who?", "context": "Nobody knows.", "answers": "Ada"},
    ]
    data = dataset(rows, name="rows")
    task = made(ExtractiveQA)

    def answer(request: Any) -> Response:
        assert isinstance(request, ExtractSpan)
        text = "old town" if "Where" in request.question else ""
        return SpanAnswer(text, 0, len(text), -1.0, -3.0)

    records = ask(task, [data], Answering(answer, supports=frozenset({"extract_span"})))
    assert figure(records, "squad_exact_match") == pytest.approx(2 / 3)
    assert figure(records, "no_answer_accuracy") == pytest.approx(2 / 3)
    assert records.in_slice("answerable=no").sum() == 1
    assert task.examples(data, "test") == [
        AnswerSpan("Where?", "It stands in the old town.", ((13, "the old town"), (17, "old town"))),
        AnswerSpan("When?", "It stands.", ()),
    ]
    with pytest.raises(DataError, match="none of the 1 answers of split 'test' occurs in its context"):
        task.examples(dataset(rows[2:], name="rows"), "test")
    prompted = made(ExtractiveQA, prompt="{context} {question}")
    writing = Answering(lambda request: Generated(" Ada\n", 1, "stop"), supports=frozenset({"generate"}))
    assert prompted.protocol(writing.facts) == "generation"
    assert figure(ask(prompted, [data], writing), "squad_exact_match") == pytest.approx(1 / 3)


def test_label_sets_are_cut_at_the_threshold() -> None:
    rows = [{"text": "x", "labels": "b; a"}, {"text": "y", "labels": ""}]
    task = made(MultiLabel, labels=["a", "b"], threshold=0.4)
    data = dataset(rows, name="rows")

    def answer(request: Any) -> Response:
        assert isinstance(request, Classify)
        assert request.independent
        return Scores((math.log(0.41), math.log(0.39)))

    records = ask(task, [data], Answering(answer, labels=("b", "a")))
    assert records.texts("prediction") == ["a", "a"]
    context = MetricContext(labels=("a", "b"))
    assert figure(records, "f1_multilabel_micro", context) == pytest.approx(0.5)
    assert figure(records, "subset_accuracy") == 0.0
    assert task.examples(data, "test")[0] == LabeledText("x", (0, 1), independent=True)


def test_label_sets_that_nobody_gave_are_asked_about_too() -> None:
    rows = [{"text": "x", "labels": "b; a"}, {"text": "y", "labels": ""}, {"text": "z", "labels": ";"}]
    data = dataset(rows, name="rows")
    model = Answering(lambda _: Scores((math.log(0.8), math.log(0.3))), labels=("a", "b"))
    task = made(MultiLabel, labels=["a", "b"], unlabeled="ask")
    records = ask(task, [data], model)
    assert records.texts("target") == ["a; b", "", None]
    assert records.stat("costly").tolist() == [1, 1, 0]
    assert records.stat("expected_correct") == pytest.approx([0.8 * 0.7] * 3)
    assert records.stat("expected_f1_sample") == pytest.approx([2 * 0.8 / 2.1] * 3)
    assert figure(records, "subset_accuracy") == 0.0
    assert figure(records, "f1_multilabel_micro", MetricContext(labels=("a", "b"))) == pytest.approx(0.5)
    assert len(task.examples(data, "test")) == 2
    assert "1 row has no 'labels' and is asked about too" in task.remarks([data], "test")[0]
    assert "unlabeled" not in made(MultiLabel, labels=["a", "b"]).spec()["options"]


def test_choices_are_compared_with_and_without_the_question() -> None:
    rows = [{"question": "Sky?", "choices": '["blue", "green stones"]', "answer": "A"}]
    task = made(MultipleChoice)

    def answer(request: Any) -> Response:
        assert isinstance(request, Continuations)
        assert request.options == (" blue", " green stones")
        return Scores((-5.0, -6.0) if "Sky" in request.context else (-1.0, -9.0))

    records = ask(task, [dataset(rows, name="rows")], Answering(answer, language_model="causal"))
    assert [figure(records, f"acc{name}") for name in ("", "_norm_chars", "_norm_bytes", "_mutual_info")] == [
        1,
        0,
        0,
        0,
    ]
    assert task.examples(dataset(rows, name="rows"), "test")[0].target == " blue"
    masked = ask(task, [dataset(rows, name="rows")], LanguageModel("masked"))
    assert masked.head.protocol == "pseudo_likelihood_choice"
    with pytest.raises(DataError, match="is not one of the"):
        list(task.items([dataset([{**rows[0], "answer": "C"}], name="rows")], "test"))


@pytest.mark.parametrize(("answer", "right"), [("B", "two"), ("1", "two"), ("two", "two"), ("0", "one")])
def test_the_right_choice_has_a_letter_a_number_or_its_text(answer: str, right: str) -> None:
    rows = [{"question": "q", "x": "one", "y": "two", "answer": answer}]
    (item,) = made(MultipleChoice, choices=["x", "y"]).items([dataset(rows, name="rows")], "test")
    assert item.target == right


def test_a_sentence_is_chosen_by_likelihood_under_either_kind_of_model() -> None:
    rows = [{"right": "ab", "wrong": '["abbb", "zz zz"]'}, {"right": "a long one", "wrong": "a"}]
    for kind, protocol in (("causal", "ll"), ("masked", "pll_word_l2r")):
        records = ask(made(SentenceChoice), [dataset(rows, name="rows")], LanguageModel(kind))
        assert records.head.protocol == protocol
        assert figure(records, "acc") == 0.5


def test_neighbors_and_strangers_are_about_even_and_fixed() -> None:
    text = "This is sentence number one of {n}. This is sentence number two of {n}. And here stands the third of {n}."
    data = dataset([{"text": text.replace("{n}", str(n))} for n in range(60)], name="rows")
    task = made(NextSentenceTask)
    items = list(task.items([data], "test"))
    assert items == list(task.items([data], "test"))
    assert 15 < sum(item.target == "follows" for item in items) < 45
    for item in items:
        same = item.payload["first"].split()[-1] == item.payload["second"].split()[-1]
        assert same == (item.target == "follows")

    def answer(request: Any) -> Response:
        assert isinstance(request, NextSentence)
        same = request.first.split()[-1] == request.second.split()[-1]
        return Scores((math.log(0.9), math.log(0.1)) if same else (math.log(0.1), math.log(0.9)))

    records = ask(task, [data], Answering(answer, supports=frozenset({"next_sentence"})))
    assert figure(records, "accuracy") == 1.0
    assert figure(records, "nll") == pytest.approx(-math.log(0.9))


def test_words_are_asked_for_from_either_side_and_sorted_by_frequency() -> None:
    data = dataset([{"text": "The ferry crosses the river and the ferry stops at the pier of the town."}], name="rows")
    task = made(NextWord)
    (item,) = task.items([data], "test")
    assert item.slices == ("frequency=1-100",)
    before, after, word = (item.payload[name] for name in ("before", "after", "word"))

    def fill(request: Any) -> Response:
        assert request.text == f"{before} {{mask}}{after}"
        if isinstance(request, Cloze):
            assert request.groups == ((word,),)
            return Scores((-0.1,))
        assert isinstance(request, TopCompletions)
        return Completions((f" {word.upper()}",), (-0.1,))

    def write(request: Any) -> Response:
        assert isinstance(request, Generate)
        assert request.prompt == before
        return Generated(f" {word} and", 3, "length")

    gaps = Answering(fill, language_model="masked", supports=frozenset({"top_completions", "cloze"}))
    writer = Answering(write, language_model="causal", supports=frozenset({"generate"}))
    for model in (gaps, writer):
        assert figure(ask(task, [data], model), "next_word_accuracy") == 1.0
    assert [band(rank) for rank in (1, 100, 101, 10_000, 10_001, None)] == [
        *("1-100", "1-100", "101-1000", "1001-10000", "rarer", "rarer"),
    ]


@pytest.mark.parametrize(
    ("text", "finish", "right"),
    [
        (" {word}.", "end", True),
        ("{word}", "end", True),
        (" {word}", "length", False),
        (" {word}s run", "length", False),
        (" {head}", "end", False),
        (" ...", "length", False),
        ("", "end", False),
    ],
)
def test_a_written_word_counts_when_it_is_whole(text: str, finish: str, right: bool) -> None:
    """A word of several tokens is one answer; a longer word that begins alike, or a cut one, is another."""
    data = dataset([{"text": "The ferry crosses the river and the carpenter carpenters."}], name="rows")
    task = made(NextWord)
    (item,) = task.items([data], "test")
    word = str(item.target)
    written = Generated(text.format(word=word, head=word[:2]), 12, finish)  # type: ignore[arg-type]
    assert task.record(item, "next_word", [written]).stats == {"correct": float(right)}


def test_a_gap_cannot_hold_a_word_of_several_tokens() -> None:
    data = dataset([{"text": "The ferry crosses the river and the ferry stops at the pier of the town."}], name="rows")
    task = made(NextWord)
    (item,) = task.items([data], "test")
    guess = Completions((" something",), (-0.1,))
    pieces = task.record(item, "gap", [guess, Failure("no_token", "no word is one token")])
    assert (pieces.status, pieces.stats, pieces.response["one_token"]) == ("ok", {}, False)
    assert task.record(item, "gap", [guess, Scores((-3.0,))]).stats == {"correct": 0.0}
    assert task.record(item, "gap", [guess, Failure("nan", "x")]).status == "failed"
    assert task.record(item, "gap", [Failure("nan", "x"), Scores((-3.0,))]).status == "failed"


def test_completions_are_kept_for_people_and_gaps_are_skipped_by_causal_models() -> None:
    options = CompletionsTask.Options()
    task = CompletionsTask("c", options, None)  # type: ignore[arg-type]  # reads nothing of its suite

    def answer(request: Any) -> Response:
        return (
            Generated("words", 1, "end")
            if isinstance(request, Generate)
            else Completions((" mat", "rug"), (-0.5, -1.0))
        )

    supports = frozenset({"top_completions", "generate"})
    causal = ask(task, [], Answering(answer, language_model="causal", supports=supports))
    statuses = dict(zip(causal.texts("status"), causal.texts("response"), strict=True))
    assert causal.texts("status").count("skipped") == 1
    assert {"generated": "words"} in [json.loads(text) for text in causal.texts("response")]
    assert json.loads(statuses["ok"])
    masked = ask(task, [], Answering(answer, language_model="masked", supports=supports))
    assert all(
        json.loads(text) == {"tokens": [" mat", "rug"], "scores": [-0.5, -1.0]} for text in masked.texts("response")
    )
    assert figure(masked, "mean_top_probability") == pytest.approx(math.exp(-0.5))


def test_pairs_of_texts_reach_heads_gaps_and_training() -> None:
    options = {
        "text": "question",
        "pair": "passage",
        "labels": ["no", "yes"],
        "cloze": {"template": "{pair} {text} {mask}.", "words": {"no": ["bad"], "yes": ["good"]}},
    }
    task = made(Classification, **options)
    data = dataset([{"question": "{pair}?", "passage": "P {mask}", "label": "yes"}], name="rows")
    (item,) = task.items([data], "test")
    (head,) = task.requests(item, "head")
    assert (head.text, head.pair) == ("{pair}?", "P {mask}")
    (gap,) = task.requests(item, "cloze")
    assert gap.text == "P { mask } {pair}? {mask}."
    (option,) = task.requests(item, "continuations")
    assert option.context == "P {mask} {pair}?"
    assert task.examples(data, "test") == [LabeledText("{pair}?", (1,), "P {mask}")]
    assert ask(task, [data], HeadModel(("no", "yes"))).ok.all()


def test_language_modeling_gives_whole_texts_to_training_and_refuses_what_has_no_likelihood() -> None:
    task = made(LanguageModeling)
    assert task.examples(dataset([{"text": "a b"}], name="rows"), "test") == [PlainText("a b")]
    facts = Answering(lambda _: Failure("unsupported", ""), language_model="seq2seq").facts
    assert task.protocol(facts) is None
    assert "seq2seq" in task.unsupported(facts)


@pytest.mark.parametrize(
    ("tags", "scheme", "follows"),
    [
        ("I-person O", "iob2", "iob1"),
        ("B-person O", "iob1", "iob2 and iobes"),
        ("S-person O", "iob2", "iobes"),
        ("U-person O", "iobes", "bilou"),
        ("B-person L-person", "bioes", "bilou"),
    ],
)
def test_tags_of_another_scheme_are_an_error_that_names_it(tags: str, scheme: str, follows: str) -> None:
    rows = [{"words": "Ada spoke", "tags": tags}, {"words": "a b", "tags": "O O"}]
    task = made(Tagging, types=["person"], scheme=scheme)
    with pytest.raises(DataError, match=r"do not follow the scheme .*1 of 2 rows") as raised:
        list(task.items([dataset(rows, name="rows")], "test"))
    assert follows.partition(" ")[0] in raised.value.message.partition("They follow ")[2]


def test_a_touching_span_of_iob1_is_one_of_its_own() -> None:
    rows = [{"words": "Ada Bob spoke", "tags": "I-person B-person O"}]
    (item,) = made(Tagging, types=["person"], scheme="iob1").items([dataset(rows, name="rows")], "test")
    assert item.target == "person: Ada; person: Bob"


SUMS = [
    {"question": "7 minus 4?", "choices": '["4", "2", "3", "1"]', "answer": "2"},
    {"question": "Legs of a spider?", "choices": '["6", "8", "4", "10"]', "answer": "1"},
]
BLOOD = [
    {"question": "Antibodies against B?", "choices": '["B", "A", "O", "AB"]', "answer": "B"},
    {"question": "Universal donor?", "choices": '["AB", "B", "A", "O"]', "answer": "D"},
]


def right(rows: list[dict[str, str]], **options: Any) -> list[str | None]:
    return [item.target for item in made(MultipleChoice, **options).items([dataset(rows, name="rows")], "test")]


def test_what_names_the_right_choice_is_decided_for_the_whole_column() -> None:
    assert right(SUMS) == ["3", "8"]
    assert right(BLOOD) == ["A", "O"]
    with pytest.raises(DataError, match=r"a text \('2' is '2'\) or as an index from 0 \('2' is '3'\)") as raised:
        right(SUMS[:1])
    assert raised.value.hint == "set `answer_is: text` or `answer_is: index` in the task."
    assert right(SUMS[:1], answer_is="index") == ["3"]
    assert right(SUMS[:1], answer_is="text") == ["2"]


def test_a_cell_of_a_file_that_is_text_and_list_is_refused_until_the_task_says_which() -> None:
    rows = [{"question": "q", "context": "c", "answers": '["red", "blue"]'}]
    data = replace(dataset(rows, name="rows"), facts={"lists": []})
    with pytest.raises(DataError, match=r"one text .* or as a list of texts \(red, blue\)") as raised:
        list(made(ExtractiveQA).items([data], "test"))
    assert "answers_are: list" in str(raised.value.hint)
    for reading, answers in (("list", ["red", "blue"]), ("text", ['["red", "blue"]'])):
        (item,) = made(ExtractiveQA, answers_are=reading).items([data], "test")
        assert item.payload["answers"] == answers
    numbers = replace(dataset([{**rows[0], "answers": "[1, 2]"}], name="rows"), facts={"lists": []})
    assert next(made(ExtractiveQA).items([numbers], "test")).payload["answers"] == ["[1, 2]"]


def test_answers_found_only_after_normalization_are_used_and_others_counted() -> None:
    rows = [
        {"question": "Where?", "context": "In the  Old\nTown of Jose\u0301.", "answers": "the old town"},
        {"question": "Who?", "context": "In the Old Town of Jose\u0301.", "answers": "José"},
        {"question": "Who?", "context": "It is here.", "answers": "Nobody"},
    ]
    task = made(ExtractiveQA)
    data = dataset(rows, name="rows")
    spans = [example.answers for example in task.examples(data, "test")]
    assert spans == [((3, "the  Old\nTown"),), ((19, "Jose\u0301"),)]
    assert [remark.partition(" of the split")[0] for remark in task.remarks([data], "test")] == [
        "2 of 3 answers",
        "1 of 3 answers",
    ]


def test_a_sentence_that_begins_with_a_bracket_is_no_list() -> None:
    """In data of the catalog any column may hold lists."""
    rows = [
        {"words": "[ Ada ] sings", "tags": "O B-person O O"},
        {"words": '["Ada", "sings"]', "tags": '["B-person", "O"]'},
    ]
    data = replace(dataset(rows, name="rows"), facts={"lists": ["words", "tags"]})
    items = list(made(Tagging, types=["person"]).items([data], "test"))
    assert sorted(tuple(item.payload["words"]) for item in items) == [("Ada", "sings"), ("[", "Ada", "]", "sings")]

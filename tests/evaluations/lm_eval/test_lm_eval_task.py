"""Tasks of lm-evaluation-harness: prompts, examples and figures, as lm-eval 0.4.13 makes them."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from random import Random
from typing import Any

import pytest

from harness.core.errors import DataError, HarnessError, SuiteError
from harness.core.evaluation import EvaluationContext
from harness.core.model import ModelFacts
from harness.core.records import Records, RecordsHead
from harness.core.reporter import Silent
from harness.core.requests import (
    Continuations,
    Generate,
    Generated,
    Likelihood,
    Request,
    Response,
    RollingLikelihood,
    Scores,
)
from harness.data.open_dataset import open_dataset
from harness.evaluations.lm_eval.filters import matches, pipeline
from harness.evaluations.lm_eval.lm_eval_task import LmEvalTask
from harness.evaluations.lm_eval.prompt_templates import render
from harness.metrics.build_metrics import build_metrics
from harness.storage.store import Store

CAUSAL = ModelFacts(
    "d", "causal", "causal", None, supports=frozenset({"continuations", "rolling_likelihood", "generate"})
)
Build = Callable[..., tuple[LmEvalTask, list[Any]]]

MULTIPLE_CHOICE = {
    "dataset_path": "json",
    "dataset_kwargs": {"data_files": {"train": "train.jsonl", "test": "test.jsonl"}},
    "training_split": "train",
    "test_split": "test",
    "output_type": "multiple_choice",
    "description": "About animals.\n\n",
    "doc_to_text": "Question: {{q}}\nAnswer:",
    "doc_to_choice": "options",
    "doc_to_target": "gold",
    "metric_list": [{"metric": "acc"}, {"metric": "acc_norm"}, {"metric": "acc_mutual_info"}],
}


def document(number: int) -> dict[str, Any]:
    return {"q": f"story {number}?", "options": ["meow", "a long bark", "moo"], "gold": number % 3, "num": number}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, count in (("train", 30), ("test", 60)):
        lines = [json.dumps(document(number)) for number in range(count)]
        (tmp_path / f"{name}.jsonl").write_text("\n".join(lines) + "\n")
    return tmp_path


@pytest.fixture
def build(folder: Path) -> Build:
    def make(task: Mapping[str, Any], **options: Any) -> tuple[LmEvalTask, list[Any]]:
        given = LmEvalTask.prepared({"task": dict(task), "folder": str(folder), **options}, folder)
        made = LmEvalTask.Options.model_validate(given)
        (ref,) = LmEvalTask.data_names(made)
        data = open_dataset(ref, name="d", base=folder, store=Store(folder / "cache"), reporter=Silent())
        evaluation = LmEvalTask("t", made, EvaluationContext())
        return evaluation, list(evaluation.items([data], "test"))

    return make


def likely(text: str) -> float:
    return -float(len(text)) - 0.01 * text.count("a")


def answers(requests: Iterable[Request], written: str = "") -> Iterator[Response]:
    for request in requests:
        if isinstance(request, Continuations):
            yield Scores(tuple(likely(option) for option in request.options))
        elif isinstance(request, RollingLikelihood):
            yield Likelihood(likely(request.text), len(request.text.split()))
        else:
            assert isinstance(request, Generate)
            yield Generated(written, 3, "stop")


def stories(context: str) -> list[int]:
    return [int(number) for number in re.findall(r"story (\d+)", context)]


def test_examples_are_those_that_lm_eval_draws(build: Build) -> None:
    """The numbers are what lm-eval 0.4.13 put before the first documents of such data (30 and 60 documents)."""
    task, items = build(MULTIPLE_CHOICE, num_fewshot=2)
    found = [stories(task.requests(item, "continuations")[0].context) for item in items[:5]]
    assert found == [[24, 14, 0], [3, 0, 1], [2, 29, 2], [25, 18, 3], [1, 21, 4]]
    same = {**MULTIPLE_CHOICE, "fewshot_split": "test", "num_fewshot": 3}
    task, items = build(same)
    found = [stories(task.requests(item, "continuations")[0].context) for item in items[:5]]
    assert found == [[49, 28, 7, 0], [5, 58, 51, 1], [42, 44, 5, 2], [6, 49, 22, 3], [1, 50, 22, 4]]


def test_a_draw_leaves_room_for_the_document_where_neither_split_has_a_name(build: Build) -> None:
    """As for HellaSwag: training and validation split alone. lm-eval compares None with None and draws one more."""
    asked = {key: value for key, value in MULTIPLE_CHOICE.items() if key not in ("test_split", "fewshot_split")}
    task, items = build({**asked, "validation_split": "test", "training_split": "train", "num_fewshot": 2})
    random = Random(1234)
    # Both splits tell the same stories; one that is asked is taken from its own examples.
    expected = [[other for other in random.sample(range(30), 3) if other != number][:2] for number in range(60)]
    found = [stories(task.requests(item, "continuations")[0].context)[:2] for item in items]
    assert found == expected


def test_no_document_is_its_own_example(build: Build) -> None:
    """lm-eval lets it be where the test split is the pool only because no other is named; other draws stand."""
    asked = {key: value for key, value in MULTIPLE_CHOICE.items() if key != "training_split"}
    task, items = build({**asked, "num_fewshot": 20})
    random = Random(1234)
    kept = 0
    for number, item in enumerate(items):
        examples = stories(task.requests(item, "continuations")[0].context)[:-1]
        drawn = random.sample(range(60), 20)
        assert number not in examples
        assert len(set(examples)) == 20
        assert (examples == drawn) == (number not in drawn)
        kept += examples == drawn
    assert 30 < kept < 60


def test_first_n_takes_the_first(build: Build) -> None:
    task, items = build({**MULTIPLE_CHOICE, "num_fewshot": 2, "fewshot_config": {"sampler": "first_n"}})
    assert stories(task.requests(items[7], "continuations")[0].context) == [0, 1, 7]


def test_the_whole_prompt(build: Build) -> None:
    task, items = build({**MULTIPLE_CHOICE, "num_fewshot": 1, "fewshot_config": {"sampler": "first_n"}})
    conditional, alone = task.requests(items[4], "continuations")
    assert isinstance(conditional, Continuations)
    assert conditional.context == ("About animals.\n\nQuestion: story 0?\nAnswer: meow\n\nQuestion: story 4?\nAnswer:")
    assert conditional.options == (" meow", " a long bark", " moo")
    assert alone == Continuations("", conditional.options)


def test_choices_become_our_figures(build: Build) -> None:
    task, items = build(MULTIPLE_CHOICE)
    assert task.options.metrics == ["acc", "acc_norm_chars", "acc_mutual_info"]
    record = task.record(items[1], "continuations", list(answers(task.requests(items[1], "continuations"))))
    norm = {choice: likely(f" {choice}") / len(choice) for choice in items[1].payload["choices"]}
    assert record.stats["acc"] == 0.0
    assert record.stats["acc_norm_chars"] == float(max(norm, key=norm.__getitem__) == "a long bark")
    assert record.prediction == "moo"


def test_choices_as_questions(build: Build) -> None:
    task, items = build({**MULTIPLE_CHOICE, "doc_to_text": "gold", "doc_to_target": "{{q}}"})
    requests = task.requests(items[2], "continuations")
    assert [request.context for request in requests] == [
        "About animals.\n\n" + choice for choice in document(2)["options"]
    ]
    assert {request.options for request in requests} == {(" story 2?",)}
    assert task.record(items[2], "continuations", list(answers(requests))).stats["acc"] == 0.0


def test_rolling_counts_as_lm_eval_does(build: Build) -> None:
    roll = {"output_type": "loglikelihood_rolling", "doc_to_text": "", "doc_to_target": " {{q}}\n"}
    metrics = [{"metric": "word_perplexity"}, {"metric": "byte_perplexity"}, {"metric": "bits_per_byte"}]
    base = {key: MULTIPLE_CHOICE[key] for key in ("dataset_path", "dataset_kwargs", "test_split")}
    task, items = build({**base, **roll, "metric_list": metrics})
    record = task.record(items[0], "rolling_likelihood", list(answers(task.requests(items[0], "rolling_likelihood"))))
    text = " story 0?\n"
    assert record.stats == {
        "nll": -likely(text),
        "tokens": 2.0,
        "bytes": 10.0,
        "words": float(len(re.split(r"\s+", text))),
    }
    assert record.stats["words"] == 4.0


def test_generation_is_filtered_and_matched(build: Build) -> None:
    generate = {
        "output_type": "generate_until",
        "doc_to_target": "{{options[gold]}}",
        "generation_kwargs": {"until": ["\n", "."], "max_gen_toks": 9},
        "filter_list": [
            {
                "name": "strict",
                "filter": [{"function": "regex", "regex_pattern": "is (.+)"}, {"function": "take_first"}],
            },
            {"name": "loose", "filter": [{"function": "remove_whitespace"}]},
        ],
        "metric_list": [{"metric": "exact_match", "ignore_case": True}],
    }
    task = {**MULTIPLE_CHOICE, **generate}
    del task["doc_to_choice"]
    strict, items = build(task)
    (request,) = strict.requests(items[0], "generation")
    assert isinstance(request, Generate)
    assert (request.max_tokens, request.stop, request.temperature) == (9, ("\n", "."), 0.0)
    for text, right in (("It is MEOW ", 1.0), ("meow", 0.0)):
        record = strict.record(items[0], "generation", list(answers([request], text)))
        assert record.stats["exact_match_strict"] == right
    loose, items = build(task, filter="loose")
    assert loose.record(items[0], "generation", list(answers([request], " Meow "))).stats["exact_match_strict"] == 1.0


def test_corpus_scores_are_sacrebleus_where_the_task_lists_them(build: Build) -> None:
    from sacrebleu import sentence_chrf

    listed = [{"metric": "chrf"}, {"metric": "exact_match"}]
    task = {**MULTIPLE_CHOICE, "output_type": "generate_until", "doc_to_target": "a long tail", "metric_list": listed}
    del task["doc_to_choice"]
    made, items = build(task)
    record = made.record(items[0], "generation", list(answers(made.requests(items[0], "generation"), "the tail")))
    records = Records.of(RecordsHead("qa", "", "generation"), [record])
    (chrf,) = build_metrics(["chrf"], made.metric_context(), provides=made.provides)
    rows = chrf.stats(records)
    assert chrf.value(rows.sum(axis=0), 1) == pytest.approx(sentence_chrf("the tail", ["a long tail"]).score)
    assert "bleu.0" not in record.stats, "only what is asked for"


def test_figures_of_imported_logs_are_none_of_a_run(build: Build) -> None:
    with pytest.raises(SuiteError, match="imported log"):
        build(MULTIPLE_CHOICE, metrics=["acc", "as_logged[acc]"])


def test_whole_targets(build: Build) -> None:
    task = {**MULTIPLE_CHOICE, "output_type": "loglikelihood", "doc_to_target": " {{options[gold]}}"}
    task["metric_list"] = [{"metric": "perplexity"}, {"metric": "acc"}]
    del task["doc_to_choice"]
    made, items = build(task)
    assert made.options.metrics == ["target_perplexity", "greedy_match"]
    requests = made.requests(items[0], "continuations")
    record = made.record(items[0], "continuations", list(answers(requests, " meow, it says")))
    assert record.stats == {"nll_target": -likely(" meow"), "targets": 1.0, "greedy_match": 1.0}


def test_it_is_asked_of_causal_models_only(build: Build) -> None:
    task, _ = build(MULTIPLE_CHOICE)
    assert task.protocol(CAUSAL) == "continuations"
    assert task.protocol(ModelFacts("d", "encoder", None, ("a", "b"))) is None


def test_what_changes_prompts_changes_the_spec(build: Build) -> None:
    specs = [
        dict(build(task, **options)[0].spec())
        for task, options in (
            (MULTIPLE_CHOICE, {}),
            (MULTIPLE_CHOICE, {"num_fewshot": 1}),
            ({**MULTIPLE_CHOICE, "description": "Other."}, {}),
        )
    ]
    assert len({json.dumps(spec, sort_keys=True) for spec in specs}) == 3
    assert "jsonl" not in json.dumps(specs)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"process_docs": "utils.clean"}, "process_docs"),
        ({"doc_to_txet": "a"}, "Did you mean 'doc_to_text'"),
        ({"output_type": "multi_choice"}, "multiple_choice"),
        ({"metric_list": [{"metric": "mcc"}]}, "mcc"),
        ({"repeats": 3}, "repeats"),
        ({"filter_list": [{"name": "a", "filter": [{"function": "majority_vote"}]}]}, "majority_vote"),
        (
            {
                "output_type": "generate_until",
                "metric_list": None,
                "filter_list": [{"name": "a", "filter": [{"function": "regex", "regex_pattern": "("}]}],
            },
            "regular expression",
        ),
        ({"filter_list": [{"filter": 3}]}, "filter_list"),
        ({"doc_to_text": "{{nothing}}"}, "nothing"),
        ({"doc_to_text": "{{ ''.__class__.__mro__ }}"}, "cannot be rendered"),
        ({"doc_to_text": "{{ 'a' * 100000000 }}"}, "repeated"),
        ({"doc_to_text": "{{ 9 ** 9999999 }}"}, "power"),
        ({"doc_to_text": "{% for %}"}, "cannot be rendered"),
        ({"doc_to_choice": "{{ q }}"}, "list of texts"),
        ({"doc_to_target": "7"}, "is not one of the"),
        ({"num_fewshot": 31}, "31 examples"),
        ({"num_fewshot": 1, "fewshot_config": {"sampler": "balanced"}}, "balanced"),
        ({"dataset_kwargs": {"data_files": {"train": "train.jsonl", "test": "none.jsonl"}}}, "none.jsonl"),
        ({"dataset_kwargs": {"trust_remote_code": True}}, "code"),
        ({"dataset_path": "owner/name", "dataset_kwargs": {}}, "commit"),
        ({"dataset_path": "pandas", "dataset_kwargs": {"revision": "0" * 40}}, "hub dataset `owner/name`"),
        ({"dataset_path": "./folder", "dataset_kwargs": {"revision": "0" * 40}}, "hub dataset `owner/name`"),
        ({"test_split": "tset"}, "tset"),
    ],
)
def test_what_cannot_be_read_is_said(change: dict[str, Any], told: str, build: Build) -> None:
    with pytest.raises(HarnessError, match=re.escape(told)):
        build({**MULTIPLE_CHOICE, **change})


def test_file_or_task_and_not_both(folder: Path) -> None:
    for given in ({}, {"file": "a.yaml", "task": {}}):
        with pytest.raises(SuiteError, match="lm-eval task file"):
            LmEvalTask.prepared(given, folder)


@pytest.mark.parametrize(
    ("pattern", "group", "text", "found"),
    [
        (r"(\d+)", 0, "a 12 b 34", "12"),
        (r"(\d+)", -1, "a 12 b 34", "34"),
        (r"(a)|(b)", 0, "b", "b"),
        (r"(\d+)", 0, "none", "[invalid]"),
        (r"(\d+)", 5, "1 2", "[invalid]"),
        (r"=\s*(.*)", 0, "x =  y  ", "y"),
    ],
)
def test_regex_filter(pattern: str, group: int, text: str, found: str) -> None:
    steps = [{"function": "regex", "regex_pattern": pattern, "group_select": group}, {"function": "take_first"}]
    assert pipeline({"filter_list": [{"name": "a", "filter": steps}]}, None)(text) == found


def test_exact_match_options() -> None:
    assert not matches("A, b.", ["a b"], {"ignore_case": True})
    assert matches("A, b.", ["x", "a b"], {"ignore_case": True, "ignore_punctuation": True})
    assert matches("$1,000", ["1000"], {"regexes_to_ignore": [",", r"\$"]})
    assert matches("a1", ["a2"], {"ignore_numbers": True})


def test_templates_keep_their_last_line_break() -> None:
    assert render("{{a}}\n", {"a": 1}) == "1\n"
    assert render("{{a|regex_replace('b+', 'x')}}", {"a": "abbb"}) == "ax"
    with pytest.raises(DataError, match="the document has a"):
        render("{{b}}", {"a": math.pi})


@pytest.mark.parametrize(
    "template",
    [
        "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}",
        "{{ lipsum(2) }}",
        "{{ [q, 'b'] | random }}",
        "{{ q | nothing }}",
    ],
)
def test_templates_that_never_end_or_draw_at_random_are_refused(template: str) -> None:
    with pytest.raises(DataError):
        render(template, {"q": "a"})

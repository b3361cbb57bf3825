from __future__ import annotations

import pytest

from harness.core.dataset import Dataset, Row
from harness.core.errors import DataError, SuiteError
from harness.core.evaluation import EvaluationContext
from harness.core.model import ModelFacts
from harness.core.records import Record, Records, RecordsHead
from harness.evaluations.prompts.label_prompt import ClozeOptions, Question
from harness.evaluations.prompts.prompt_template import filled, slots
from harness.evaluations.tasks.classification import ClassificationOptions
from harness.evaluations.tasks.generative_qa import GenerativeQA
from harness.evaluations.tasks.multiple_choice import MultipleChoice
from harness.evaluations.tasks.question_answering import ExtractiveQA, ExtractiveQAOptions


def data(*rows: dict[str, str]) -> Dataset:
    made = tuple(Row(str(number), row, str(number)) for number, row in enumerate(rows))
    return Dataset("d", "f", {"test": made}, tuple(rows[0]))


TWO = data({"Question Text": "a?", "answer": "x"}, {"Question Text": "b?", "answer": "y"})


def task(prompt: str, cls=GenerativeQA, **options):
    given = {"data": "d", "prompt": prompt, "target": "answer", **options}
    return cls("qa", cls.Options.model_validate(given), EvaluationContext())


def test_doubled_braces_are_literal() -> None:
    assert filled(r"{q} Answer in \boxed{{}}.", lambda name: "Why?") == r"Why? Answer in \boxed{}."
    assert filled("{{{q}}}", lambda name: "{q}") == "{{q}}"
    assert slots("{a} {{b}} {c d}") == ["a", "c d"]


@pytest.mark.parametrize("prompt", ["{question", "question}", "{}", "{ }", '{"a": {question}}'])
def test_a_single_brace_is_an_error(prompt: str) -> None:
    with pytest.raises(ValueError, match="for literal braces"):
        task(prompt)


@pytest.mark.parametrize("prompt", ["{question}", "{ Question Text }", '{"json": 1}'])
def test_an_unknown_slot_is_an_error_that_names_the_columns(prompt: str) -> None:
    with pytest.raises(DataError, match=r"task 'qa', prompt: unknown slot .*Question Text") as error:
        task(prompt).check_data([TWO])
    assert "{{" in str(error.value.hint)


def test_the_targets_own_column_in_a_prompt_is_an_error() -> None:
    with pytest.raises(DataError, match="column with the answer"):
        task(r"{Question Text} \boxed{answer}").check_data([TWO])
    choices = {"choices": "choices", "answer": "answer"}
    options = MultipleChoice.Options.model_validate({"data": "d", "prompt": "{q} {answer}", **choices})
    with pytest.raises(DataError, match="column with the answer"):
        MultipleChoice("mc", options, EvaluationContext()).check_data(
            [data({"q": "a", "choices": "[]", "answer": "x"})]
        )


def test_a_prompt_that_is_alike_for_all_rows_is_a_warning() -> None:
    (warning,) = task("{{Question Text}}").warnings([TWO], "test")
    assert "the same for every row" in warning
    assert task("{Question Text}").warnings([TWO], "test") == []


def test_a_column_with_a_space_is_a_slot() -> None:
    items = list(task("{Question Text}").items([TWO], "test"))
    assert [item.payload["prompt"] for item in items] == ["a?", "b?"]


def test_texts_are_never_read_as_templates() -> None:
    options = ExtractiveQAOptions.model_validate({"data": "d", "prompt": "{question} | {context}"})
    qa = ExtractiveQA("qa", options, EvaluationContext())
    rows = data({"question": "What is {context}?", "context": "C", "answers": "C"})
    (item,) = qa.items([rows], "test")
    (request,) = qa.requests(item, "generation")
    assert request.prompt == "What is {context}? | C"


def test_a_cloze_knows_its_slots_and_writes_braces() -> None:
    cloze = ClozeOptions(template="{{x}} {text} is {mask}.", words={"a": ["bad"], "b": ["good"]})
    (asked,) = Question(("a", "b"), cloze).requests("It {mask} tea", "cloze")
    assert asked.text == "{x} It { mask } tea is {mask}."
    with pytest.raises(ValueError, match="unknown slot"):
        ClozeOptions(template="{text} {label} {mask}.", words={"a": ["x"], "b": ["y"]})
    assert ClassificationOptions.model_fields["cloze"] is not None


def test_the_stop_rule_that_held_is_stated() -> None:
    assert 'before the first "\\n" (the task\'s default `stop`)' in task("{Question Text}").caveats[0]
    assert "after 24 tokens" in task("{Question Text}").caveats[0]
    assert "no stop string, " in task("{Question Text}", stop=[]).caveats[0]


def test_answers_that_a_stop_string_emptied_are_counted() -> None:
    record = {"status": "ok", "finish": "stop", "response": {}, "stats": {}}
    rows = [Record(str(number), "d", prediction="" if number else "x", **record) for number in range(4)]
    (warning,) = task("{Question Text}").answer_warnings(Records.of(RecordsHead("qa", "m", "generation"), rows))
    assert "3 of 4 answers are empty" in warning
    assert task("{Question Text}").answer_warnings(Records.of(RecordsHead("qa", "m", "generation"), rows[:1])) == []


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"beams": 3}, "beams"),
        ({"temperature": 0.5}, "do_sample"),
        ({"length_penalty": 0.5}, "num_beams"),
        ({"do_sample": True, "num_beams": 2}, "num_beams"),
        ({"top_p": 0}, "top_p"),
    ],
)
def test_generation_kwargs_are_a_closed_list(given: dict[str, object], named: str) -> None:
    with pytest.raises(ValueError, match=named):
        task("{Question Text}", generation_kwargs=given)


def test_generation_kwargs_reach_the_model_and_its_kind_is_checked() -> None:
    sampled = task("{Question Text}", generation_kwargs={"do_sample": True, "top_k": 5, "temperature": 0.5, "seed": 3})
    item = next(iter(sampled.items([TWO], "test")))
    request = sampled.requests(item, "generation")[0]
    assert (request.temperature, request.top_k, request.seed) == (0.5, 5, 3)
    assert "top_k 5" in sampled.caveats[1]
    facts = ModelFacts("d", "server", None, None, supports=frozenset({"generate"}), decoding=frozenset({"temperature"}))
    with pytest.raises(SuiteError, match="top_k"):
        sampled.protocol(facts)


def test_keys_of_answers_stay_where_decoding_is_left_out() -> None:
    plain, sampled = task("{Question Text}"), task("{Question Text}", generation_kwargs={"num_beams": 2})
    assert "generation_kwargs" not in plain.spec()["options"]
    assert sampled.spec()["options"]["generation_kwargs"]["num_beams"] == 2

"""Answers are read by pattern, by JSON Schema, or as a tool call; what cannot be read is unread, with its reason."""

from __future__ import annotations

import json
import time

import pytest

from harness.core.evaluation import EvaluationContext, Item
from harness.core.requests import Generated
from harness.evaluations.answers.answer_reader import ReadAnswer, UnreadError, calls_match, read_answer
from harness.evaluations.tasks.generative_qa import GenerativeQA, GenerativeQAOptions

SCHEMA = {"type": "object", "properties": {"label": {"enum": ["good", "bad"]}}, "required": ["label"]}
CALL = {"name": "add", "arguments": {"a": 2, "b": [1, {"c": None}]}}


@pytest.mark.parametrize(
    ("reader", "text", "wanted"),
    [
        ({"regex": r"answer is (\w+)"}, "the answer is 4, no: the answer is 5.", "5"),
        ({"regex": r"answer is (\w+)", "which": "first"}, "the answer is 4, no: the answer is 5.", "4"),
        ({"regex": r"\d+"}, "It is 42.", "42"),
        ({"json_schema": SCHEMA}, '{"label": "good"}', '{"label": "good"}'),
        ({"json_schema": SCHEMA}, 'So:\n```json\n{"why": "x", "label": "bad"}\n```', '{"label": "bad", "why": "x"}'),
        ({"json_schema": SCHEMA, "field": "label"}, '{"label": "bad"}', "bad"),
    ],
)
def test_what_is_read(reader, text, wanted):
    assert read_answer(ReadAnswer(**reader), text) == wanted


FORMS = {
    "hermes": "<tool_call>\n%s\n</tool_call>",
    "text before": "I add.\n<tool_call>%s</tool_call>",
    "bare": "%s",
    "mistral": "[TOOL_CALLS][%s]",
    "fenced": "```json\n%s\n```",
    "openai": '[{"id": "1", "type": "function", "function": %s}]',
}


@pytest.mark.parametrize("form", FORMS)
def test_tool_calls_in_every_form(form):
    read = read_answer(ReadAnswer(tool_call=True), FORMS[form] % json.dumps(CALL))
    assert json.loads(read) == CALL
    assert calls_match(read, json.dumps(CALL)) == (True, True)
    assert calls_match(read, json.dumps({**CALL, "arguments": {"a": True}})) == (True, False)
    assert calls_match(read, json.dumps({**CALL, "name": "subtract"})) == (False, True)


def test_llama_s_parameters_and_arguments_in_a_text():
    llama = '<|python_tag|>{"name": "add", "parameters": {"a": 2}}'
    text = json.dumps({"name": "add", "arguments": '{"a": 2}'})
    wanted = json.dumps({"name": "add", "arguments": {"a": 2}})
    for form in (llama, text):
        assert calls_match(read_answer(ReadAnswer(tool_call=True), form), wanted) == (True, True)


@pytest.mark.parametrize(
    ("reader", "text", "reason"),
    [
        ({"regex": r"answer is (\w+)"}, "4", "matches nothing"),
        ({"regex": r"a(b)?"}, "a", "group of the regular expression matches nothing"),
        ({"json_schema": SCHEMA}, '{"label": "go', "it is no JSON"),
        ({"json_schema": SCHEMA}, "good", "it is no JSON"),
        ({"json_schema": SCHEMA}, '{"label": "fair"}', "does not fit the JSON Schema: 'fair' is not one of"),
        ({"json_schema": SCHEMA, "field": "a.b"}, '{"label": "bad"}', "has no 'a.b'"),
        ({"json_schema": {"$ref": "http://127.0.0.1:1/x"}}, "1", "refers to what it does not hold"),
        ({"tool_call": True}, "It is 4.", "calls no tool"),
        ({"tool_call": True}, '<tool_call>{"name": "add", "argu', "is not finished"),
        ({"tool_call": True}, '[{"name": "a", "arguments": {}}, {"name": "b", "arguments": {}}]', "calls 2 tools"),
        ({"tool_call": True}, '{"arguments": {}}', "has no name"),
        ({"tool_call": True}, '{"name": "add", "arguments": [1]}', "are not an object"),
    ],
)
def test_what_is_unread(reader, text, reason):
    with pytest.raises(UnreadError, match=reason):
        read_answer(ReadAnswer(**reader), text)


def test_a_pattern_without_end_is_given_up():
    started = time.monotonic()
    with pytest.raises(UnreadError, match="takes longer than"):
        read_answer(ReadAnswer(regex=r"(?:a|a|b?a)+$"), "a" * 60 + "c")
    assert time.monotonic() - started < 60


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"regex": "a", "tool_call": True},
        {"regex": "("},
        {"json_schema": {"type": "objekt"}},
        {"regex": "a", "field": "b"},
    ],
)
def test_bad_options(options):
    with pytest.raises(ValueError, match=r"give one of|regular expression|JSON Schema|needs `json_schema`"):
        ReadAnswer(**options)


def record(reader, text, references, finish="end"):
    task = GenerativeQA("qa", GenerativeQAOptions(data="d", read_answer=reader), EvaluationContext())
    item = Item(id="1", payload={"prompt": "?", "references": references}, texts={"text": "?"})
    return task, task.record(item, "generation", [Generated(text, 3, finish)])


def test_records():
    _, made = record({"regex": r"is (\w+)"}, "It is 4", ["4"])
    assert (made.status, made.prediction, made.stats["exact_match_strict"]) == ("ok", "4", 1.0)
    assert made.response["generated"] == "It is 4"
    _, made = record({"json_schema": SCHEMA}, '{"x": 1, "label": "bad"}', ['{"label": "bad", "x": 1}'])
    assert made.stats["exact_match_strict"] == 1.0
    task, made = record({"tool_call": True}, json.dumps(CALL), [json.dumps({**CALL, "arguments": {}})])
    assert (made.stats["tool_name"], made.stats["tool_arguments"], made.stats["correct"]) == (1.0, 0.0, 0.0)
    assert task.default_metrics[:2] == ("tool_name_accuracy", "tool_arguments_accuracy")
    _, made = record({"tool_call": True}, '<tool_call>{"name"', ["{}"], "length")
    assert (made.status, made.finish, made.stats) == ("unread", "length", {})
    assert "not finished" in made.response["unread"]


def test_a_schema_whose_pattern_never_ends_is_given_up():
    schema = {"type": "string", "pattern": "^(a+)+$"}
    started = time.monotonic()
    with pytest.raises(UnreadError, match="takes more than"):
        read_answer(ReadAnswer(json_schema=schema), json.dumps("a" * 40 + "!"))
    assert time.monotonic() - started < 10

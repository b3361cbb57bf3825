"""Conversations of the hub are read in every shape; what is none is refused with the place and what was expected."""

from __future__ import annotations

import json

import pytest

from harness.text.conversations import (
    OPENAI,
    PAIRS,
    SHAREGPT,
    ConversationError,
    conversation_in,
    is_tool_list,
    looks_like_messages,
    read_conversation,
    transcript,
)

TURNS = (("user", "2 + 2?"), ("assistant", "4"))
CALL = {"type": "function", "function": {"name": "add", "arguments": {"a": 2}}}


@pytest.mark.parametrize(
    ("value", "shape"),
    [
        ([{"role": "user", "content": "2 + 2?"}, {"role": "assistant", "content": "4"}], OPENAI),
        (
            [
                {"role": "user", "content": [{"type": "text", "text": "2 "}, "+ 2?"]},
                {"role": "assistant", "content": "4"},
            ],
            OPENAI,
        ),
        ([{"from": "human", "value": "2 + 2?"}, {"from": "gpt", "value": "4"}], SHAREGPT),
        ([{"from": "User", "value": "2 + 2?", "weight": None}, {"from": "model", "value": "4"}], SHAREGPT),
        ([["2 + 2?", "4"]], PAIRS),
        ({"from": ["human", "gpt"], "value": ["2 + 2?", "4"]}, SHAREGPT),
        ({"role": ["user", "assistant"], "content": ["2 + 2?", "4"], "name": [None, None]}, OPENAI),
    ],
)
def test_shapes(value, shape):
    made = read_conversation(value)
    assert (made.turns, made.shape) == (TURNS, shape)
    assert conversation_in(json.dumps(value)).turns == TURNS
    assert looks_like_messages(value)


def test_tool_calls_and_names_go_along():
    value = [
        {"role": "user", "content": "2 + 2?"},
        {"role": "assistant", "content": None, "tool_calls": [CALL]},
        {"role": "tool", "content": "4", "tool_call_id": "1", "name": "add"},
    ]
    _, call, answer = read_conversation(value).turns
    assert json.loads(call[2]) == {"content": None, "tool_calls": [CALL]}
    assert json.loads(answer[2]) == {"name": "add", "tool_call_id": "1"}
    shared = [{"from": "function_call", "value": '{"name": "add", "arguments": {"a": 2}}'}]
    assert json.loads(read_conversation(shared).turns[0][2])["tool_calls"] == [CALL]


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("hello", "found a text"),
        (None, "found nothing"),
        ([], "found an empty list"),
        ([{"role": "assistant", "content": None, "tool_calls": []}], "no `content` that is a text, found nothing"),
        ([{"role": "assistant", "content": "a", "tool_calls": "add"}], "no `tool_calls` that are a list of calls"),
        ([{"role": "assistant", "content": "a", "tool_calls": [{"id": "1"}]}], "no `tool_calls` that are a list"),
        ([{"role": "user"}], "message 1 has no `content`"),
        ([{"content": "x"}], "message 1 has no `role`"),
        (
            [{"role": "user", "content": "a"}, {"role": "robot", "content": "x"}],
            "message 2 has the unknown role 'robot'",
        ),
        ([{"from": "alien", "value": "x"}], "unknown from 'alien'"),
        ([{"role": "user", "content": [{"type": "image_url"}]}], "message 1 holds image_url; only texts"),
        ([{"role": "user", "content": 3}], "found a number"),
        ([{"role": "user", "content": "a"}, "b"], "message 2 is a text"),
        ([{"from": "function_call", "value": "add(2)"}], "message 1 holds no tool call"),
        ([{"role": ["user"], "content": "x"}], "message 1 has no `role`"),
    ],
)
def test_what_is_no_conversation(value, message):
    with pytest.raises(ConversationError, match=message):
        read_conversation(value)


def test_cells_that_are_no_json():
    with pytest.raises(ConversationError, match="found the text 'plain'"):
        conversation_in("plain")
    with pytest.raises(ConversationError, match="found the text"):
        conversation_in("[" * 100_000)


def test_lists_of_tools():
    assert is_tool_list([{"type": "function", "function": {"name": "add", "parameters": {}}}])
    assert is_tool_list([{"name": "add", "description": "adds"}])
    assert not is_tool_list([{"role": "user", "name": "x", "content": "y"}])
    assert not is_tool_list([])


def test_transcripts():
    assert transcript((("user", "a"),)) == "a"
    assert transcript((("system", "s"), ("user", "a", "{}"))) == "system: s\nuser: a"

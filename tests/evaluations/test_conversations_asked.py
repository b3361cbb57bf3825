"""Conversations in the shapes of the hub become items, requests and examples; what does not fit is one clear error."""

from __future__ import annotations

import json

import pytest

from harness.core.errors import DataError, SuiteError
from harness.core.evaluation import EvaluationContext
from harness.core.model import ModelFacts
from harness.core.reporter import Silent
from harness.core.requests import Continuations, Generate, Scores
from harness.data.open_dataset import open_dataset
from harness.evaluations.tasks.generative_qa import GenerativeQA, GenerativeQAOptions
from harness.evaluations.tasks.multiple_choice import MultipleChoice, MultipleChoiceOptions
from harness.schema.suite.data_refs import FileRef
from harness.storage.store import Store

ASKED = [(f"What is {number} + {number}?", f"It is {2 * number}.") for number in range(1, 7)]
SHAPES = {
    "openai": lambda q, a: {"messages": [{"role": "user", "content": q}, {"role": "assistant", "content": a}]},
    "sharegpt": lambda q, a: {"conversations": [{"from": "human", "value": q}, {"from": "gpt", "value": a}]},
    "messages in both": lambda q, a: {
        "prompt": [{"role": "user", "content": q}],
        "completion": [{"role": "assistant", "content": a}],
    },
    "prompt and completion": lambda q, a: {"prompt": q, "completion": a},
    "alpaca": lambda q, a: {"instruction": q, "input": "", "output": a},
    "pairs": lambda q, a: {"conversation": [[q, a]]},
}


class Told(Silent):
    def __init__(self):
        self.lines = []

    def info(self, text):
        self.lines.append(text)


def opened(folder, rows, name="chats.jsonl", reporter=None):
    (folder / name).write_text("".join(json.dumps(row) + "\n" for row in rows))
    ref = FileRef(file=name, splits={"test": 1.0})
    return open_dataset(ref, name="chats", base=folder, store=Store(folder / "store"), reporter=reporter or Silent())


def task(**options):
    given = GenerativeQAOptions(data="chats", chat=True, **options)
    return GenerativeQA("qa", given, EvaluationContext())


@pytest.mark.parametrize("shape", SHAPES)
def test_shapes_are_recognized(tmp_path, shape):
    data = opened(tmp_path, [SHAPES[shape](q, a) for q, a in ASKED])
    made = task(messages="auto")
    items = list(made.items([data], "test"))
    assert {(item.payload["prompt"], item.payload["references"][0]) for item in items} == set(ASKED)
    assert "messages" not in items[0].payload, "one question of the user is asked as a prompt is"
    assert made.warnings([data], "test") == []
    (said,) = made.remarks([data], "test")
    assert "in the shape of" in said
    written, likely = made.requests(items[0], "chat")
    assert isinstance(written, Generate)
    assert isinstance(likely, Continuations)
    assert written.messages == likely.messages == (("user", items[0].payload["prompt"]),)
    examples = made.examples(data, "test")
    assert {(example.messages[0][1], example.target) for example in examples} == set(ASKED)


def test_shape_is_said_where_data_is_opened(tmp_path):
    told = Told()
    data = opened(tmp_path, [SHAPES["sharegpt"](q, a) for q, a in ASKED], reporter=told)
    assert told.lines == [
        "data 'chats': the column 'conversations' holds conversations in the shape of ShareGPT (from, value)"
    ]
    assert told.lines[0].partition(": ")[2] in data.facts["notes"]


def test_a_prompt_that_is_nothing_but_the_column_is_the_conversation(tmp_path):
    data = opened(tmp_path, [{"history": [{"role": "user", "content": q}], "answers": a} for q, a in ASKED])
    items = list(task(prompt="{history}").items([data], "test"))
    assert {(item.payload["prompt"], item.payload["references"][0]) for item in items} == set(ASKED)


def test_system_turns_tools_and_variables(tmp_path):
    tool = {"type": "function", "function": {"name": "add", "parameters": {}}}
    turns = [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}, {"role": "user", "content": "c"}]
    last = {"role": "assistant", "content": "d"}
    data = opened(tmp_path, [{"messages": [*turns, last], "tools": [tool], "day": "Monday"} for _ in range(3)])
    made = task(
        messages="messages", system="It is {day}.", tools="tools", template_variables={"enable_thinking": False}
    )
    item = next(iter(made.items([data], "test")))
    written, likely = made.requests(item, "chat")
    assert written.messages == (("system", "It is Monday."), ("user", "a"), ("assistant", "b"), ("user", "c"))
    assert json.loads(written.form.tools) == [tool]
    assert json.loads(written.form.variables) == {"enable_thinking": False}
    assert likely.form == written.form
    (example, *_) = made.examples(data, "test")
    assert example.every_answer
    assert (example.target, example.form) == ("d", written.form)


def test_a_tool_call_is_what_is_right(tmp_path):
    call = {"type": "function", "function": {"name": "add", "arguments": {"a": 2}}}
    turns = [{"role": "user", "content": "2 + 2?"}, {"role": "assistant", "content": None, "tool_calls": [call]}]
    data = opened(tmp_path, [{"messages": turns}] * 3)
    made = task(messages="auto")
    item = next(iter(made.items([data], "test")))
    assert json.loads(item.payload["references"][0]) == call["function"]
    assert len(made.requests(item, "chat")) == 1, "the template writes a call in its own way: no likelihood is asked"
    assert made.examples(data, "test") == []


BAD = {
    "no role": ([{"content": "x"}], "message 1 has no `role`"),
    "image": ([{"role": "user", "content": [{"type": "image"}]}], "only texts are read"),
    "unknown role": ([{"role": "robot", "content": "x"}], "unknown role 'robot'"),
    "object": ({"a": 1}, "holds an object"),
    "numbers": ([1, 2], "holds a list"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_shapes_are_one_clear_error(tmp_path, name):
    value, message = BAD[name]
    data = opened(tmp_path, [{"messages": value, "x": "y"}] * 3)
    with pytest.raises(DataError, match=message) as raised:
        list(task(messages="messages").items([data], "test"))
    assert "chats.jsonl" in str(raised.value)


def test_rows_without_an_answer_or_a_question(tmp_path):
    only = opened(tmp_path, [{"messages": [{"role": "user", "content": "x"}]}] * 3)
    assert next(iter(task(messages="auto").items([only], "test"))).payload["references"] == []
    with pytest.raises(DataError, match="does not end with an assistant"):
        list(task(messages="messages", target="messages").items([only], "test"))
    answered = opened(tmp_path, [{"messages": [{"role": "assistant", "content": "x"}]}] * 3, "other.jsonl")
    with pytest.raises(DataError, match="no message before the answer"):
        list(task(messages="auto").items([answered], "test"))


def test_columns_that_do_not_tell_the_shape(tmp_path):
    both = opened(tmp_path, [{**SHAPES["openai"](q, a), **SHAPES["alpaca"](q, a)} for q, a in ASKED])
    with pytest.raises(SuiteError, match="several columns can hold the conversation: messages; instruction and input"):
        list(task(messages="auto").items([both], "test"))
    none = opened(tmp_path, [{"question": q} for q, _ in ASKED], "none.jsonl")
    with pytest.raises(SuiteError, match="no columns hold conversations: question"):
        list(task(messages="auto").items([none], "test"))
    made = GenerativeQA("qa", GenerativeQAOptions(data="chats", prompt="Q: {messages}"), EvaluationContext())
    with pytest.raises(DataError, match="holds conversations in the shape of OpenAI"):
        made.check_data([both])


@pytest.mark.parametrize("option", ["messages", "system", "tools", "default_template"])
def test_what_goes_through_the_template_needs_chat(option):
    with pytest.raises(ValueError, match="set `chat: true`"):
        GenerativeQAOptions(data="chats", **{option: "x"})


def test_variables_that_every_template_is_given():
    with pytest.raises(ValueError, match="'tools' is given to every template"):
        GenerativeQAOptions(data="chats", chat=True, template_variables={"tools": 1})


def test_multiple_choice_by_chat(tmp_path):
    rows = [{"question": q, "choices": [a, "No."], "answer": "A"} for q, a in ASKED]
    data = opened(tmp_path, rows)
    plain = MultipleChoice("mc", MultipleChoiceOptions(data="chats", answer_is="letter"), EvaluationContext())
    assert "chat" not in plain.spec()["options"], "keys of other suites stay"
    made = MultipleChoice("mc", MultipleChoiceOptions(data="chats", answer_is="letter", chat=True), EvaluationContext())
    item = next(iter(made.items([data], "test")))
    asked, alone = made.requests(item, "chat_continuations")
    assert asked.messages == (("user", item.payload["prompt"]),)
    assert asked.options == tuple(item.payload["choices"])
    assert alone.messages == (("user", "Answer:"),)
    record = made.record(item, "chat_continuations", [Scores((-1.0, -2.0)), Scores((-1.0, -1.0))])
    assert record.stats["correct"] == 1.0
    (example, *_) = made.examples(data, "test")
    assert (example.target, example.prompt) == (ASKED[0][1], "") or example.messages


def test_choices_are_not_asked_of_a_server_in_a_chat():
    """A server writes after messages and gives no likelihood there: the task is skipped with that reason."""
    server = ModelFacts(
        *("d", "server", "causal", None),
        supports=frozenset({"continuations", "generate"}),
        chat=True,
        chat_likelihoods=False,
    )
    in_chat, plain = (
        MultipleChoice("mc", MultipleChoiceOptions(data="chats", answer_is="letter", chat=chat), EvaluationContext())
        for chat in (True, False)
    )
    assert in_chat.protocol(server) is None
    assert "does not say how likely an answer is after messages" in in_chat.unsupported(server)
    assert plain.protocol(server) == "continuations"

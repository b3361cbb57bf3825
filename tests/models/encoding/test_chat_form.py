"""Byte equality with `apply_chat_template`: tools, variables, several turns, tool calls, a base without a template."""

from __future__ import annotations

import json

import pytest
from harness_support import model_zoo

from harness.core.requests import ChatForm
from harness.models.encoding.chat_template import Chat, ChatError
from harness.models.encoding.text_encoder import TextEncoder
from harness.text.conversations import PLAIN_TEMPLATE, read_conversation

TEMPLATE = (
    "{% if tools %}<tools>{{ tools | tojson }}</tools>\n{% endif %}{% if day %}Today is {{ day }}.\n{% endif %}"
    "{% for m in messages %}<|im_start|>{{ m['role'] }}{% if m['name'] %} {{ m['name'] }}{% endif %}\n"
    "{% if m['content'] is not none %}{{ m['content'] }}{% endif %}"
    "{% for call in m['tool_calls'] %}<tool_call>{{ call['function'] | tojson }}</tool_call>{% endfor %}<|im_end|>\n"
    "{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n"
    "{% if enable_thinking is defined and not enable_thinking %}<think>\n\n</think>\n\n{% endif %}{% endif %}"
)
TOOLS = [{"type": "function", "function": {"name": "add", "description": "a <turn>", "parameters": {"type": "object"}}}]
CALL = {"type": "function", "function": {"name": "add", "arguments": {"a": 2}}}
CONVERSATIONS = {
    "one": [{"role": "user", "content": "2 + 2?"}],
    "system and turns": [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": " two  words\n"},
        {"role": "assistant", "content": "4"},
        {"role": "user", "content": "And <|im_end|> then?"},
    ],
    "tool call": [
        {"role": "user", "content": "2 + 2?"},
        {"role": "assistant", "content": None, "tool_calls": [CALL]},
        {"role": "tool", "name": "add", "content": "4"},
    ],
    "shared": [{"from": "human", "value": "2 + 2?"}, {"from": "gpt", "value": "4"}, {"from": "human", "value": "Why?"}],
    "pairs": [["2 + 2?", "4"]],
}
VARIABLES = {"none": {}, "thinking off": {"enable_thinking": False}, "a date": {"day": "26 Jul 2024"}}


def tokenizer(template):
    made = model_zoo.gpt2_tokenizer()
    made.add_special_tokens({"additional_special_tokens": ["<|im_start|>", "<|im_end|>"]})
    made.chat_template = template
    return made


def openai(value):
    """The conversation as a caller of `apply_chat_template` writes it."""
    if isinstance(value[0], list):
        return [
            {"role": role, "content": text}
            for pair in value
            for role, text in zip(("user", "assistant"), pair, strict=True)
        ]
    names = {"human": "user", "gpt": "assistant"}
    return [
        message if "role" in message else {"role": names[message["from"]], "content": message["value"]}
        for message in value
    ]


@pytest.mark.parametrize("tools", [None, TOOLS])
@pytest.mark.parametrize("variables", VARIABLES)
@pytest.mark.parametrize("name", CONVERSATIONS)
def test_prompts_are_those_of_the_template(name, variables, tools):
    own = tokenizer(TEMPLATE)
    chat = Chat(TextEncoder(own))
    form = ChatForm(
        tools="" if tools is None else json.dumps(tools),
        variables=json.dumps(VARIABLES[variables]) if VARIABLES[variables] else "",
    )
    turns = read_conversation(CONVERSATIONS[name]).turns
    wanted = own.apply_chat_template(
        openai(CONVERSATIONS[name]), tools=tools, add_generation_prompt=True, tokenize=False, **VARIABLES[variables]
    )
    marked = chat.prompt(turns, form)
    assert "".join(chat._names[ord(c) - 0xF0000] if 0xF0000 <= ord(c) < 0xFFFFE else c for c in marked) == wanted
    plain = own(wanted, add_special_tokens=False)["input_ids"]
    assert own.decode(chat.pieces(marked).ids) == own.decode(plain), "the same text, whatever spells a special token"
    if "<|im_end|>" not in json.dumps(CONVERSATIONS[name][1:-1] + CONVERSATIONS[name][-1:]):
        assert chat.pieces(marked).ids == plain


@pytest.mark.parametrize("name", [name for name in CONVERSATIONS if name != "tool call"])
def test_a_base_without_a_template_gets_the_one_that_is_given(name):
    chat = Chat(TextEncoder(tokenizer(None)))
    turns = read_conversation(CONVERSATIONS[name]).turns
    with pytest.raises(ChatError, match="has no chat template"):
        chat.prompt(turns)
    with_template = tokenizer(PLAIN_TEMPLATE)
    wanted = with_template.apply_chat_template(openai(CONVERSATIONS[name]), add_generation_prompt=True, tokenize=False)
    marked = chat.prompt(turns, ChatForm(default_template=PLAIN_TEMPLATE))
    assert "".join(chat._names[ord(c) - 0xF0000] if 0xF0000 <= ord(c) < 0xFFFFE else c for c in marked) == wanted


def test_a_template_that_drops_tools_or_calls_is_noticed():
    chat = Chat(TextEncoder(tokenizer("{% for m in messages %}{{ m['content'] }}{% endfor %}")))
    with pytest.raises(ChatError, match="does not write the tool 'add'"):
        chat.prompt((("user", "2 + 2?"),), ChatForm(tools=json.dumps(TOOLS)))
    with pytest.raises(ChatError, match="does not write the assistant's tool call"):
        chat.prompt(read_conversation(CONVERSATIONS["tool call"]).turns)

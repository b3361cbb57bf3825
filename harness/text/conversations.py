"""Conversations as data holds them → turns of one form.

    OpenAI     [{"role": "user", "content": "2 + 2?"}, {"role": "assistant", "content": "4"}]
    ShareGPT   [{"from": "human", "value": "2 + 2?"}, {"from": "gpt", "value": "4"}]
    pairs      [["2 + 2?", "4"]]

What a chat template may read beside role and content (tool calls, names) goes along as it is given.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from harness.core.requests import Messages

OPENAI, SHAREGPT, PAIRS = "OpenAI (role, content)", "ShareGPT (from, value)", "pairs of question and answer"
ROLES = ("system", "developer", "user", "assistant", "tool")
_SENDERS = {
    **dict.fromkeys(("human", "user", "prompter"), "user"),
    **dict.fromkeys(("gpt", "assistant", "chatgpt", "bard", "bing", "model", "bot", "function_call"), "assistant"),
    **dict.fromkeys(("tool", "function", "observation", "function_response"), "tool"),
    "system": "system",
}
"""What ShareGPT's files call those who speak → our role."""
PLAIN_TEMPLATE = (
    "{% for message in messages %}"
    "{{ message['role'] | capitalize }}: {{ message['content'] | trim }}\n"
    "{% endfor %}"
    "{% if add_generation_prompt %}Assistant:{% endif %}"
)
"""Turns as lines of plain text: a base's tokenizer has no tokens for turns, and needs none."""
_MORE = ("tool_calls", "tool_call_id", "name", "reasoning_content", "reasoning", "thinking")
_FORMS = 'write [{"role": "user", "content": "…"}, …] or [{"from": "human", "value": "…"}, …]'


class ConversationError(ValueError):
    """A value is no conversation; the text says why."""


@dataclass(frozen=True, slots=True)
class Conversation:
    """Turns, and the shape in which data held them."""

    turns: Messages
    shape: str


def read_conversation(value: Any) -> Conversation:
    """The turns of a JSON value.

    Raises:
        ConversationError: naming the message that does not fit, and what was expected.
    """
    items = _transposed(value)
    if not isinstance(items, list) or not items:
        raise ConversationError(f"expected a list of messages, found {_named(value)}; {_FORMS}")
    if all(_is_pair(item) for item in items):
        pairs = [(("user", str(question)), ("assistant", str(answer))) for question, answer in items]
        return Conversation(tuple(turn for pair in pairs for turn in pair), PAIRS)
    shared = isinstance(items[0], Mapping) and "from" in items[0]
    turns = tuple(_turn(item, place, shared=shared) for place, item in enumerate(items, 1))
    return Conversation(turns, SHAREGPT if shared else OPENAI)


def conversation_in(cell: str) -> Conversation:
    """The turns of a cell that holds a conversation as JSON.

    Raises:
        ConversationError: as `read_conversation`.
    """
    try:
        value = json.loads(cell)
    except (ValueError, RecursionError):
        raise ConversationError(f"expected a list of messages, found the text {cell[:40]!r}; {_FORMS}") from None
    return read_conversation(value)


def looks_like_messages(value: Any) -> bool:
    """Whether a value was meant as a conversation, well formed or not."""
    items = _transposed(value)
    if not isinstance(items, list) or not items:
        return False
    return all(isinstance(item, Mapping) for item in items) or all(_is_pair(item) for item in items)


def is_tool_list(value: Any) -> bool:
    """Whether a value is a list of tools, in OpenAI's form."""
    return isinstance(value, list) and bool(value) and all(_tool_name(tool) for tool in value)


def transcript(turns: Messages) -> str:
    """Turns as plain text, for people; a question that stands alone as it is."""
    if len(turns) == 1:
        return turns[0][1]
    return "\n".join(f"{role}: {content}" for role, content, *_ in turns)


def _turn(item: Any, place: int, *, shared: bool) -> tuple[str, ...]:
    """One message: role, content, and the JSON of what else templates read of it."""
    if not isinstance(item, Mapping):
        raise ConversationError(f"message {place} is {_named(item)}, expected an object; {_FORMS}")
    sender, text = ("from", "value") if shared else ("role", "content")
    role = item.get(sender)
    if not isinstance(role, str):
        raise ConversationError(f"message {place} has no `{sender}`; {_FORMS}")
    known = _SENDERS.get(role.lower()) if shared else role if role in ROLES else None
    if known is None:
        wanted = ", ".join(_SENDERS if shared else ROLES)
        raise ConversationError(f"message {place} has the unknown {sender} {role!r}; expected one of {wanted}")
    more = {name: item[name] for name in _MORE if item.get(name) not in (None, [])}
    calls = more.get("tool_calls", [])
    if not isinstance(calls, list) or not all(map(_called_name, calls)):
        raise ConversationError(
            f"message {place} has no `tool_calls` that are a list of calls; write "
            '[{"type": "function", "function": {"name": "…", "arguments": {…}}}]'
        )
    if shared and role.lower() == "function_call":
        more["tool_calls"] = [_called(item.get(text), place)]
        return known, "", _json({"content": None, **more})
    content = _content(item.get(text), place, text, needed="tool_calls" not in more)
    if content is None:
        return known, "", _json({"content": None, **more})
    return (known, content, _json(more)) if more else (known, content)


def _content(value: Any, place: int, name: str, *, needed: bool) -> str | None:
    """The text of a message; that of its parts joined. None where it has none and needs none."""
    if isinstance(value, str):
        return value
    if value is None and not needed:
        return None
    if isinstance(value, list) and value:
        parts = [part.get("text") if isinstance(part, Mapping) else part for part in value]
        texts = [part for part in parts if isinstance(part, str)]
        if len(texts) == len(parts):
            return "".join(texts)
        kinds = sorted({str(part.get("type")) for part in value if isinstance(part, Mapping)} - {"text"})
        raise ConversationError(
            f"message {place} holds {', '.join(kinds) or 'parts without text'}; only texts are read"
        )
    raise ConversationError(f"message {place} has no `{name}` that is a text, found {_named(value)}")


def _called(value: Any, place: int) -> dict[str, Any]:
    """A tool call that ShareGPT's files write as JSON in a text."""
    try:
        call = json.loads(value) if isinstance(value, str) else value
        return {"type": "function", "function": {"name": str(call["name"]), "arguments": call.get("arguments", {})}}
    except (ValueError, TypeError, KeyError, AttributeError):
        raise ConversationError(f"message {place} holds no tool call; write {{name, arguments}} as JSON") from None


def _called_name(call: Any) -> str | None:
    """The name of the tool that is called, in OpenAI's form or without its frame."""
    inner = call.get("function", call) if isinstance(call, Mapping) else None
    name = inner.get("name") if isinstance(inner, Mapping) else None
    return name if isinstance(name, str) else None


def _tool_name(tool: Any) -> str | None:
    inner = tool.get("function", tool) if isinstance(tool, Mapping) else None
    name = inner.get("name") if isinstance(inner, Mapping) else None
    described = isinstance(inner, Mapping) and ("parameters" in inner or "description" in inner)
    return name if isinstance(name, str) and described else None


def _transposed(value: Any) -> Any:
    """Lists of fields, as some Parquet files hold messages, turned into messages."""
    if not isinstance(value, Mapping) or not {"role", "from"} & set(value):
        return value
    columns = {name: list(cells) for name, cells in value.items() if isinstance(cells, list)}
    if not columns or len({len(cells) for cells in columns.values()}) != 1:
        return value
    return [dict(zip(columns, cells, strict=True)) for cells in zip(*columns.values(), strict=True)]


def _is_pair(item: Any) -> bool:
    return (
        isinstance(item, Sequence)
        and not isinstance(item, str)
        and len(item) == 2
        and all(isinstance(text, str) for text in item)
    )


def _json(value: Mapping[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False)


def _named(value: Any) -> str:
    if value in ([], {}):
        return "an empty list" if isinstance(value, list) else "an empty object"
    names = {"list": "a list", "dict": "an object", "NoneType": "nothing", "str": "a text"}
    names |= {"int": "a number", "float": "a number", "bool": "true or false"}
    return names.get(type(value).__name__, f"a {type(value).__name__}")

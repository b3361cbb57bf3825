"""Which columns of a dataset hold a conversation, in which shape, and what of it is asked and what is right.

messages, conversations, …   one column: OpenAI's, ShareGPT's messages, or pairs
prompt, completion           texts or messages, one after the other (trl)
instruction, input, output   Alpaca; with `system` and `history` where there are such columns
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from harness.core.dataset import Dataset, Row
from harness.core.errors import DataError, SuiteError
from harness.core.requests import Messages
from harness.evaluations.columns import text_of
from harness.text.conversations import ConversationError, conversation_in

AUTO = "auto"
_NAMES = ("messages", "conversations", "conversation")
PROMPT_COMPLETION, ALPACA = "prompt and completion", "Alpaca (instruction, input, output)"


@dataclass(frozen=True, slots=True)
class ConversationColumns:
    """Where a row's conversation stands.

    Attributes:
        shape: how the columns are read; None for one column of messages.
        columns: the ones that are read.
    """

    columns: tuple[str, ...]
    shape: str | None = None

    def turns(self, dataset: Dataset, row: Row) -> Messages:
        """The conversation of a row, its answer included where the data has one.

        Raises:
            DataError: for a cell that holds none, with the row and what is wrong.
        """
        if self.shape == ALPACA:
            return _alpaca(self.columns, dataset, row)
        if self.shape == PROMPT_COMPLETION:
            parts = zip(self.columns, ("user", "assistant"), strict=True)
            return tuple(turn for column, role in parts for turn in _turns(dataset, row, column, role))
        return _turns(dataset, row, self.columns[0], None)


def conversation_columns(dataset: Dataset, wanted: str, task: str) -> ConversationColumns:
    """The columns of a dataset's conversations.

    Args:
        wanted: a column, or `auto` to recognize the shape by the names of the columns.
        task: names the task in messages.

    Raises:
        DataError: for a column that is not there.
        SuiteError: where no shape or more than one fits.
    """
    if wanted != AUTO:
        dataset.require(wanted)
        return ConversationColumns((wanted,))
    there = set(dataset.columns)
    fitting = [ConversationColumns((name,)) for name in _NAMES if name in there]
    if {"prompt", "completion"} <= there:
        fitting.append(ConversationColumns(("prompt", "completion"), PROMPT_COMPLETION))
    if {"instruction", "output"} <= there:
        more = [name for name in ("system", "history", "instruction", "input", "output") if name in there]
        fitting.append(ConversationColumns(tuple(more), ALPACA))
    if len(fitting) == 1:
        return fitting[0]
    listed = "; ".join(" and ".join(columns.columns) for columns in fitting)
    reason = (
        f"several columns can hold the conversation: {listed}"
        if fitting
        else (f"no columns hold conversations: {', '.join(dataset.columns)}")
    )
    raise SuiteError(
        f"{task}, messages: {reason}.",
        hint="name the column: `messages: <column>`."
        if fitting
        else "name it (`messages: <column>`), or map the data's columns to messages, prompt and completion, or "
        "instruction and output.",
    )


def shape_of(dataset: Dataset, columns: ConversationColumns) -> str:
    """How the conversations are read, in a few words."""
    if columns.shape is not None:
        return f"{columns.shape}: {', '.join(columns.columns)}"
    known = dataset.facts.get("conversations", {}).get(columns.columns[0])
    return f"{known or 'JSON in a text'}: {columns.columns[0]}"


def split_answer(turns: Messages) -> tuple[Messages, tuple[str, ...] | None]:
    """What is asked, and the assistant's last turn where the conversation ends with one."""
    return (turns[:-1], turns[-1]) if turns and turns[-1][0] == "assistant" else (turns, None)


def answer_text(turn: Sequence[str]) -> str:
    """The text of an assistant's turn; a tool call as JSON where it has no text."""
    more = json.loads(turn[2]) if len(turn) > 2 else {}
    if turn[1] or not more.get("tool_calls"):
        return turn[1]
    calls = [call.get("function", call) for call in more["tool_calls"]]
    return json.dumps(calls[0] if len(calls) == 1 else calls, ensure_ascii=False)


def tools_in(dataset: Dataset, row: Row, tools: str | list[dict[str, Any]] | None) -> str:
    """A row's tools as JSON; empty where there are none.

    Raises:
        DataError: for a cell that is no list of tools.
    """
    if tools is None:
        return ""
    if not isinstance(tools, str):
        return json.dumps(tools, ensure_ascii=False)
    cell = text_of(dataset, row, tools)
    if not cell.strip():
        return ""
    try:
        value = json.loads(cell)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, list) or not all(isinstance(tool, dict) for tool in value):
        raise DataError(
            f"{dataset.place(row)}: the column {tools!r} holds no JSON list of tools.",
            hint='write [{"type": "function", "function": {"name": …, "parameters": …}}, …].',
        )
    return json.dumps(value, ensure_ascii=False) if value else ""


def _turns(dataset: Dataset, row: Row, column: str, role: str | None) -> Messages:
    """The messages of a cell; a plain text is one message of `role`, where one is given."""
    cell = text_of(dataset, row, column)
    if role is not None and column not in dataset.facts.get("conversations", {}) and not cell.startswith("[{"):
        return ((role, cell),)
    try:
        return conversation_in(cell).turns
    except ConversationError as error:
        raise DataError(
            f"{dataset.place(row)}: the column {column!r} holds no conversation: {error}.",
            hint="correct the row, or name another column under `messages`.",
        ) from error


def _alpaca(columns: Sequence[str], dataset: Dataset, row: Row) -> Messages:
    cells = {column: text_of(dataset, row, column) for column in columns}
    turns: list[tuple[str, ...]] = [("system", cells["system"])] if cells.get("system") else []
    if cells.get("history", "").strip() not in ("", "[]"):
        turns += _turns(dataset, row, "history", None)
    asked = [cells["instruction"], *([cells["input"]] if cells.get("input") else [])]
    return (*turns, ("user", "\n".join(asked)), ("assistant", cells["output"]))


def refuse_slots(names: Sequence[str], dataset: Dataset, task: str) -> None:
    """Refuses a template that would write a conversation as JSON.

    Raises:
        DataError: naming the column, its shape, and the option.
    """
    shapes = dataset.facts.get("conversations", {})
    column = next((name for name in names if name in shapes), None)
    if column is not None:
        raise DataError(
            f"{task}, prompt: the column {column!r} holds conversations in the shape of {shapes[column]}, not texts.",
            hint=f"set `messages: {column}` and `chat: true` in place of the prompt.",
        )

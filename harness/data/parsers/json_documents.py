"""JSON in its forms: one object per line, one list, and dialogues."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, NoReturn

from harness.core.errors import DataError, Where
from harness.data.parsers.raw_row import Raw, text_of


def parse_jsonl(content: bytes, where: str, options: Mapping[str, Any]) -> Iterator[Raw]:
    """One JSON object per line; empty lines are skipped.

    Options: `unique_keys` refuses an object in which a key occurs twice, whose value has two readings.
    """
    for number, line in enumerate(_lines(text_of(content, where)), 1):
        if line.strip():
            value = loaded(line, where, number, unique_keys=bool(options.get("unique_keys")))
            yield Raw(number, _object(value, where, number))


def _lines(text: str) -> Iterator[str]:
    """The lines one by one: a list of all would be the file once more."""
    start = 0
    while (end := text.find("\n", start)) >= 0:
        yield text[start:end]
        start = end + 1
    yield text[start:]


def parse_json(content: bytes, where: str, options: Mapping[str, Any]) -> Iterator[Raw]:
    """A list of objects, or an object with exactly one list of objects; `line` is the object's number.

    Options: `unique_keys`, as of `parse_jsonl`.
    """
    value = loaded(text_of(content, where), where, None, unique_keys=bool(options.get("unique_keys")))
    if isinstance(value, dict):
        lists = [item for item in value.values() if isinstance(item, list)]
        value = lists[0] if len(lists) == 1 else value
    if not isinstance(value, list):
        raise DataError(
            f"expected a list of objects, found {_kind(value)}.",
            where=Where(where),
            hint='write [{"text": "…", "label": "…"}, …], or one object per line in a .jsonl file.',
        )
    for number, item in enumerate(value, 1):
        yield Raw(number, _object(item, where, number))


def parse_dialogues(content: bytes, where: str, options: Mapping[str, Any]) -> Iterator[Raw]:
    """Conversations by id, each with turns of messages: columns `conversation`, `turn`, `text`."""
    value = loaded(text_of(content, where), where, None)
    if not isinstance(value, dict):
        raise DataError(f"expected conversations by id, found {_kind(value)}.", where=Where(where))
    line = 0
    for conversation, content_of in value.items():
        try:
            for turn, messages in enumerate(content_of["messages"]):
                for message in messages:
                    line += 1
                    yield Raw(line, {"conversation": conversation, "turn": turn, "text": message["text"]})
        except (KeyError, TypeError) as error:
            raise DataError(
                f"conversation {conversation!r} has an unexpected format: {error!r}.", where=Where(where)
            ) from None


def loaded(text: str, where: str, line: int | None, *, unique_keys: bool = False) -> Any:
    """The JSON value of a text.

    Raises:
        DataError: with its place, when it is not JSON.
    """
    try:
        return json.loads(text, parse_constant=_no_constant, object_pairs_hook=unique_pairs if unique_keys else None)
    except json.JSONDecodeError as error:
        place = Where(where, line if line is not None else error.lineno, error.colno)
        raise DataError(f"invalid JSON: {error.msg}.", where=place) from None
    except (ValueError, RecursionError) as error:
        reason = "nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise DataError(f"cannot read the JSON: {reason}.", where=Where(where, line)) from None


def unique_pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the key {twice!r} occurs twice; keep one of its values")
    return made


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON number")


def _object(value: Any, where: str, line: int) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise DataError(f"expected an object with named columns, found {_kind(value)}.", where=Where(where, line))
    return value


def _kind(value: Any) -> str:
    return {dict: "an object", list: "a list", str: "a text", type(None): "null"}.get(type(value), f"{value!r:.40}")

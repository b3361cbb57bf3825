"""Values of a suite that the command line sets: `--set models.finetuned.finetune.epochs=3`.

A value is read as the suite would read it. Where the key takes text, it is the text as it was typed.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from harness.core.errors import Key, Places, SuiteError, Where, unknown
from harness.schema.validation import in_words
from harness.suite.policies_in_force import SECTION as POLICY
from harness.suite.yaml.located_document import Document, parse

T = TypeVar("T")


def assignments(options: Sequence[str]) -> dict[str, str]:
    """Key → text, of `KEY=VALUE` several times.

    Raises:
        SuiteError: for an option of another form, a key that is set twice, and for the suite's policy.
    """
    texts: dict[str, str] = {}
    for option in options:
        key, equals, text = option.partition("=")
        if not equals or not all(key.split(".")):
            raise SuiteError(
                f"--set {option}: expected KEY=VALUE, where KEY is a path of keys such as "
                "models.finetuned.finetune.epochs."
            )
        if key in texts:
            raise SuiteError(f"--set {key} is given twice: {texts[key]} and {text}.", hint="run once for each value.")
        if key.split(".")[0] == POLICY:
            raise SuiteError(f"--set {option}: a suite's policy holds the command line, too; it cannot be set.")
        texts[key] = text
    return texts


def read_typed(texts: Mapping[str, str], read: Callable[[Mapping[str, Any]], T]) -> tuple[T, dict[str, Any]]:
    """What `read` makes of the values, and the values.

    Each is a number, list, and so on as YAML has it; where the suite's schema refuses that, it is the text itself.

    Raises:
        SuiteError: what `read` raises of the values as YAML has them.
    """
    values = {key: _as_yaml(text) for key, text in texts.items()}
    try:
        return read(values), values
    except SuiteError as error:
        shown = f"{error.where}\n" + "\n".join(error.notes)
        again = {key for key, value in values.items() if value != texts[key] and str(_place(key, value)) in shown}
        if not again:
            raise
        values |= {key: texts[key] for key in again}
        try:
            return read(values), values
        except SuiteError:
            raise error from None


def _as_yaml(text: str) -> Any:
    try:
        return parse(text, "--set").value if text.strip() else text
    except SuiteError:
        return text


def with_values(document: Document, values: Mapping[str, Any]) -> tuple[Any, Places]:
    """The document's content with other values, and the places of all; those of the values are their options.

    Raises:
        SuiteError: for a key below something that has no keys, and for a place of a list that does not exist.
    """
    if not values:
        return document.value, document.where
    content = copy.deepcopy(document.value)
    paths: dict[tuple[Key, ...], Where] = {}
    for key, value in values.items():
        where = _place(key, value)
        paths[_put(content, key.split("."), value, where)] = where

    def place(*keys: Key, key: bool = False) -> Where:
        option = next((where for path, where in paths.items() if keys[: len(path)] == path), None)
        return document.where(*keys, key=key) if option is None else option

    return content, place


def _place(key: str, value: Any) -> Where:
    return Where(f"--set {key}={value}")


def _put(content: Any, parts: Sequence[str], value: Any, where: Where) -> tuple[Key, ...]:
    """Sets a value, and gives its path of keys."""
    path: list[Key] = []
    for number, part in enumerate(parts):
        key: Key = part
        if isinstance(content, list):
            key = _index(content, part, where)
        elif not isinstance(content, dict):
            raise SuiteError(f"{'.'.join(parts[:number])} is {in_words(content)}, which has no keys.", where=where)
        path.append(key)
        if number == len(parts) - 1:
            content[key] = value
        elif isinstance(content, dict) and content.get(part) is None:
            content[part] = {}
        content = content[key]
    return tuple(path)


def _index(entries: list[Any], part: str, where: Where) -> int:
    """The place of an entry of a list: its number from 0, or the `id` that it has."""
    named = {
        str(entry["id"]): index for index, entry in enumerate(entries) if isinstance(entry, dict) and "id" in entry
    }
    if part in named:
        return named[part]
    if part.isdecimal() and int(part) < len(entries):
        return int(part)
    raise SuiteError(unknown("entry", part, [*named] or [str(index) for index in range(len(entries))]), where=where)

"""Reads what an answer says before it is compared: by a regular expression, by a JSON Schema, or as a tool call.

What cannot be read is unread, with its reason: it is counted, and part of no figure.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from harness.core.distribution import explained, is_installed
from harness.schema.suite.types import Strict
from harness.text.bounded import BoundExceeded, bounded

_SECONDS = 1.0
"""A pattern that backtracks without end is given up after so long."""
_FENCED = re.compile(r"```(?:json)?\s*\n(.*?)```", re.DOTALL)
_CALL_MARKS = re.compile(r"<tool_call>(.*?)(?:</tool_call>|\Z)|<function_call>(.*?)(?:</function_call>|\Z)", re.DOTALL)
_BEFORE_CALL = re.compile(r"\A\s*(?:\[TOOL_CALLS\]|<\|python_tag\|>|functools)\s*")


class ReadAnswer(Strict):
    """How an answer is read; one of `regex`, `json_schema` and `tool_call`."""

    regex: str | None = Field(None, description="Pattern whose first group (or whole match) is the answer.")
    which: Literal["first", "last"] = Field("last", description="Which match of `regex` counts.")
    json_schema: dict[str, Any] | None = Field(None, description="JSON Schema that the answer's JSON must satisfy.")
    field: str | None = Field(None, description="Value of the JSON that is the answer, such as `result.label`.")
    tool_call: bool = Field(False, description="The answer is the call of a tool: its name and its arguments.")

    @field_validator("regex")
    @classmethod
    def _pattern(cls, value: str | None) -> str | None:
        if value is not None and is_installed("regex"):
            try:
                compiled_pattern(value)
            except Exception as error:  # `regex` has an error class of its own
                raise ValueError(f"{value!r} is not a regular expression: {error}") from error
        return value

    @field_validator("json_schema")
    @classmethod
    def _schema(cls, value: dict[str, Any] | None) -> dict[str, Any] | None:
        if value is not None and is_installed("jsonschema"):
            from jsonschema.exceptions import SchemaError
            from jsonschema.validators import validator_for

            try:
                validator_for(value).check_schema(value)
            except SchemaError as error:
                raise ValueError(f"it is not a JSON Schema: {error.message}") from error
        return value

    @model_validator(mode="after")
    def _one(self) -> ReadAnswer:
        if (self.regex is not None) + (self.json_schema is not None) + self.tool_call != 1:
            raise ValueError("give one of `regex`, `json_schema` and `tool_call`")
        if self.field is not None and self.json_schema is None:
            raise ValueError("`field` is a value of the JSON; it needs `json_schema`")
        return self


class UnreadError(ValueError):
    """An answer cannot be read; the text says why."""


def read_answer(reader: ReadAnswer, text: str) -> str:
    """What an answer says: a text, JSON in its canonical form, or a tool call as such JSON.

    Raises:
        UnreadError: with the reason.
        MissingPackageError: without the package that reads it.
    """
    if reader.regex is not None:
        return _matched(reader.regex, text, last=reader.which == "last")
    if reader.json_schema is not None:
        return _valid(reader.json_schema, reader.field, text)
    return canonical(tool_call_in(text))


def canonical(value: Any) -> str:
    """A JSON value as one text, whatever the order of its keys; a text as itself."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True)


def as_canonical(text: str) -> str:
    """A reference in the form in which answers are compared."""
    try:
        return canonical(json.loads(text))
    except (ValueError, RecursionError):
        return text


def tool_call_in(text: str) -> dict[str, Any]:
    """Name and arguments of the one tool that an answer calls.

    Raises:
        UnreadError: where it calls none, several, or does not finish the call.
    """
    calls = [call for value in _called_values(text) for call in (value if isinstance(value, list) else [value])]
    if len(calls) != 1:
        raise UnreadError("it calls no tool" if not calls else f"it calls {len(calls)} tools")
    call = calls[0].get("function", calls[0]) if isinstance(calls[0], Mapping) else None
    if not isinstance(call, Mapping) or not isinstance(call.get("name"), str):
        raise UnreadError("its tool call has no name")
    arguments = call.get("arguments", call.get("parameters", {}))
    if isinstance(arguments, str):
        arguments = _loaded(arguments, "the arguments of its tool call are no JSON")
    if not isinstance(arguments, Mapping):
        raise UnreadError("the arguments of its tool call are not an object")
    return {"name": call["name"], "arguments": dict(arguments)}


def calls_match(call: str, wanted: str) -> tuple[bool, bool]:
    """Whether the name and the arguments of a call, in its canonical form, are those of a reference."""
    given = json.loads(call)
    try:
        right = tool_call_in(wanted)
    except UnreadError:
        return False, False
    return given["name"] == right["name"], canonical(given["arguments"]) == canonical(right["arguments"])


def compiled_pattern(pattern: str) -> Any:
    """A pattern that can be given up."""
    with explained("`regex`"):
        import regex

        return regex.compile(pattern, regex.VERSION0)


def _matched(pattern: str, text: str, *, last: bool) -> str:
    try:
        matches = list(compiled_pattern(pattern).finditer(text, timeout=_SECONDS))
    except TimeoutError:
        raise UnreadError(f"the regular expression takes longer than {_SECONDS:g} s") from None
    if not matches:
        raise UnreadError("the regular expression matches nothing")
    match = matches[-1 if last else 0]
    whole = match.group() if not match.re.groups else match.group(1)
    if whole is None:
        raise UnreadError("the group of the regular expression matches nothing")
    return str(whole).strip()


def _valid(schema: Mapping[str, Any], field: str | None, text: str) -> str:
    with explained("`json_schema`"):
        from jsonschema.exceptions import ValidationError
        from jsonschema.validators import validator_for
        from referencing import Registry
        from referencing.exceptions import Unresolvable

    fenced = _FENCED.findall(text)
    value = _loaded(fenced[-1] if fenced else text, "it is no JSON")
    try:
        # An empty registry: a reference to elsewhere is never fetched.
        with bounded("the JSON Schema", seconds=_SECONDS):
            validator_for(schema)(schema, registry=Registry()).validate(value)
    except BoundExceeded as error:
        raise UnreadError(str(error)) from error
    except ValidationError as error:
        raise UnreadError(f"it does not fit the JSON Schema: {error.message[:200]}") from error
    except Unresolvable as error:
        raise UnreadError(f"the JSON Schema refers to what it does not hold: {error}") from error
    for name in field.split(".") if field is not None else ():
        if not isinstance(value, Mapping) or name not in value:
            raise UnreadError(f"its JSON has no {field!r}")
        value = value[name]
    return canonical(value)


def _called_values(text: str) -> Iterator[Any]:
    """The JSON of each call in a text."""
    marked = [first or second for first, second in _CALL_MARKS.findall(text)]
    if marked:
        for inside in marked:
            yield _loaded(inside, "its tool call is no JSON, or is not finished")
        return
    bare = _BEFORE_CALL.sub("", text).strip()
    fenced = _FENCED.findall(bare)
    bare = fenced[-1].strip() if fenced else bare
    if bare.startswith(("{", "[")):
        yield _loaded(bare, "its tool call is no JSON, or is not finished")


def _loaded(text: str, fault: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise UnreadError(fault) from None

"""YAML text → a flat stream of events with places, by ruamel.yaml's parser; errors located."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from ruamel.yaml import YAML, events
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.reader import ReaderError

from harness.core.errors import SuiteError, Where

Kind = Literal["document", "scalar", "alias", "mapping", "sequence", "end"]

_KINDS: dict[type[events.Event], Kind] = {
    events.DocumentStartEvent: "document",
    events.ScalarEvent: "scalar",
    events.AliasEvent: "alias",
    events.MappingStartEvent: "mapping",
    events.SequenceStartEvent: "sequence",
    events.MappingEndEvent: "end",
    events.SequenceEndEvent: "end",
}


@dataclass(frozen=True, slots=True)
class Event:
    """One step of the parser. `plain`: an unquoted scalar; `tag`: an explicit tag."""

    kind: Kind
    line: int
    column: int
    text: str = ""
    plain: bool = False
    anchor: str | None = None
    tag: str | None = None


def yaml_events(text: str, file: str | Path) -> Iterator[Event]:
    """Yields the events of a text.

    Raises:
        SuiteError: on text that is not YAML, with line, column and what to change.
    """
    parser = YAML(typ="rt", pure=True)
    try:
        for event in parser.parse(text):
            kind = _KINDS.get(type(event))
            if kind is None:
                continue
            mark = event.start_mark
            version = event.version if isinstance(event, events.DocumentStartEvent) else None
            if version is not None and tuple(version) != (1, 2):
                raise SuiteError(
                    f"expected YAML 1.2, found a directive for {version[0]}.{version[1]}.",
                    where=Where(file, mark.line, 1),
                    hint="remove the line `%YAML …`.",
                )
            yield Event(
                kind,
                mark.line + 1,
                mark.column + 1,
                _joined(str(event.value or "")) if isinstance(event, events.ScalarEvent) else "",
                isinstance(event, events.ScalarEvent) and event.style is None,
                event.anchor if isinstance(event, events.NodeEvent) else None,
                _tag(event),
            )
    except ReaderError as error:
        raise SuiteError(
            f"expected text, found the control character 0x{_code(error.character):02x}.",
            where=Where(file, text.count("\n", 0, int(error.position)) + 1),
            hint="remove it.",
        ) from error
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = Where(file, mark.line + 1, mark.column + 1) if mark is not None else Where(file)
        raise SuiteError(_message(error), where=where, hint=_hint(error)) from error
    except (YAMLError, ValueError, AttributeError, TypeError, IndexError, AssertionError) as error:
        raise SuiteError(f"invalid YAML: {error}", where=Where(file)) from error
    except RecursionError as error:
        raise SuiteError("the file is nested too deeply.", where=Where(file)) from error


def _joined(text: str) -> str:
    """Joins surrogate pairs that were written as two escapes, as JSON writes them."""
    if not any("\ud800" <= character <= "\udfff" for character in text):
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")


def _tag(event: events.Event) -> str | None:
    tag = event.tag if isinstance(event, events.ScalarEvent | events.CollectionStartEvent) else None
    return str(tag) if tag else None


def _code(character: Any) -> int:
    return ord(character) if isinstance(character, str) else int(character)


def _message(error: MarkedYAMLError) -> str:
    problem = str(error.problem or "it cannot be read").strip().rstrip(".")
    context = f" {str(error.context).strip()}" if error.context else ""
    return f"invalid YAML:{context}{',' if context else ''} {problem}."


def _hint(error: MarkedYAMLError) -> str | None:
    problem = str(error.problem or "")
    if "\\t" in problem or "'\t'" in problem or "tab" in problem:
        return "indent with spaces; YAML does not allow tabs there."
    if "mapping values are not allowed" in problem:
        return "quote text that contains `: `, and check the indentation."
    if "undefined alias" in problem:
        return "quote text that starts with `*`."
    if "expected ',' or" in problem:
        return "close the bracket, or separate the entries with commas."
    if "expected <block end>" in problem:
        return "indent keys on the same level equally."
    return "quote text with special characters."

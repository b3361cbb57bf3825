"""Events → nodes: values of a YAML file with their places. Faults that leave the structure readable are collected."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.core.errors import Key, Problem, SuiteError, Where
from harness.suite.yaml import scalars
from harness.suite.yaml.yaml_events import Event

MAX_SIZE = 50_000
MAX_DEPTH = 40
TEXT_UNIT = 20


@dataclass(slots=True)
class Node:
    """A value of the file.

    Attributes:
        line, column: count from 1.
        size: values below and including this one, with aliases counted as what they stand for and
            long texts once for every `TEXT_UNIT` characters; at most `MAX_SIZE`.
        children, keys: what stands below, and the places of a mapping's keys.
    """

    line: int
    column: int
    value: Any = None
    size: int = 1
    children: dict[Key, Node] = field(default_factory=dict)
    keys: dict[Key, tuple[int, int]] = field(default_factory=dict)
    collection: bool = False


@dataclass(slots=True)
class _Open:
    """A collection that has not ended; `key` waits for its value."""

    node: Node
    mapping: bool
    anchor: str | None
    key: Event | None = None


class Builder:
    """Takes events in order; `take` returns the root when it is complete."""

    def __init__(self, file: str | Path) -> None:
        self.problems: list[Problem] = []
        self._file = file
        self._stack: list[_Open] = []
        self._anchors: dict[str, Node] = {}

    def take(self, event: Event) -> Node | None:
        """One event.

        Raises:
            SuiteError: for faults after which the rest cannot be read sensibly.
        """
        if event.tag is not None:
            raise self._error(event, f"expected plain YAML, found the tag {event.tag!r}.", "remove the tag.")
        if event.kind == "end":
            done = self._stack.pop()
            if done.anchor:
                self._anchors[done.anchor] = done.node
            return self._put(done.node)
        if self._stack and self._stack[-1].mapping and self._stack[-1].key is None:
            self._key(event)
            return None
        if event.kind in {"mapping", "sequence"}:
            self._open(event)
            return None
        return self._put(self._scalar(event) if event.kind == "scalar" else self._alias(event))

    def _key(self, event: Event) -> None:
        parent = self._stack[-1]
        if event.kind != "scalar":
            raise self._error(event, "expected a key that is plain text.", "put it in quotes.")
        self._check_text(event)
        parent.key = event
        first = parent.node.keys.get(event.text)
        if first is not None:
            self._fault(
                event,
                f"duplicate key {event.text!r} (first defined on line {first[0]}, column {first[1]}).",
                "remove one of them.",
            )

    def _open(self, event: Event) -> None:
        if len(self._stack) >= MAX_DEPTH:
            raise self._error(event, f"expected at most {MAX_DEPTH} levels of nesting.", "reduce the nesting.")
        mapping = event.kind == "mapping"
        node = Node(event.line, event.column, {} if mapping else [], collection=True)
        self._stack.append(_Open(node, mapping, event.anchor))

    def _scalar(self, event: Event) -> Node:
        self._check_text(event)
        value: Any = event.text
        if event.plain:
            try:
                value = scalars.resolve(event.text)
            except ValueError as error:
                self._fault(event, f"{error}.", None)
                value = None
        node = Node(event.line, event.column, value, size=1 + len(event.text) // TEXT_UNIT)
        if event.anchor:
            self._anchors[event.anchor] = node
        return node

    def _alias(self, event: Event) -> Node:
        if any(frame.anchor == event.anchor for frame in self._stack):
            raise self._error(
                event, f"the alias *{event.anchor} refers to its own parent.", "replace the alias with its value."
            )
        node = self._anchors.get(event.anchor or "")
        if node is None:
            raise self._error(event, f"no anchor &{event.anchor} is defined.", "quote text that starts with `*`.")
        return node

    def _put(self, node: Node) -> Node | None:
        if not self._stack:
            return node
        parent = self._stack[-1]
        parent.node.size += node.size
        if parent.node.size > MAX_SIZE:
            raise SuiteError(
                f"expected at most {MAX_SIZE} values (aliases count as their expanded values).",
                where=Where(self._file, node.line, node.column),
                hint="shorten the file, or use fewer aliases.",
            )
        if parent.mapping:
            key = parent.key
            parent.key = None
            if key is not None and key.text not in parent.node.children:
                parent.node.children[key.text] = node
                parent.node.keys[key.text] = (key.line, key.column)
                parent.node.value[key.text] = node.value
        else:
            parent.node.children[len(parent.node.value)] = node
            parent.node.value.append(node.value)
        return None

    def _check_text(self, event: Event) -> None:
        try:
            event.text.encode("utf-8")
        except UnicodeEncodeError as error:
            raise self._error(event, "expected text, found a lone surrogate.", "remove it.") from error

    def _fault(self, event: Event, message: str, hint: str | None) -> None:
        self.problems.append(Problem(Where(self._file, event.line, event.column), message, hint))

    def _error(self, event: Event, message: str, hint: str) -> SuiteError:
        return SuiteError(message, where=Where(self._file, event.line, event.column), hint=hint)

"""Names of version 0.1.0 in a suite: found, reported where they stand, and rewritten in the text.

The text is edited where the names stand, so that comments, order, anchors and quoting stay as they are.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.core import registry
from harness.core.errors import Key, Problems
from harness.schema.renames import (
    COMPARE_KEYS,
    DATA_KEYS,
    METRICS,
    MODEL_KEYS,
    MODEL_KINDS,
    MODEL_OPTIONS,
    PROBE_OPTIONS,
    PROBES,
    SECTIONS,
    TASK_OPTIONS,
    TASKS,
    Names,
    base_name,
    rename_figure,
    rename_metric,
    renamed_message,
)
from harness.suite.yaml.located_document import Document, parse

PLANTED_WORLD = "planted_world"
_LINE_BREAK = re.compile("\r\n|[\n\r\x85\u2028\u2029]")
"""What the YAML parser counts as the end of a line."""


@dataclass(frozen=True, slots=True)
class Rename:
    """One old name in a suite.

    Attributes:
        path: the keys that lead to it.
        at_key: the name is the last key of the path, not the value below it.
        what: `kind of task`, `metric`, `key`, …
        new: empty for a key that is no longer there.
    """

    path: tuple[Key, ...]
    at_key: bool
    what: str
    old: str
    new: str

    @property
    def message(self) -> str:
        """One sentence: the old name, and the new one."""
        if not self.new:
            return f"the {self.what} {self.old!r} is no longer there; remove it."
        return renamed_message(self.what, self.old, self.new)


def renames_of(value: Any) -> Iterator[Rename]:
    """The old names in a suite's data, in the order of its sections."""
    if not isinstance(value, dict):
        return
    yield from _keys(value, (), SECTIONS, "section")
    for name, ref in _entries(value, "data"):
        yield from _keys(ref, ("data", name), DATA_KEYS)
    for name, model in _entries(value, "models"):
        yield from _model(("models", name), model)
    yield from _keys(value.get("compare"), ("compare",), COMPARE_KEYS)
    for section, kinds, options in (("tasks", TASKS, TASK_OPTIONS), ("probes", PROBES, PROBE_OPTIONS)):
        for name, evaluation in _entries(value, section):
            yield from _evaluation((section, name), evaluation, kinds, options)
    yield from _gates(value.get("gates"), ("gates",))
    yield from _planted(value, ())


def _planted(value: Any, path: tuple[Key, ...]) -> Iterator[Rename]:
    """The planted world as one of the generators, wherever data is named."""
    if isinstance(value, dict):
        options = value.get("options")
        if value.get("source") == "generated" and isinstance(options, dict):
            if options.get("generator") == PLANTED_WORLD:
                yield Rename((*path, "source"), False, "data source", "generated", PLANTED_WORLD)
                yield Rename((*path, "options", "generator"), True, "option", "generator", "")
            return
        for key, member in value.items():
            yield from _planted(member, (*path, key))
    elif isinstance(value, list):
        for index, member in enumerate(value):
            yield from _planted(member, (*path, index))


def _model(path: tuple[Key, ...], model: Any) -> Iterator[Rename]:
    yield from _keys(model, path, MODEL_KINDS, "model kind")
    yield from _keys(model, path, MODEL_KEYS)
    for kind, names in MODEL_OPTIONS.items():
        if isinstance(model, dict):
            yield from _keys(model.get(kind), (*path, kind), names)


def _evaluation(path: tuple[Key, ...], evaluation: Any, kinds: Names, options: Mapping[str, Names]) -> Iterator[Rename]:
    yield from _keys(evaluation, path, kinds, f"kind of {str(path[0])[:-1]}")
    for kind, given in evaluation.items() if isinstance(evaluation, dict) else ():
        yield from _keys(given, (*path, kind), options.get(kind, {}))
        metrics = given.get("metrics") if isinstance(given, dict) else None
        for index, metric in enumerate(metrics if isinstance(metrics, list) else ()):
            yield from _value(metric, (*path, kind, "metrics", index), rename_metric)


def _gates(value: Any, path: tuple[Key, ...]) -> Iterator[Rename]:
    """Rules at any depth: compositions hold rules."""
    if isinstance(value, list):
        for index, member in enumerate(value):
            yield from _gates(member, (*path, index))
    elif isinstance(value, dict):
        for key, member in value.items():
            if key == "metric":
                yield from _value(member, (*path, key), rename_figure)
            else:
                yield from _gates(member, (*path, key))


def _entries(value: dict[str, Any], section: str) -> Iterator[tuple[str, Any]]:
    entries = value.get(section)
    yield from entries.items() if isinstance(entries, dict) else ()


def _keys(value: Any, path: tuple[Key, ...], names: Names, what: str = "key") -> Iterator[Rename]:
    for key in value if isinstance(value, dict) else ():
        if key in names:
            yield Rename((*path, key), True, what, key, names[key])


def _value(value: Any, path: tuple[Key, ...], rename: Callable[[str], str]) -> Iterator[Rename]:
    if isinstance(value, str) and rename(value) != value:
        yield Rename(path, False, "metric", value, rename(value))


def old_names(document: Document) -> list[Rename]:
    """The names of 0.1.0 that a suite uses, in the file's order; a name that a package registers today is none."""
    renames = [rename for rename in renames_of(document.value) if not _registered(rename)]
    return sorted(renames, key=lambda rename: _place(document, rename))


def check_names(document: Document, problems: Problems) -> None:
    """Notes every name of 0.1.0 at its line, with the new one."""
    for number, rename in enumerate(old_names(document)):
        hint = (
            None
            if number
            else f"`harness migrate {document.file}` shows the suite with the new names; --write rewrites it."
        )
        problems.add(rename.message, *rename.path, key=rename.at_key, hint=hint)


@dataclass(frozen=True, slots=True)
class Migration:
    """A suite's text under the new names.

    Attributes:
        renames: what was rewritten.
        left: old names that could not be rewritten where they stand, each with why.
    """

    text: str
    renames: tuple[Rename, ...]
    left: tuple[tuple[Rename, str], ...]


def migrate_text(text: str, file: str | Path) -> Migration:
    """Rewrites the names of 0.1.0 in a suite's text.

    Raises:
        SuiteError: when the text is not YAML.
    """
    document = parse(text, file)
    starts = [0, *(match.end() for match in _LINE_BREAK.finditer(text))]
    edits: dict[int, tuple[int, str]] = {}
    rewritten: list[Rename] = []
    left: list[tuple[Rename, str]] = []
    for rename in old_names(document):
        if rename.at_key and rename.new in _siblings(document.value, rename.path):
            left.append((rename, f"{rename.new!r} is there as well; keep one of the two"))
            continue
        line, column = _place(document, rename)
        span = _span(text, starts[line - 1] + column - 1, rename.old)
        if span is None:
            left.append((rename, "its text is escaped or folded; write it plainly"))
            continue
        if not rename.new:
            span = _whole_key(text, span)
        edits[span[0]] = (span[1], rename.new)
        rewritten.append(rename)
    for start, (end, new) in sorted(edits.items(), reverse=True):
        text = text[:start] + new + text[end:]
    return Migration(text, tuple(rewritten), tuple(left))


def _registered(rename: Rename) -> bool:
    group = {"kind of task": "tasks", "kind of probe": "probes", "metric": "metrics"}.get(rename.what)
    if group is None:
        return False
    name = rename.old
    if rename.what == "metric":
        name = name.partition(".")[2] if rename.path[-1] == "metric" else name
        while base_name(name) not in METRICS:
            name = name.partition("[")[2][:-1]
        name = base_name(name)
    return name in registry.names(group)


def _place(document: Document, rename: Rename) -> tuple[int, int]:
    where = document.where(*rename.path, key=rename.at_key)
    return where.line or 1, where.column or 1


def _siblings(value: Any, path: Iterable[Key]) -> Any:
    *above, _ = path
    for key in above:
        value = value[key]
    return value


def _whole_key(text: str, span: tuple[int, int]) -> tuple[int, int]:
    """From a key's name to the key with its scalar value and what separates it: a comma, or a line of its own."""
    start, end = span
    if start and text[start - 1] in "\"'":
        start -= 1
    rest = re.compile(r"[^:\n]*:[^,}\n]*").match(text, end)
    end = rest.end() if rest is not None else end
    line = text.rfind("\n", 0, start) + 1
    if not text[line:start].strip() and text[end : end + 1] in ("", "\n"):
        return line, min(end + 1, len(text))
    comma = re.compile(r",\s*").match(text, end)
    if comma is not None:
        return start, comma.end()
    before = re.search(r",\s*\Z", text[:start])
    return (before.start() if before is not None else start), end


def _span(text: str, start: int, old: str) -> tuple[int, int] | None:
    """Where the name stands in the text: at `start`, or behind an anchor and a quote there."""
    match = re.compile(r"(?:&\S+\s+)?[\"']?(?=" + re.escape(old) + ")").match(text, start)
    return None if match is None else (match.end(), match.end() + len(old))

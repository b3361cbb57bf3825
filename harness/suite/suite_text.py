"""A suite as YAML for people: one line per entry, comments where they help, bare words where nothing can be misread."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

Comments = Mapping[tuple[str, ...], str]
"""Path of keys → what is said above it (its lines without `#`)."""

SCHEMA_FILE = "suite.schema.json"
SCHEMA_LINE = f"# yaml-language-server: $schema=./{SCHEMA_FILE}\n"
_BARE = re.compile(r"(?:[A-Za-z]|\.{0,2}/)[\w./-]*\Z")
_NO_TEXT = frozenset({"true", "false", "null"})
_WIDTH = 110


def suite_text(value: Mapping[str, Any], comments: Comments | None = None) -> str:
    """A suite as YAML, with the line that editors find its schema by; see `yaml_text`."""
    return SCHEMA_LINE + yaml_text(value, comments)


def yaml_text(value: Mapping[str, Any], comments: Comments | None = None) -> str:
    """A suite or a policy as YAML.

    Args:
        value: sections by name, in order.
        comments: by path; a path of one key stands above its section, the empty path above everything.
    """
    said = comments or {}
    lines = _comment(said, (), "")
    for section, content in value.items():
        nested = isinstance(content, list | dict) and section not in ("compare",)
        if nested and lines and lines[-1]:
            lines.append("")
        lines += _entry(section, content, (section,), said, "")
    return "\n".join(lines) + "\n"


def _entry(key: str, content: Any, path: tuple[str, ...], said: Comments, indent: str) -> list[str]:
    """The lines of one key: in one line if they fit and no comment stands inside, else a block."""
    lines = _comment(said, path, indent)
    inside = any(other[: len(path)] == path and len(other) > len(path) for other in said)
    plain = f"{indent}{_scalar(key)}: {_flow(content)}"
    block = isinstance(content, list | dict) and content
    if block and ((len(path) == 1 and path[0] != "compare") or inside or len(plain) > _WIDTH):
        lines.append(f"{indent}{_scalar(key)}:")
        if isinstance(content, list):
            for place, item in enumerate(content):
                name = item["id"] if isinstance(item, dict) and "id" in item else str(place)
                lines += [*_comment(said, (*path, name), indent + "  "), f"{indent}  - {_flow(item)}"]
        else:
            for name, part in content.items():
                lines += _entry(str(name), part, (*path, str(name)), said, indent + "  ")
        return lines
    return [*lines, plain]


def _comment(said: Comments, path: tuple[str, ...], indent: str) -> list[str]:
    return [f"{indent}# {line}".rstrip() for line in said[path].splitlines()] if path in said else []


def _flow(value: Any) -> str:
    """YAML in one line."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_scalar(str(key))}: {_flow(part)}" for key, part in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_flow, value)) + "]"
    return _scalar(value) if isinstance(value, str) else json.dumps(value)


def _scalar(value: str) -> str:
    """YAML for a text: bare where nothing can be misread, else quoted (JSON is YAML)."""
    if _BARE.match(value) and value.lower() not in _NO_TEXT:
        return value
    return json.dumps(value, ensure_ascii=False)

"""Which tool wrote a log that the importer of another tool cannot read."""

from __future__ import annotations

import re
from pathlib import Path

from harness.core import registry
from harness.core.errors import DataError, HarnessError
from harness.importers.imported_log import LogImporter

LM_EVAL = "lm-eval"
LM_EVAL_SAMPLES = re.compile(r"samples_(?P<task>.+?)(_\d{4}-\d\d-\d\dT[\d.:-]+)?\.jsonl\Z")
_GROUP = "importers"


def with_format_named(error: DataError, path: Path, asked: str) -> DataError:
    """The error, and the format that the log looks like where it is another one."""
    for name in (name for name in (LM_EVAL, *registry.names(_GROUP)) if name != asked):
        tool = _tool(path, name)
        if tool is not None:
            looks = f"it looks like a log of {tool}: harness import {name} \u2026"
            return DataError(error.message, where=error.where, notes=error.notes, hint=looks)
    return error


def _tool(path: Path, name: str) -> str | None:
    """The tool of a format, where the log looks like one of its own."""
    if name == LM_EVAL:
        files = [path] if path.is_file() else path.rglob("samples_*.jsonl")
        return "lm-evaluation-harness" if any(LM_EVAL_SAMPLES.match(file.name) for file in files) else None
    try:
        reads: type[LogImporter] = registry.load(_GROUP, name)
    except HarnessError:
        return None
    return reads.tool if reads.recognizes(path) else None

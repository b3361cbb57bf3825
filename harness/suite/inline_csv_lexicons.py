"""Lists of words that a suite names as files: read where the suite is, so that the rest sees their rows only.

Wherever a suite takes {group: words} for swaps, the path of a CSV file may stand: `lexicons: {faith: faiths.csv}` of a
probe or of `mitigate: {augment: …}`, and `remove: words.csv` of `project`.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from harness.core.errors import HarnessError, Key, Problems
from harness.schema.suite.mitigation import RESERVED_SWAPS
from harness.text.lexicons.lexicon import read_lexicon

FILE = ".csv"


def with_files(given: Any, problems: Problems) -> Any:
    """The YAML of one model or probe with every list that stands in a file put in its place; faults are noted."""
    return _walk(given, (), problems)


def _walk(value: Any, keys: tuple[Key, ...], problems: Problems) -> Any:
    if not isinstance(value, Mapping):
        return value
    return {key: _read(key, inner, (*keys, key), problems) for key, inner in value.items()}


def _read(key: Any, value: Any, keys: tuple[Key, ...], problems: Problems) -> Any:
    if key == "lexicons" and isinstance(value, Mapping):
        return {
            name: _table(inner, (*keys, name), problems) if _is_file(inner) else inner for name, inner in value.items()
        }
    if key == "remove" and _is_file(value):
        return _table(value, keys, problems)
    return _walk(value, keys, problems)


def _is_file(value: Any) -> bool:
    return isinstance(value, str) and value not in RESERVED_SWAPS and value.lower().endswith(FILE)


def _table(value: str, keys: tuple[Key, ...], problems: Problems) -> Any:
    """Rows of group, word and pair; where the file has a fault, which is noted, some that bring no second one."""
    file = problems.where().file
    try:
        lexicon = read_lexicon(Path(file or ".").parent / Path(value).expanduser())
    except HarnessError as error:
        problems.add_error(error, *keys)
        return [["a", "a", None], ["b", "b", None]]
    return [[entry.group, entry.word, entry.pair] for entry in lexicon.entries]

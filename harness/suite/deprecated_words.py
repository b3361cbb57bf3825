"""Reads deprecated words of a suite under their current names, and says so."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from harness.core.errors import Problems
from harness.schema import deprecations
from harness.schema.deprecations import Deprecation


def with_current_words(value: Any, problems: Problems) -> tuple[Any, tuple[str, ...]]:
    """The content of a suite under current names, and a sentence for every word that has another one now."""
    sentences: list[str] = []
    for entry in deprecations.DEPRECATIONS:
        for keys in list(_places(value, entry.path, ())):
            old = keys[-1]
            where = problems.where(*keys, key=True)
            if entry.new in _at(value, keys[:-1]):
                problems.add(f"{old!r} is called {entry.new!r} now, and both are here.", *keys, key=True)
                continue
            value = _renamed(value, keys, entry)
            sentences.append(
                f"{where}: the key {old!r} is called {entry.new!r} since {entry.since}; {entry.until} will not read it."
            )
    return value, tuple(sentences)


def _places(value: Any, path: tuple[str, ...], before: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    if not isinstance(value, dict):
        return
    for key in [*value] if path[0] == "*" else [path[0]]:
        if key not in value:
            continue
        if len(path) == 1:
            yield (*before, key)
        else:
            yield from _places(value[key], path[1:], (*before, key))


def _at(value: Any, keys: tuple[str, ...]) -> Any:
    for key in keys:
        value = value[key]
    return value


def _renamed(value: Any, keys: tuple[str, ...], entry: Deprecation) -> Any:
    """A copy in which one key has its new name, in its old place."""
    first, *rest = keys
    if not rest:
        return {entry.new if key == first else key: part for key, part in value.items()}
    return {key: _renamed(part, tuple(rest), entry) if key == first else part for key, part in value.items()}

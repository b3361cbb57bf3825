"""Rows of our own generators: nothing to fetch, nothing to cache."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

from harness.core.errors import DataError
from harness.data.parsers.raw_row import Raw

_NAME = re.compile(r"[a-z][a-z0-9_]*\Z")


def read(generator: str, options: Mapping[str, Any]) -> Iterator[Raw]:
    """The rows of `harness.data.generators.<generator>:rows(**options)`.

    Raises:
        DataError: when there is no such generator, or it does not take the options.
    """
    if not _NAME.match(generator):
        raise DataError(f"{generator!r} is not a valid generator name.")
    module_name = f"harness.data.generators.{generator}"
    try:
        rows = import_module(module_name).rows(**options)
    except ModuleNotFoundError as error:
        if error.name != module_name:
            raise
        raise DataError(f"unknown generator {generator!r}.") from error
    except TypeError as error:
        raise DataError(f"the generator {generator!r}: {error}") from error
    for number, fields in enumerate(rows, 1):
        yield Raw(number, fields)


def open_rows(options: dict[str, Any], base: Path) -> Iterable[Mapping[str, Any]]:
    """Rows of a built-in generator: `{source: generated, options: {generator: own_pairs}}`."""
    rest = dict(options)
    generator = rest.pop("generator", None)
    if generator == "planted_world":
        raise DataError(
            "the planted world is a source of its own.",
            hint="write `source: planted_world`, and leave `generator` out of its options.",
        )
    if not isinstance(generator, str):
        raise DataError("the source 'generated' needs the option `generator`.")
    return (raw.fields for raw in read(generator, rest))

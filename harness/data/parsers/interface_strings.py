"""Interface strings in two languages, from the translation files inside one archive."""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Iterator, Mapping
from typing import Any

from harness.core.errors import DataError, Where
from harness.data.parsers.raw_row import Raw

_FILE = re.compile(r"homeassistant/components/(\w+)/translations/(\w+)\.json\Z")
_PLACEHOLDER = re.compile(r"[{}<>\[\]`*\\]|\bhttps?:|\n")
_LETTER = re.compile(r"[^\W\d_]{2}")
_MOST_WORDS = 24
_MOST_BYTES = 1 << 22


def parse_interface(content: bytes, where: str, options: Mapping[str, Any]) -> Iterator[Raw]:
    """Home Assistant's strings of the languages `source` and `target`: columns `component`, `key`, `source`, `target`.

    Strings with placeholders, markup or line ends, without letters, of more than 24 words, or equal in both
    languages are left out. The archive is read in memory; nothing of it is written or run.
    """
    languages = (str(options.get("source", "en")), str(options.get("target", "de")))
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            files: dict[str, dict[str, str]] = {}
            for name in archive.namelist():
                match = _FILE.match(name)
                if match is not None and match.group(2) in languages:
                    files.setdefault(match.group(1), {})[match.group(2)] = name
            number = 0
            for component in sorted(files):
                if set(files[component]) != set(languages):
                    continue
                left, other = (_strings(archive, files[component][language], where) for language in languages)
                for key in sorted(left.keys() & other.keys()):
                    number += 1
                    if _usable(left[key]) and _usable(other[key]) and left[key] != other[key]:
                        yield Raw(
                            number, {"component": component, "key": key, "source": left[key], "target": other[key]}
                        )
    except (zipfile.BadZipFile, OSError, RuntimeError) as error:
        raise DataError(f"cannot read the archive: {error}.", where=Where(where)) from error


def _strings(archive: zipfile.ZipFile, name: str, where: str) -> dict[str, str]:
    with archive.open(name) as member:
        content = member.read(_MOST_BYTES + 1)
    if len(content) > _MOST_BYTES:
        raise DataError(f"{name} has more than {_MOST_BYTES} bytes.", where=Where(where))
    strings: dict[str, str] = {}
    try:
        _flatten(json.loads(content), "", strings)
    except (ValueError, RecursionError) as error:
        raise DataError(f"{name} is not a JSON object of strings: {error}.", where=Where(where)) from error
    return strings


def _flatten(value: Any, path: str, strings: dict[str, str]) -> None:
    if isinstance(value, str):
        strings[path] = " ".join(value.split(" ")).strip()
    elif isinstance(value, dict):
        for key, item in value.items():
            _flatten(item, f"{path}.{key}" if path else str(key), strings)


def _usable(text: str) -> bool:
    return (
        0 < len(text.split()) <= _MOST_WORDS and _PLACEHOLDER.search(text) is None and _LETTER.search(text) is not None
    )

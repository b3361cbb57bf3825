"""The one reader of users' tables: a file's bytes → rows, and notes on what was guessed or replaced.

Suites, `harness audit`, `harness data audit`, `harness init`, `harness.compare` and the importers all read through
it, so a file means the same everywhere.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from harness.core.errors import DataError, Where, is_address, nearest
from harness.core.storable import has_halves, holds_halves, replaced_note, stored
from harness.data.parsers.parser_by_name import parser
from harness.data.parsers.raw_row import Raw, RawRows
from harness.storage import memory_room, plain_files
from harness.storage.delimited_rows import find_delimiter
from harness.storage.text_decoding import decode

FORMATS = {
    ".csv": "csv",
    ".tsv": "tsv",
    ".tab": "tsv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "json",
    ".parquet": "parquet",
    ".txt": "txt",
    ".conll": "conll",
}
"""Format by the ending of a file's name."""
_BINARY = frozenset({"parquet"})
_COPIES = 2
"""Of a file in memory: its bytes and its text; rows come on top."""
_NAMED = 5
"""At most this many files of a folder are named."""
_GZIP = b"\x1f\x8b"
_STEP = 64 * 2**20
"""Bytes that are unpacked before the memory that is free is looked at again."""
_WRITTEN_HALF = re.compile(rb"\\u[dD][89a-fA-F]")
"""How JSON spells a half of a surrogate pair."""


@dataclass(frozen=True, slots=True)
class TableFormat:
    """How a file is read.

    Attributes:
        name: a key of the parsers; None to go by the ending.
        delimiter: between cells of csv and tsv; None to find it.
        encoding: Python's name; None to find it.
    """

    name: str | None = None
    delimiter: str | None = None
    encoding: str | None = None


@dataclass(frozen=True, slots=True)
class ReadRows:
    """Rows with the lines they stand on.

    Attributes:
        notes: what a reader of the figures must know of how they were read.
        guessed: `encoding` and `delimiter` where they were guessed.
    """

    rows: Sequence[Raw]
    notes: tuple[str, ...]
    guessed: Mapping[str, str] = field(default_factory=dict)


def content_of(path: Path, shown: str | None = None, base: Path | None = None) -> bytes:
    """A file's bytes, unpacked where it is gzipped.

    Args:
        shown: the file's name in messages.
        base: the folder that relative paths start from, for messages.

    Raises:
        DataError: when it is missing (with the nearest name), a folder, a device, empty, unreadable, or larger than
            the memory that is free.
    """
    where = Where(shown if shown is not None else path)
    if not path.is_file():
        names = [item.name for item in path.parent.iterdir()] if path.parent.is_dir() else []
        guess = nearest(path.name, names)
        meant = f" Did you mean {guess!r}?" if guess and guess != path.name else ""
        hint = "check the path." if base is None else f"paths are relative to {base}."
        what = "a folder" if path.is_dir() else "something else" if path.exists() else "nothing"
        if path.is_dir():
            inside = sorted(item.name for item in path.iterdir() if item.is_file())[:_NAMED]
            hint = f"name a file in it: {', '.join(inside)}." if inside else "name a file; the folder holds none."
        elif is_address(str(shown or path)):
            what, hint = "an address", "download it, and name the file."
            where = Where(re.sub(":/+", "://", str(shown or path), count=1))
        raise DataError(f"expected a file, found {what}.{meant}", where=where, hint=hint)
    try:
        size = path.stat().st_size
        memory_room.require(_COPIES * size, f"the file has {size:,} bytes", where)
        content = plain_files.read_bytes(path)
    except OSError as error:
        raise DataError(f"cannot read the file: {error.strerror}.", where=where) from error
    if content.startswith(_GZIP):
        content = _unpacked(content, where)
    if not content.strip():
        raise DataError("the file is empty.", where=where, hint="use a file with rows.")
    return content


def _unpacked(content: bytes, where: Where) -> bytes:
    """What a gzip file holds; a small file that unpacks to more than the memory that is free is an error."""
    parts: list[bytes] = []
    size, rest = 0, content
    try:
        while rest:
            member = zlib.decompressobj(wbits=31)
            part = member.decompress(rest, _STEP)
            while part:
                parts.append(part)
                size += len(part)
                memory_room.require(_COPIES * size, f"the unpacked file has at least {size:,} bytes", where)
                part = member.decompress(member.unconsumed_tail, _STEP)
            if not member.eof:
                raise zlib.error("it ends too early")
            rest = member.unused_data.lstrip(b"\0")
    except zlib.error as error:
        raise DataError(f"the gzip file is damaged: {error}.", where=where, hint="pack the file again.") from error
    return b"".join(parts)


def format_of(file: str | Path, given: str | None = None) -> str:
    """A file's format: `given`, else by its ending, before `.gz` where it is gzipped.

    Raises:
        DataError: for an unknown ending.
    """
    if given is not None:
        return given
    suffix = Path(str(file).lower().removesuffix(".gz")).suffix
    if suffix not in FORMATS:
        raise DataError(
            f"the extension {suffix!r} is not a known format ({', '.join(sorted(FORMATS))}).",
            where=Where(file),
            hint="set it: `format: csv` (or tsv, jsonl, json, parquet, txt, conll).",
        )
    return FORMATS[suffix]


def read_rows(content: bytes, where: str, table_format: TableFormat) -> ReadRows:
    """The rows of a file.

    Raises:
        DataError: with file and line, for what is not of the format.
    """
    name = format_of(where, table_format.name)
    _fitting(name, table_format, where)
    if name in _BINARY:
        return _storable(ReadRows(RawRows.of(parser(name)(content, where, {})), ()))
    decoded = decode(content, where, table_format.encoding)
    notes = decoded.notes
    guessed = {"encoding": decoded.encoding} if decoded.guessed else {}
    options: dict[str, Any] = {"quotes_are_text": table_format.name == "tsv", "unique_keys": True}
    if name == "csv" and table_format.delimiter is None:
        delimiter = find_delimiter(decoded.text, where)
        options["delimiter"] = delimiter.character
        notes += delimiter.notes
        guessed |= {"delimiter": delimiter.character} if delimiter.guessed else {}
    elif table_format.delimiter is not None:
        options["delimiter"] = table_format.delimiter
    plain = content if decoded.encoding == "utf-8" else decoded.text.encode("utf-8")
    del decoded  # a text as large as the file
    read = ReadRows(RawRows.of(parser(name)(plain, where, options)), notes, guessed)
    return _storable(read) if _WRITTEN_HALF.search(plain) is not None else read


def _fitting(name: str, table_format: TableFormat, where: str) -> None:
    for key, given, formats in (
        ("delimiter", table_format.delimiter, "csv and tsv" if name not in ("csv", "tsv") else ""),
        ("encoding", table_format.encoding, "text" if name in _BINARY else ""),
    ):
        if given is not None and formats:
            raise DataError(
                f"`{key}` is for {formats} files; this one is read as {name}.",
                where=Where(where),
                hint=f"remove `{key}`, or set `format`.",
            )


def _storable(read: ReadRows) -> ReadRows:
    """The rows with texts that can be stored, and how many cells were changed for it."""
    changed = 0
    kept: list[Raw] = []
    for raw in read.rows:
        cells = sum(map(holds_halves, raw.fields.values()))
        changed += cells
        kept.append(Raw(raw.line, stored(raw.fields)) if cells or any(map(has_halves, raw.fields)) else raw)
    return replace(read, rows=kept, notes=(*read.notes, replaced_note(changed)) if changed else read.notes)

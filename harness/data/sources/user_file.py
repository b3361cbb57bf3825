"""The user's own file."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from harness.core.dataset import SPLITS
from harness.core.errors import DataError, Where
from harness.data import read_rows
from harness.data.read_rows import TableFormat
from harness.data.user_data import Adopted, Wishes, adopt
from harness.schema.suite.data_refs import FileRef


def content_of(ref: FileRef, base: Path) -> bytes:
    """The file's bytes.

    Raises:
        DataError: when it is missing (with the nearest name), a folder, empty or unreadable.
    """
    return read_rows.content_of(base / Path(ref.file).expanduser(), ref.file, base)


def format_of(ref: FileRef) -> str:
    """The file's format, as the suite says or by its ending.

    Raises:
        DataError: for an unknown ending.
    """
    return read_rows.format_of(ref.file, ref.format)


def adopted(ref: FileRef, content: bytes) -> Adopted:
    """The file's rows as prepared rows.

    Raises:
        DataError: with file and line, for anything that does not fit.
    """
    read = read_rows.read_rows(content, ref.file, TableFormat(ref.format, ref.delimiter, ref.encoding))
    wishes = Wishes(
        columns=ref.columns,
        id=ref.id,
        cluster=ref.cluster,
        slices=ref.slices,
        split=ref.splits if isinstance(ref.splits, str) else None,
        missing_cluster=ref.missing_cluster,
        missing_label=ref.missing_label,
        normalize=ref.normalize,
    )
    for name in ref.columns:
        if name in SPLITS:
            raise DataError(f"{name!r} is a split name, so it cannot be a column.", where=Where(ref.file))
    made = adopt(read.rows, wishes, ref.file)
    return replace(made, warnings=(*read.notes, *made.warnings))

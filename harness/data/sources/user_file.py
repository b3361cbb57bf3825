"""The user's own file."""

from __future__ import annotations

from pathlib import Path

from harness.core.dataset import SPLITS
from harness.core.errors import DataError, Where, nearest
from harness.data.parsers.parser_by_name import parser
from harness.data.user_data import Adopted, Wishes, adopt
from harness.schema.suite.data_refs import FileRef

MAX_BYTES = 1 << 31
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


def content_of(ref: FileRef, base: Path) -> bytes:
    """The file's bytes.

    Raises:
        DataError: when it is missing (with the nearest name), a folder, empty, too large or unreadable.
    """
    path = base / Path(ref.file).expanduser()
    where = Where(ref.file)
    if not path.is_file():
        names = [item.name for item in path.parent.iterdir()] if path.parent.is_dir() else []
        guess = nearest(path.name, names)
        meant = f" Did you mean {guess!r}?" if guess else ""
        what = "a folder" if path.is_dir() else "nothing"
        raise DataError(f"expected a file, found {what}.{meant}", where=where, hint=f"paths are relative to {base}.")
    try:
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise DataError(
                f"the file has {size} bytes; the limit is {MAX_BYTES}.", where=where, hint="split the file."
            )
        content = path.read_bytes()
    except OSError as error:
        raise DataError(f"cannot read the file: {error.strerror}.", where=where) from error
    if not content.strip():
        raise DataError("the file is empty.", where=where, hint="use a file with rows.")
    return content


def format_of(ref: FileRef) -> str:
    """The file's format, as the suite says or by its ending.

    Raises:
        DataError: for an unknown ending.
    """
    if ref.format is not None:
        return ref.format
    suffix = Path(ref.file).suffix.lower()
    if suffix not in FORMATS:
        raise DataError(
            f"the extension {suffix!r} is not a known format ({', '.join(sorted(FORMATS))}).",
            where=Where(ref.file),
            hint="set it: `format: csv` (or tsv, jsonl, json, parquet, txt, conll).",
        )
    return FORMATS[suffix]


def adopted(ref: FileRef, content: bytes) -> Adopted:
    """The file's rows as prepared rows.

    Raises:
        DataError: with file and line, for anything that does not fit.
    """
    raws = list(parser(format_of(ref))(content, ref.file, {}))
    wishes = Wishes(
        columns=ref.columns,
        id=ref.id,
        cluster=ref.cluster,
        slices=ref.slices,
        split=ref.splits if isinstance(ref.splits, str) else None,
    )
    for name in ref.columns:
        if name in SPLITS:
            raise DataError(f"{name!r} is a split name, so it cannot be a column.", where=Where(ref.file))
    return adopt(raws, wishes, ref.file)

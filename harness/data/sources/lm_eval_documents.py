"""The documents of an lm-eval task file: local files or a hub data set, read by the library `datasets`.

Each row is a whole document as JSON, so that templates see the types that lm-eval's see; its place in
the split is kept, because few-shot examples are drawn in that order.
"""

from __future__ import annotations

import json
import os
import re
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from harness.core.errors import DataError, unknown

_BUILDERS = ("json", "csv", "parquet", "text")
_SMALL = 10 << 20
"""Bytes of a file that `datasets` reads in one piece."""
_NAME = re.compile(r"[\w-][\w.-]*/[\w-][\w.-]*\Z")
_COMMIT = re.compile(r"[0-9a-f]{40}\Z")


def open_rows(options: dict[str, Any], base: Path) -> Iterable[Mapping[str, Any]]:
    """Documents of an lm-evaluation-harness task.

    Args:
        options: `path`, `name` and `kwargs` of the data set as in the task file; `splits`: our
            split → theirs; `folder`: where relative files are looked for first.
        base: the suite's folder, looked at next.

    Raises:
        DataError: for files or splits that do not exist, code, a hub data set without a commit.
    """
    path, kwargs = str(options.get("path")), dict(options.get("kwargs") or {})
    for key in kwargs:
        if key not in ("data_files", "revision", "trust_remote_code"):
            raise DataError(f"`dataset_kwargs: {key}` is not supported.", hint="data_files and revision are.")
    if kwargs.get("trust_remote_code"):
        raise DataError(f"the dataset {path!r} requires running its own code, which is not supported.")
    loaded = _local(path, kwargs, options, base) if path in _BUILDERS else _hub(path, kwargs, options)
    rows: list[dict[str, Any]] = []
    for ours, theirs in dict(options.get("splits") or {}).items():
        if theirs not in loaded:
            raise DataError(unknown("split", str(theirs), loaded))
        for place, document in enumerate(loaded[theirs]):
            # Words keep two rows with equal documents apart; numbers alone would be normalized away.
            rows.append({"doc": json.dumps(document, default=str), "place": f"{theirs} row {place}", "split": ours})
    return rows


def _local(path: str, kwargs: Mapping[str, Any], options: Mapping[str, Any], base: Path) -> dict[str, Any]:
    named = kwargs.get("data_files")
    files = named if isinstance(named, dict) else {"train": named}
    files_by_split = {
        split: [str(_file(str(name), [Path(str(options.get("folder") or base)), base])) for name in _many(value)]
        for split, value in files.items()
    }
    if (
        path == "json"
        and (read := {split: _lines(names) for split, names in files_by_split.items()})
        and all(read.values())
    ):
        return read
    from datasets import load_dataset

    with tempfile.TemporaryDirectory() as cache:
        try:
            loaded = load_dataset(path, data_files=files_by_split, cache_dir=cache)
            return {split: list(loaded[split]) for split in loaded}
        except Exception as error:  # the library raises many kinds for files that it cannot read
            first = (str(error).splitlines() or [""])[0]
            raise DataError(f"cannot read the task's data: {type(error).__name__}: {first[:200]}") from error


def _lines(names: list[str]) -> list[dict[str, Any]]:
    """The rows of one small file of JSON lines, as `datasets` reads it (by Arrow's reader, which settles the types of
    columns), without the second that importing the library takes; none where it must be asked."""
    from pyarrow import ArrowException, json

    if len(names) != 1 or Path(names[0]).stat().st_size > _SMALL:
        return []
    try:
        table = json.read_json(names[0], json.ReadOptions(block_size=_SMALL))
    except (ArrowException, OSError):
        return []
    # Where objects stand within columns, the library leaves keys out that a row lacks; Arrow fills them.
    rows: list[dict[str, Any]] = [] if "struct<" in str(table.schema) else table.to_pylist()
    return rows


def _hub(path: str, kwargs: Mapping[str, Any], options: Mapping[str, Any]) -> dict[str, Any]:
    # The library takes a bare name for one of its own readers (one of them unpickles), a folder's name for the folder.
    if not _NAME.match(path) or Path(path).exists():
        raise DataError(
            f"expected a hub dataset `owner/name` or one of {', '.join(_BUILDERS)} as `dataset_path`, found {path!r}.",
            hint="specify files with `dataset_path: json` and `dataset_kwargs: {data_files: …}`.",
        )
    revision = str(options.get("revision") or kwargs.get("revision") or "")
    if not _COMMIT.match(revision):
        raise DataError(
            f"the hub dataset {path!r} needs a full commit hash (40 digits), found {revision!r}.",
            hint="add `revision: <commit>` to the task in the suite.",
        )
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    from datasets import load_dataset

    try:
        loaded = load_dataset(path, options.get("name"), revision=revision)
    except Exception as error:  # the library raises many kinds for network, names and configurations
        first = (str(error).splitlines() or [""])[0]
        raise DataError(f"hub {path}: {type(error).__name__}: {first[:200]}") from error
    return {split: loaded[split] for split in loaded}


def _many(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list) else [value]


def _file(name: str, folders: list[Path]) -> Path:
    for folder in folders:
        if (folder / name).is_file():
            return folder / name
    raise DataError(
        f"the task's data file does not exist: {name!r}.",
        hint="paths are relative to the task file, or else to the suite file.",
    )

"""Inspect's logs: `.eval` archives and JSON."""

from __future__ import annotations

import io
import json
import struct
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import IO, Any, ClassVar

from harness.core.errors import DataError, Where
from harness.core.storable import stored
from harness.importers.imported_log import LoggedAnswer, LoggedEvaluation, LogImporter, ModelLog
from harness.importers.log_values import json_file, json_or_nothing, mapping, number, text, texts

_VALUES = {"C": 1.0, "I": 0.0, "P": 0.5, "N": 0.0}
"""Inspect's letters: correct, incorrect, partial, no answer."""
_MEANS = ("accuracy", "mean")
_ZSTANDARD = 93
_LOCAL_HEADER = struct.Struct("<4s22xHH")
_LARGEST_MEMBER = 1 << 28
_HEADER, _START = "header.json", "_journal/start.json"
_ZIP = b"PK"
_PATTERNS = ("*.eval", "*.json", "*.json.gz")
_HINT = "pass a .eval or .json file that `inspect eval` wrote, or its folder of logs."


class InspectImporter(LogImporter):
    """Every score of every sample; epochs are repeated answers to one item."""

    tool: ClassVar[str] = "Inspect"
    summary: ClassVar[str] = "Inspect (inspect_ai): .eval or .json logs, or a folder of them."

    @classmethod
    def recognizes(cls, path: Path) -> bool:
        if path.is_dir():
            return any(path.rglob("*.eval"))
        page = mapping(json_or_nothing(path))
        return path.suffix == ".eval" or (isinstance(page.get("eval"), Mapping) and "plan" in page)

    def read(self, path: Path, options: Mapping[str, str]) -> Sequence[ModelLog]:
        files = [path] if path.is_file() else _files(path)
        runs: dict[str, dict[str, list[Mapping[str, Any]]]] = {}
        for file in files:
            header = _read(file)
            described = mapping(header.get("eval"))
            if described:
                model, task = str(described.get("model", "?")), str(described.get("task", file.stem))
                runs.setdefault(model, {}).setdefault(task, []).append(header)
            elif path.is_file():
                raise DataError("expected a log of Inspect, found no `eval`.", where=Where(file), hint=_HINT)
        if not runs:
            raise DataError("no log of Inspect found.", where=Where(path), hint=_HINT)
        return [
            ModelLog(model, {task: _newest(pages) for task, pages in tasks.items()}, _facts(model, tasks))
            for model, tasks in runs.items()
        ]


def _facts(model: str, tasks: Mapping[str, Sequence[Mapping[str, Any]]]) -> dict[str, str | int]:
    pages = [page for pages in tasks.values() for page in pages]
    version = mapping(mapping(pages[-1].get("eval")).get("packages")).get("inspect_ai")
    return {"model_name": model, **({"inspect_version": version} if isinstance(version, str) else {})}


def _newest(pages: Sequence[Mapping[str, Any]]) -> LoggedEvaluation:
    """The newest run of a task that ended, else the newest one."""
    chosen = next((page for page in reversed(pages) if _ended(page)), pages[-1])
    evaluation = _evaluation(chosen)
    if len(pages) == 1:
        return evaluation
    note = f"the folder holds {len(pages)} runs of this task; the newest one that ended is read."
    return replace(evaluation, notes=(*evaluation.notes, note))


def _ended(page: Mapping[str, Any]) -> bool:
    return page.get("status") in (None, "success")


def _files(folder: Path) -> list[Path]:
    """The logs of a folder in the order of their names, which begin with their time."""
    files = [file for pattern in _PATTERNS for file in folder.rglob(pattern)]
    return sorted(files, key=lambda file: (file.name, file))


def _read(file: Path) -> Mapping[str, Any]:
    """A log's page, its samples with it."""
    with file.open("rb") as handle:
        start = handle.read(2)
    return _archive(file) if start == _ZIP else _page(file)


def _page(file: Path) -> Mapping[str, Any]:
    return mapping(json_file(file, "Inspect"))


def _archive(file: Path) -> Mapping[str, Any]:
    try:
        with file.open("rb") as handle, zipfile.ZipFile(handle) as archive:
            members = {info.filename: info for info in archive.infolist()}
            first = next((name for name in (_HEADER, _START) if name in members), None)
            if first is None:
                raise DataError(
                    f"the archive has no {_HEADER}; the evaluation did not end.",
                    where=Where(file),
                    hint="`inspect eval-retry` finishes it.",
                )
            header = {"status": "started", **mapping(_member(handle, archive, members[first], file))}
            names = sorted(name for name in members if name.startswith("samples/") and name.endswith(".json"))
            return {**header, "samples": [_member(handle, archive, members[name], file) for name in names]}
    except (zipfile.BadZipFile, OSError, EOFError, RuntimeError, struct.error) as error:
        raise DataError(f"the archive cannot be read: {error}.", where=Where(file)) from error


def _member(handle: IO[bytes], archive: zipfile.ZipFile, info: zipfile.ZipInfo, file: Path) -> Any:
    """One JSON member. Python's zipfile reads Zstandard from 3.14 on; pyarrow does now."""
    if info.file_size > _LARGEST_MEMBER:
        raise DataError(f"{info.filename} has more than {_LARGEST_MEMBER} bytes.", where=Where(file))
    if info.compress_type == _ZSTANDARD:
        import pyarrow as pa

        handle.seek(info.header_offset)
        _, name, extra = _LOCAL_HEADER.unpack(handle.read(_LOCAL_HEADER.size))
        handle.seek(info.header_offset + _LOCAL_HEADER.size + name + extra)
        packed = io.BytesIO(handle.read(info.compress_size))
        with pa.input_stream(packed, compression="zstd") as stream:
            content = stream.read(info.file_size + 1)
    else:
        with archive.open(info) as stream:
            content = stream.read(info.file_size + 1)
    if len(content) != info.file_size:
        raise DataError(f"the size of {info.filename} is not what the archive says.", where=Where(file))
    try:
        return stored(json.loads(content))
    except (ValueError, RecursionError) as error:
        raise DataError(f"{info.filename} is not JSON: {error}.", where=Where(file)) from error


def _evaluation(page: Mapping[str, Any]) -> LoggedEvaluation:
    notes = []
    if not _ended(page):
        notes.append(f"Inspect ended with the status {page.get('status')!r}; samples may be missing.")
    samples = page.get("samples")
    logged = samples if isinstance(samples, list) else []
    answers = tuple(_answer(mapping(sample), place) for place, sample in enumerate(logged, 1))
    return LoggedEvaluation(answers, totals=dict(_totals(page)) if _ended(page) else {}, notes=tuple(notes))


def _answer(sample: Mapping[str, Any], place: int) -> LoggedAnswer:
    output = mapping(sample.get("output"))
    choices = output.get("choices")
    first = mapping(choices[0]) if isinstance(choices, list) and choices else {}
    written = output.get("completion") or text(mapping(first.get("message")).get("content"))
    figures: dict[str, float] = {}
    kept = ""
    for name, score in mapping(sample.get("scores")).items():
        given = mapping(score)
        kept = kept or text(given.get("answer"))
        figures |= dict(_figures(name, given.get("value", score)))
    error = sample.get("error")
    fault = text(mapping(error).get("message")) or "the sample failed" if error else None
    if fault is None and not figures:
        fault = "the sample has no score"
    epoch = sample.get("epoch")
    return LoggedAnswer(
        id=str(sample.get("id", place)),
        text=text(sample.get("input")),
        targets=texts(sample.get("target")),
        answer=None if fault is not None else kept or str(written or ""),
        figures={} if fault is not None else figures,
        epoch=epoch if isinstance(epoch, int) else 1,
        fault=fault,
    )


def _figures(name: str, value: Any) -> Iterator[tuple[str, float]]:
    parts = value.items() if isinstance(value, Mapping) else [("", value)]
    for part, given in parts:
        figure = _VALUES.get(given) if isinstance(given, str) else number(given)
        if figure is not None:
            yield f"{name}.{part}" if part else name, figure


def _totals(header: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    scores = mapping(header.get("results")).get("scores")
    for score in scores if isinstance(scores, list) else ():
        given = mapping(score)
        if given.get("reducer") not in (None, "mean"):
            continue
        for name in _MEANS:
            value = number(mapping(mapping(given.get("metrics")).get(name)).get("value"))
            if value is not None:
                yield str(given.get("name")), value
                yield f"{given.get('scorer')}.{given.get('name')}", value
                break

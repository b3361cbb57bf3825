"""Inspect's logs: `.eval` archives and JSON."""

from __future__ import annotations

import io
import json
import struct
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any, ClassVar

from harness.core.errors import DataError, Where
from harness.core.imported_log import LoggedAnswer, LoggedEvaluation, LogImporter, ModelLog
from harness.core.storable import stored
from harness.importers.log_values import json_file, mapping, number, text, texts

_VALUES = {"C": 1.0, "I": 0.0, "P": 0.5, "N": 0.0}
"""Inspect's letters: correct, incorrect, partial, no answer."""
_MEANS = ("accuracy", "mean")
_ZSTANDARD = 93
_LOCAL_HEADER = struct.Struct("<4s22xHH")
_LARGEST_MEMBER = 1 << 28
_HEADER = "header.json"


class InspectImporter(LogImporter):
    """Every score of every sample; epochs are repeated answers to one item."""

    tool: ClassVar[str] = "Inspect"
    summary: ClassVar[str] = "Inspect (inspect_ai): .eval or .json logs, or a folder of them."

    def read(self, path: Path, options: Mapping[str, str]) -> Sequence[ModelLog]:
        files = [path] if path.is_file() else sorted([*path.rglob("*.eval"), *path.rglob("*.json")])
        logs: dict[str, ModelLog] = {}
        for file in files:
            header, samples = _archive(file) if file.suffix == ".eval" else _page(file)
            described = mapping(header.get("eval"))
            if not described:
                if path.is_file():
                    raise DataError("expected a log of Inspect, found no `eval`.", where=Where(file))
                continue
            model, task = str(described.get("model", "?")), str(described.get("task", file.stem))
            known = logs.get(model)
            version = mapping(described.get("packages")).get("inspect_ai")
            facts = {"model_name": model} | ({"inspect_version": version} if isinstance(version, str) else {})
            evaluations = {**(known.evaluations if known is not None else {}), task: _evaluation(header, samples)}
            logs[model] = ModelLog(model, evaluations, facts)
        if not logs:
            raise DataError(
                "no log of Inspect found.",
                where=Where(path),
                hint="pass a .eval or .json file that `inspect eval` wrote, or its folder of logs.",
            )
        return list(logs.values())


def _page(file: Path) -> tuple[Mapping[str, Any], list[Any]]:
    page = mapping(json_file(file, "Inspect"))
    samples = page.get("samples")
    return page, samples if isinstance(samples, list) else []


def _archive(file: Path) -> tuple[Mapping[str, Any], list[Any]]:
    try:
        with file.open("rb") as handle, zipfile.ZipFile(handle) as archive:
            members = {info.filename: info for info in archive.infolist()}
            if _HEADER not in members:
                raise DataError(f"the archive has no {_HEADER}; the evaluation did not end.", where=Where(file))
            header = mapping(_member(handle, archive, members[_HEADER], file))
            names = sorted(name for name in members if name.startswith("samples/") and name.endswith(".json"))
            return header, [_member(handle, archive, members[name], file) for name in names]
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
        raise DataError(f"{info.filename} has another size than the archive says.", where=Where(file))
    try:
        return stored(json.loads(content))
    except (ValueError, RecursionError) as error:
        raise DataError(f"{info.filename} is not JSON: {error}.", where=Where(file)) from error


def _evaluation(header: Mapping[str, Any], samples: Sequence[Any]) -> LoggedEvaluation:
    notes = []
    if header.get("status") not in (None, "success"):
        notes.append(f"Inspect ended with the status {header.get('status')!r}; samples may be missing.")
    answers = tuple(_answer(mapping(sample), place) for place, sample in enumerate(samples, 1))
    return LoggedEvaluation(answers, totals=dict(_totals(header)), notes=tuple(notes))


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
                break

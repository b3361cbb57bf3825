"""seal.json: one digest over all that decides a run's verdicts, results.json, run.json and every file of records.

A seal finds what changed since the run ended, by accident or by hand. It is no signature: who can write the whole
folder can seal it again.

Sealing is one rename. New contents of results.json and run.json are written beside their places first, the seal is
renamed over the old one, and only then do they take their places. Whoever is stopped before the rename leaves the old
run; whoever is stopped after it leaves a run that the next reader completes (`settle`).
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from harness.core.digests import bytes_digest, digest, file_digest, short
from harness.schema.validation import in_short
from harness.storage import atomic, plain_files

SEAL = "seal.json"
RESULTS, INFO, RECORDS = "results.json", "run.json", "records"


class Seal(BaseModel):
    """The content of seal.json.

    Attributes:
        digest: over everything below.
        files: path in the run → SHA-256 of its bytes.
        evaluations: digest of what results.json says of whom it asked what. Records are read by it, so it holds
            where the figures of results.json are not read.
    """

    model_config = ConfigDict(extra="forbid", strict=True)

    format: Literal[1] = 1
    digest: str = ""
    files: dict[str, str]
    evaluations: str

    def closed(self) -> Seal:
        """The same with its digest."""
        return self.model_copy(update={"digest": digest(self.model_dump(exclude={"digest"}))})

    def text(self) -> str:
        """The one text of a seal: any other bytes are no seal."""
        return self.closed().model_dump_json(indent=1) + "\n"


def record_files(run: Path) -> dict[str, str]:
    """Path in the run → SHA-256, of every file of records.

    Raises:
        OSError: for a link, a pipe or a folder in the place of a file.
    """
    return {name: _file_digest(run / name) for name in _record_names(run)}


def write(run: Path, contents: Mapping[str, bytes], evaluations: Any = None) -> None:
    """Seals a run and gives results.json and run.json new contents, all of it or nothing.

    Args:
        contents: of `RESULTS` and `INFO`; a file that is not named keeps its own.
        evaluations: the evaluations in the results, as JSON has them; read from the contents when None.

    Raises:
        OSError, ValueError: when a file that is kept, or a file of records, cannot be read.
        IncompleteError: when the folder cannot be written.
    """
    whole = {name: contents.get(name) or plain_files.read_bytes(run / name) for name in (RESULTS, INFO)}
    sealed = {name: bytes_digest(content) for name, content in whole.items()} | record_files(run)
    asked = evaluations_digest(whole[RESULTS]) if evaluations is None else digest(evaluations)
    seal = Seal(files=dict(sorted(sealed.items())), evaluations=asked)
    for name, content in contents.items():
        atomic.write_bytes(_waiting(run, name), content)
    atomic.write_text(run / SEAL, seal.text())
    settle(run)


def settle(run: Path) -> None:
    """Moves to their places what a stopped `write` sealed and did not move yet."""
    waiting = [name for name in (RESULTS, INFO) if _waiting(run, name).exists()]
    if not waiting:
        return
    try:
        seal = read(run)
    except (OSError, ValueError):
        return
    for name in waiting:
        with suppress(OSError):  # Another process has moved it meanwhile, or the folder is read-only.
            if _file_digest(_waiting(run, name)) == seal.files.get(name):
                os.replace(_waiting(run, name), run / name)


def read(run: Path) -> Seal:
    """The seal of a run.

    Raises:
        OSError: FileNotFoundError when there is none; when it cannot be read.
        ValueError: when it is not as `write` wrote it.
    """
    text = plain_files.read_text(run / SEAL)
    seal = Seal.model_validate(plain_files.parse_json(text))
    if seal.text() != text:
        raise ValueError("its own digest does not hold")
    return seal


def evaluations_digest(results: bytes) -> str:
    """Digest of the evaluations in the bytes of results.json.

    Raises:
        ValueError: when there are none.
    """
    value: Any = plain_files.parse_json(results)
    if not isinstance(value, dict) or not isinstance(value.get("evaluations"), list):
        raise ValueError("expected results with a list of evaluations")
    return digest(value["evaluations"])


def differences(run: Path, seal: Seal) -> Iterator[str]:
    """A line for every file that is not as it was sealed."""
    yield from _differences(run, seal.files, [*seal.files, *(name for name in _record_names(run))])


def record_differences(run: Path, expected: Mapping[str, str]) -> Iterator[str]:
    """The same for the records alone, as run.json of 0.1.0 holds their digests; none where it holds none."""
    names = {f"{RECORDS}/{name}": value for name, value in expected.items()}
    if names:
        yield from _differences(run, names, [*names, *_record_names(run)])


def stamp(run: Path) -> str:
    """A digest of names, sizes and times of what a seal covers and of the seal: files that were not touched keep it."""
    facts = []
    for name in [SEAL, RESULTS, INFO, *_record_names(run)]:
        with suppress(OSError):
            stat = (run / name).lstat()
            facts.append([name, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns])
    return digest(facts)


def _differences(run: Path, expected: Mapping[str, str], names: Collection[str]) -> Iterator[str]:
    for name in sorted(set(names)):
        if name not in expected:
            yield f"{name}: added since"
            continue
        try:
            now = _file_digest(run / name)
        except FileNotFoundError:
            yield f"{name}: missing"
        except OSError as error:
            yield f"{name}: cannot be read: {in_short(error)}"
        else:
            if now != expected[name]:
                yield f"{name}: changed (SHA-256 {short(now)}…, sealed {short(expected[name])}…)"


def _record_names(run: Path) -> list[str]:
    """Files of records, and links, which are never followed: what one leads to would not be sealed."""
    names = []
    for base, folders, files in os.walk(run / RECORDS):
        links = [folder for folder in folders if (Path(base) / folder).is_symlink()]
        records = [name for name in [*folders, *files] if name.endswith(".parquet")]
        names += [(Path(base) / name).relative_to(run).as_posix() for name in {*links, *records}]
    return sorted(names)


def _file_digest(path: Path) -> str:
    if path.is_symlink():
        raise OSError(0, "a link, not a file of the run", str(path))
    plain_files.require(path)
    return file_digest(path)


def _waiting(run: Path, name: str) -> Path:
    return run / f".{name}.sealed"

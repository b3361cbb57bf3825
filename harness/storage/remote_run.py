"""A run at a URL: its files are copied into the cache and then read like any other run's.

The URL names the folder that holds run.json. Only files that a run directory has are asked for, by the names that
its seal and results.json give; every name stays inside the folder, every size is bounded, and what comes is data.
"""

from __future__ import annotations

import re
import shutil
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from typing import IO, Any
from urllib.parse import quote, unquote, urlsplit, urlunsplit

from harness.core.digests import digest, short
from harness.core.distribution import explained, missing_package
from harness.core.errors import DataError, HarnessError, IncompleteError, Where
from harness.schema.validation import in_short
from harness.storage import atomic, plain_files, seal
from harness.storage.plain_http import blocks, http_opener
from harness.storage.run_dir import RunDir
from harness.storage.store import REMOTE_RUNS, default_cache

SCHEMES = ("file", "gs", "https", "memory", "s3")
LARGEST_FILE = 1 << 30
LARGEST_RUN = 4 << 30
MOST_FILES = 10_000
_TIMEOUT = 30.0
_REQUIRED = (seal.INFO, seal.RESULTS)
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_PART = re.compile(r"[^/\\\x00-\x1f]+\Z")
_PACKAGES = {"s3": "s3fs", "gs": "gcsfs"}
_LOOPBACK = {"127.0.0.1", "::1", "localhost"}

Opener = Callable[[str], AbstractContextManager[IO[bytes]]]
"""Opens a file below the run's folder; FileNotFoundError when there is none."""


def is_url(text: str) -> bool:
    """Whether a RUN is a URL and no path."""
    return _SCHEME.match(text) is not None


def folder_of(run: str | Path) -> Path:
    """The folder of a run that is given by its path or its URL."""
    return run_at(run) if isinstance(run, str) and is_url(run) else Path(run)


def run_at(url: str) -> Path:
    """The folder of a run at a URL: itself for `file://`, else a fresh copy in the cache.

    Raises:
        DataError: for a URL that harness does not open, and for a folder that is no finished run or is too large.
        MissingPackageError: when the scheme needs an extra.
        IncompleteError: when the place does not answer.
    """
    parts = _checked(url)
    if parts.scheme == "file":
        return Path(unquote(parts.path))
    target = default_cache() / REMOTE_RUNS / short(digest({"url": url}))
    work = target.with_name(f"{target.name}.part")
    with atomic.explained(target):
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir(parents=True)
        try:
            _copy(url, _opener(url, parts.scheme), work)
        except BaseException:
            shutil.rmtree(work, ignore_errors=True)
            raise
        shutil.rmtree(target, ignore_errors=True)
        work.replace(target)
    return target


def _checked(url: str) -> Any:
    where = Where(_shown(url))
    try:
        parts = urlsplit(url)
        local = parts.scheme == "http" and parts.hostname in _LOOPBACK
        secret = "@" in parts.netloc
    except ValueError as error:
        raise DataError(f"not a URL: {error}", where=where) from error
    if "::" in url or (parts.scheme not in SCHEMES and not local):
        raise DataError(
            f"expected a run's folder at one of {', '.join(SCHEMES)}, found {parts.scheme}.",
            where=where,
            hint="download the run, and pass its folder.",
        )
    if secret:
        raise DataError(
            "the URL holds a name or a password, which would be shown and stored.",
            where=where,
            hint="leave it out; s3 and gs take credentials from their own settings.",
        )
    if parts.query or parts.fragment:
        raise DataError("expected the URL of a folder, found a query or a fragment.", where=where)
    if parts.scheme == "file" and parts.netloc not in {"", "localhost"}:
        raise DataError(f"the file is on another machine: {parts.netloc!r}.", where=where)
    return parts


def _shown(url: str) -> str:
    return re.sub(r"//[^/@\s]*@", "//***@", url)


def _opener(url: str, scheme: str) -> Opener:
    if scheme in {"http", "https"}:
        return lambda name: _http(f"{url.rstrip('/')}/{quote(name)}", scheme)
    import fsspec

    try:
        with explained(f"reading {scheme}://"):
            system = fsspec.filesystem(scheme)
    except ImportError as error:
        raise missing_package(_PACKAGES[scheme], f"reading {scheme}://") from error
    parts = urlsplit(url)
    folder = urlunsplit(("", "", f"{parts.netloc}{parts.path}".strip("/"), "", ""))
    return lambda name: system.open(f"{folder}/{name}", "rb")


def _http(address: str, scheme: str) -> Any:
    try:
        response = http_opener().open(urllib.request.Request(address), timeout=_TIMEOUT)
    except urllib.error.HTTPError as error:
        if error.code in {403, 404, 410}:
            raise FileNotFoundError(f"HTTP {error.code}") from error
        raise
    if urlsplit(response.geturl()).scheme != scheme:
        response.close()
        raise OSError("the server redirects from https to http")
    return response


def _copy(url: str, opener: Opener, work: Path) -> None:
    place = Where(_shown(url))
    left = LARGEST_RUN
    for name in _REQUIRED:
        try:
            left -= _fetch(opener, name, work, left, place)
        except FileNotFoundError as error:
            raise DataError(
                f"no {name} here: {error}", where=place, hint="pass the URL of a finished run's folder."
            ) from error
    # What is missing is an error where it is needed: gates are judged without the items' texts.
    with suppress(FileNotFoundError):
        left -= _fetch(opener, seal.SEAL, work, left, place)
    for name in _further(RunDir(work), place):
        with suppress(FileNotFoundError):
            left -= _fetch(opener, name, work, left, place)


def _further(run: RunDir, place: Where) -> Iterator[str]:
    """The other files of a run, by what its seal, or run.json of 0.1.0, and results.json say."""
    names = [*_records(run, place), *_items(run)]
    if len(names) > MOST_FILES:
        raise DataError(f"the run names {len(names):,} files; at most {MOST_FILES:,} are read.", where=place)
    for name in names:
        if not all(_PART.match(part) and part not in {".", ".."} for part in name.split("/")):
            raise DataError(f"the run names a file outside itself: {name[:80]!r}.", where=place)
        if name.endswith(".parquet"):
            yield name


def _records(run: RunDir, place: Where) -> list[str]:
    if not run.sealed:
        return [f"{seal.RECORDS}/{name}" for name in run.read_info().records]
    try:
        return list(seal.read(run.path).files)
    except (OSError, ValueError) as error:
        raise DataError(f"{seal.SEAL} cannot be read: {in_short(error)}", where=place) from error


def _items(run: RunDir) -> list[str]:
    try:
        value = plain_files.read_json(run.results_path)
        names = [str(evaluation["name"]) for evaluation in value["evaluations"]]
    except (OSError, ValueError, KeyError, TypeError):
        # Whoever reads the copy says what is wrong with results.json.
        return []
    return [run.items_path(name).relative_to(run.path).as_posix() for name in names]


def _fetch(opener: Opener, name: str, work: Path, left: int, place: Where) -> int:
    """Copies one file; returns its size in bytes."""
    most = min(LARGEST_FILE, left)
    target = work / name
    target.parent.mkdir(parents=True, exist_ok=True)
    size = 0
    try:
        with opener(name) as source, target.open("wb") as out:
            for block in blocks(source):
                size += len(block)
                if size > most:
                    raise DataError(f"{name} is larger than the {most:,} bytes that are read.", where=place)
                out.write(block)
    except (HarnessError, FileNotFoundError):
        target.unlink(missing_ok=True)
        raise
    except Exception as error:  # each file system raises its own kinds for network and credentials
        target.unlink(missing_ok=True)
        raise IncompleteError(
            f"cannot read {name}: {type(error).__name__}: {_shown(str(error))[:200]}",
            where=place,
            hint="check the address, the network, and the credentials, then rerun.",
        ) from error
    return size

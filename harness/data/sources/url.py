"""Files at fixed addresses, by http(s) only, kept in the store under their digest."""

from __future__ import annotations

import socket
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from harness.core.digests import digest
from harness.core.reporter import Reporter
from harness.data.sources.download import Answer, download
from harness.data.sources.source_error import SourceFailed, checked
from harness.data.sources.source_specs import UrlMember, UrlSource
from harness.storage.plain_http import blocks, http_opener
from harness.storage.store import Entry, Store

KIND = "artifacts"
_FILE = "file"
_TIMEOUT = 30.0


def cached(member: UrlMember, store: Store) -> Entry | None:
    """The file in the store, or None."""
    return store.get(KIND, _key(member))


def read(source: UrlSource, store: Store, reporter: Reporter, *, offline: bool) -> dict[str, bytes]:
    """part → bytes, with checked digests.

    Raises:
        SourceFailed: when an address does not answer or gives other bytes.
    """
    parts = {}
    for part, member in source.members.items():
        entry = cached(member, store)
        if entry is None:
            if offline:
                raise SourceFailed("not in the cache, and harness does not fetch offline")
            entry = store.make(KIND, _key(member), _fetcher(member, reporter))
        parts[part] = checked((entry.path / _FILE).read_bytes(), member.sha256, member.path)
    return parts


def _key(member: UrlMember) -> str:
    return digest({"url_sha256": member.sha256})


def _fetcher(member: UrlMember, reporter: Reporter) -> Any:
    def fetch(work: Path) -> dict[str, Any]:
        resume = work / ".resume"
        resume.mkdir(exist_ok=True)
        download(
            lambda start: _open(member.path, start),
            resume / _FILE,
            sha256=member.sha256,
            size=member.bytes,
            title=member.path.rsplit("/", 1)[-1],
            reporter=reporter,
        )
        (resume / _FILE).replace(work / _FILE)
        return {"url": member.path}

    return fetch


@contextmanager
def _open(address: str, start: int) -> Iterator[Answer]:
    request = urllib.request.Request(address, headers={"Range": f"bytes={start}-"} if start else {})
    try:
        response = http_opener().open(request, timeout=_TIMEOUT)
    except urllib.error.URLError as error:
        if isinstance(error.reason, socket.gaierror):
            raise SourceFailed(f"cannot resolve the host of {address}; check the network.") from error
        raise
    with response:
        yield Answer(start if response.status == 206 else 0, blocks(response))

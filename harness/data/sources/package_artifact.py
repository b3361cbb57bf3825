"""Members of a wheel or sdist, looked up in the user's package index by unearth.

The package is never installed, imported or built. The whole archive is kept in the store (it is
smaller than its members and serves several entries), checked against its pinned SHA-256.
"""

from __future__ import annotations

import logging
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from harness.core.digests import digest
from harness.core.reporter import Reporter
from harness.data.sources.archives import read_members
from harness.data.sources.download import Answer, download
from harness.data.sources.pip_settings import PipSettings, from_pip
from harness.data.sources.source_error import SourceFailed, checked
from harness.data.sources.source_specs import PackageArchive
from harness.storage.store import Entry, Store

KIND = "artifacts"
_FILE = "archive"


def cached(source: PackageArchive, store: Store) -> Entry | None:
    """The archive in the store, or None."""
    return store.get(KIND, _key(source))


def read(source: PackageArchive, store: Store, reporter: Reporter, *, offline: bool) -> dict[str, bytes]:
    """part → bytes, with checked digests.

    Raises:
        SourceFailed: when the archive cannot be had or is not what the catalog pins.
    """
    entry = cached(source, store)
    if entry is None:
        if offline:
            raise SourceFailed("not in the cache, and harness does not fetch offline")
        entry = store.make(KIND, _key(source), lambda work: _fetch(source, work, reporter))
    wanted = {member.path: member.bytes for member in source.members.values()}
    members = read_members(entry.path / _FILE, wanted)
    return {part: checked(members[member.path], member.sha256, member.path) for part, member in source.members.items()}


def _key(source: PackageArchive) -> str:
    return digest({"sha256": source.sha256})


def _fetch(source: PackageArchive, work: Path, reporter: Reporter) -> dict[str, Any]:
    resume = work / ".resume"
    resume.mkdir(exist_ok=True)
    name = f"{source.package} {source.version}"
    problems = []
    with _session(from_pip()) as (session, settings):
        for place in _places(settings):
            try:
                link = _link(session, place, source)
                download(
                    lambda start, link=link: _open(session, link, start),  # type: ignore[misc]  # bound in this turn
                    resume / _FILE,
                    sha256=source.sha256,
                    size=source.bytes,
                    title=name,
                    reporter=reporter,
                )
            except SourceFailed as failed:
                problems.append(failed)
                continue
            (resume / _FILE).replace(work / _FILE)
            return {"package": source.package, "version": source.version, "format": source.format}
    if not problems:
        raise SourceFailed("pip's configuration has no index and no package folder")
    told = [failed for failed in problems if failed.damaged] or problems
    reasons = "; ".join(dict.fromkeys(failed.reason for failed in told))
    raise SourceFailed(f"{name} from the package index: {reasons}", damaged=told[0].damaged)


@contextmanager
def _session(settings: PipSettings) -> Iterator[tuple[Any, PipSettings]]:
    from unearth.auth import MultiDomainBasicAuth
    from unearth.fetchers.sync import PyPIClient

    logging.getLogger("unearth").addHandler(logging.NullHandler())
    options: dict[str, Any] = {"proxy": settings.proxy} if settings.proxy else {}
    try:
        context = ssl.create_default_context(cafile=settings.cert) if settings.cert else True
    except (OSError, ssl.SSLError) as error:
        raise SourceFailed(f"cannot read the certificates in pip's configuration: {error}") from error
    client = PyPIClient(
        trusted_hosts=settings.trusted,
        verify=context,
        cert=settings.client_cert,
        timeout=settings.timeout,
        follow_redirects=True,
        **options,
    )
    client.auth = MultiDomainBasicAuth(prompting=False, index_urls=[url for _, url in _places(settings)])
    with client:
        yield client, settings


def _places(settings: PipSettings) -> list[tuple[str, str]]:
    """Where to look, in pip's words: (`index_urls` or `find_links`, address)."""
    from unearth import PackageFinder

    places = [("find_links", url) for url in settings.links]
    if not settings.no_index:
        index = settings.index or PackageFinder().sources[0]["url"]
        places += [("index_urls", url) for url in (index, *settings.extra)]
    return places


def _link(session: Any, place: tuple[str, str], source: PackageArchive) -> Any:
    """The link of the pinned file at one place; a link that names another digest is passed over."""
    from unearth import PackageFinder

    kind, url = place
    try:
        finder = PackageFinder(session, ignore_compatibility=True, **{kind: [url]})
        candidates = list(finder.find_matches(f"{source.package}=={source.version}"))
    except Exception as error:  # the HTTP library's exceptions differ between versions of unearth
        raise SourceFailed(f"{type(error).__name__} while looking it up") from error
    right = [package.link for package in candidates if package.link.is_wheel == (source.format == "wheel")]
    if not right:
        raise SourceFailed(f"this version has no {source.format}")
    for link in right:
        named = (link.hash_option or {}).get("sha256")
        if named is None or source.sha256 in named:
            return link
    raise SourceFailed(
        f"the index has a different file for this version (expected SHA-256 {source.sha256[:12]}…)", damaged=True
    )


@contextmanager
def _open(session: Any, link: Any, start: int) -> Iterator[Answer]:
    if link.is_file:
        with link.file_path.open("rb") as file:
            file.seek(start)
            yield Answer(start, iter(lambda: file.read(1 << 18), b""))
        return
    headers = {"Accept-Encoding": "identity", **({"Range": f"bytes={start}-"} if start else {})}
    with session.get_stream(link.url_without_fragment, headers=headers) as response:
        if response.status_code >= 400:
            raise ConnectionError(f"the server responded with status {response.status_code}")
        yield Answer(start if response.status_code == 206 else 0, response.iter_bytes(1 << 18))

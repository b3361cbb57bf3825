"""Single members of wheels and source archives, read without unpacking anything to the disk.

Member names come from the catalog and are compared, never used as paths. Sizes are bounded by
what the catalog pins, whatever the archive's own headers say.
"""

from __future__ import annotations

import io
import tarfile
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import IO

from harness.data.sources.source_error import SourceFailed

_SCAN_LIMIT = 1 << 30
"""Most bytes that a compressed tar may unfold to while its members are looked for."""

_INNER_LIMIT = 1 << 28
"""Most bytes of an archive inside an archive."""

WHOLE = "."
"""The path that stands for the archive itself, for parsers that read many of its members."""

_ZIP = b"PK\x03\x04"

_BROKEN = (tarfile.TarError, zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, RuntimeError)


def read_members(archive: Path | bytes, wanted: Mapping[str, int]) -> dict[str, bytes]:
    """path → bytes of several members.

    Args:
        archive: a zip (wheel) or tar, plain or compressed.
        wanted: member path → its size in bytes; `outer.tar.gz!inner/file.txt` reads from an
            archive inside the archive; `.` is the archive itself.

    Raises:
        SourceFailed: when a member is missing, is twice in the archive, is no regular file or has
            another size; when the archive is damaged or unfolds to too much.
    """
    direct = {path: size for path, size in wanted.items() if "!" not in path and path != WHOLE}
    nested: dict[str, dict[str, int]] = {}
    for path, size in wanted.items():
        if "!" in path:
            outer, inner = path.split("!", 1)
            nested.setdefault(outer, {})[inner] = size
    limits = {**{path: (size, True) for path, size in direct.items()}, **dict.fromkeys(nested, (_INNER_LIMIT, False))}
    try:
        with io.BytesIO(archive) if isinstance(archive, bytes) else archive.open("rb") as handle:
            is_zip = handle.read(4) == _ZIP
            handle.seek(0)
            members = _zip(handle, limits) if is_zip else _tar(handle, limits)
    except _BROKEN as error:
        raise SourceFailed(f"the archive is corrupt: {error}", damaged=True) from error
    result = {path: members[path] for path in direct}
    if WHOLE in wanted:
        with io.BytesIO(archive) if isinstance(archive, bytes) else archive.open("rb") as handle:
            result[WHOLE] = _bounded(handle, WHOLE, wanted[WHOLE], True)
    for outer, inner_wanted in nested.items():
        for inner, content in read_members(members[outer], inner_wanted).items():
            result[f"{outer}!{inner}"] = content
    return result


def _zip(handle: IO[bytes], limits: Mapping[str, tuple[int, bool]]) -> dict[str, bytes]:
    members = {}
    with zipfile.ZipFile(handle) as archive:
        names = archive.namelist()
        for path, (limit, exact) in limits.items():
            _once(path, names.count(path))
            with archive.open(path) as member:
                members[path] = _bounded(member, path, limit, exact)
    return members


def _tar(handle: IO[bytes], limits: Mapping[str, tuple[int, bool]]) -> dict[str, bytes]:
    members: dict[str, bytes] = {}
    counts = dict.fromkeys(limits, 0)
    unfolded = 0
    with tarfile.open(fileobj=handle) as archive:
        for member in archive:
            unfolded += member.size
            if unfolded > _SCAN_LIMIT:
                raise SourceFailed(f"the archive expands to more than {_SCAN_LIMIT} bytes", damaged=True)
            if member.name not in limits:
                continue
            counts[member.name] += 1
            stream = archive.extractfile(member) if member.isreg() else None
            if stream is None:
                raise SourceFailed(f"{member.name} is not a regular file in the archive", damaged=True)
            limit, exact = limits[member.name]
            members[member.name] = _bounded(stream, member.name, limit, exact)
    for path, count in counts.items():
        _once(path, count)
    return members


def _bounded(stream: IO[bytes], path: str, limit: int, exact: bool) -> bytes:
    content = stream.read(limit + 1)
    if len(content) > limit or (exact and len(content) != limit):
        more = "more than " if len(content) > limit else ""
        raise SourceFailed(f"{path} has {more}{min(len(content), limit)} bytes, expected {limit}", damaged=True)
    return content


def _once(path: str, count: int) -> None:
    if count != 1:
        raise SourceFailed(f"{path} is {'not' if count == 0 else f'{count} times'} in the archive", damaged=True)

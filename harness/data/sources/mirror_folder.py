"""A folder with copies of the data, for machines without a network."""

from __future__ import annotations

import os
from pathlib import Path

from harness.data.sources.source_error import SourceFailed, checked
from harness.data.sources.source_specs import MirrorSource


def mirror_folder() -> Path | None:
    """The folder that HARNESS_DATA_DIR names, or None."""
    configured = os.environ.get("HARNESS_DATA_DIR")
    return Path(configured).expanduser() if configured else None


def available(source: MirrorSource) -> bool:
    """Whether all members lie in the folder with the right size; digests are checked on reading."""
    folder = mirror_folder()
    return folder is not None and all(
        (folder / member.path).is_file() and (folder / member.path).stat().st_size == member.bytes
        for member in source.members.values()
    )


def read(source: MirrorSource) -> dict[str, bytes]:
    """part → bytes, with checked digests.

    Raises:
        SourceFailed: when the folder or a file is missing, or a digest differs.
    """
    folder = mirror_folder()
    if folder is None:
        raise SourceFailed("HARNESS_DATA_DIR is not set", absent=True)
    parts = {}
    for part, member in source.members.items():
        path = folder / member.path
        try:
            if path.stat().st_size != member.bytes:
                raise SourceFailed(f"{path} has {path.stat().st_size} bytes, expected {member.bytes}", damaged=True)
            content = path.read_bytes()
        except OSError as error:
            raise SourceFailed(f"{path}: {error.strerror}", absent=isinstance(error, FileNotFoundError)) from error
        parts[part] = checked(content, member.sha256, str(path))
    return parts

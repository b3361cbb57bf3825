"""What a checkpoint folder may hold: plain files, folders, links that stay inside it, and those of the hub's cache."""

from __future__ import annotations

import os
from pathlib import Path
from stat import S_ISDIR, S_ISREG

from harness.core.errors import CheckpointError, Where
from harness.storage.plain_files import FOLLOW_LINKS, follows_links

_SNAPSHOTS, _REPOSITORY, _BLOBS = "snapshots", "models--", "blobs"
_TEMPLATES = "additional_chat_templates"
"""The one inner folder that transformers reads; an exported folder's base is checked as a folder of its own."""


def check_files(folder: Path) -> None:
    """Checks that no file of a checkpoint is a link to somewhere else, a pipe or a device.

    The folder itself may be a link. A folder that was unpacked from an archive could otherwise pass off any file of
    this machine as its own, and `harness export` would copy it. Such links are followed with
    `--follow-links` alone. The hub keeps the files of `models--…/snapshots/COMMIT` in `models--…/blobs`.

    Raises:
        CheckpointError: at the first entry that is none of a checkpoint.
    """
    roots = _roots(folder)
    for place in (folder, folder / _TEMPLATES):
        for path in sorted(place.iterdir()) if place.is_dir() else ():
            _check(path, roots)


def _check(path: Path, roots: tuple[Path, ...]) -> None:
    if path.is_symlink():
        target = Path(os.path.realpath(path))
        if not follows_links() and not any(target.is_relative_to(root) for root in roots):
            raise CheckpointError(
                f"{path.name} is a link that leads out of the checkpoint folder, to {target}; it is not followed.",
                where=Where(path),
                hint="copy the file into the folder, or give the folder that it is in; where the link is your own, "
                f"`--follow-links` (or {FOLLOW_LINKS}=1) follows it.",
            )
    mode = path.stat().st_mode if path.exists() else None
    if mode is not None and not S_ISREG(mode) and not S_ISDIR(mode):
        raise CheckpointError(
            f"{path.name} is neither a file nor a folder; it is not read.", where=Where(path), hint="remove it."
        )


def _roots(folder: Path) -> tuple[Path, ...]:
    real = Path(os.path.realpath(folder))
    repository = real.parent.parent
    if real.parent.name == _SNAPSHOTS and repository.name.startswith(_REPOSITORY):
        return real, repository / _BLOBS
    return (real,)

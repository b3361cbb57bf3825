"""Which links a checkpoint folder may hold: those that stay inside it, and those of the hub's cache."""

from __future__ import annotations

import os
from pathlib import Path

from harness.core.errors import CheckpointError, Where

_SNAPSHOTS, _REPOSITORY, _BLOBS = "snapshots", "models--", "blobs"


def check_links(folder: Path) -> None:
    """Checks that no file of a checkpoint is a link to somewhere else; the folder itself may be one.

    A folder that was unpacked from an archive could otherwise pass off any file of this machine as its own, and
    `harness export` would copy it. The hub keeps the files of `models--…/snapshots/COMMIT` in `models--…/blobs`.

    Raises:
        CheckpointError: at the first link that leads outside.
    """
    roots = _roots(folder)
    with os.scandir(folder) as entries:
        links = sorted(entry.name for entry in entries if entry.is_symlink())
    for name in links:
        target = Path(os.path.realpath(folder / name))
        if not any(target.is_relative_to(root) for root in roots):
            raise CheckpointError(
                f"{name} is a link that leads out of the checkpoint folder; it is not followed.",
                where=Where(folder / name),
                hint="copy the file into the folder, or give the folder that it is in.",
            )


def _roots(folder: Path) -> tuple[Path, ...]:
    real = Path(os.path.realpath(folder))
    repository = real.parent.parent
    if real.parent.name == _SNAPSHOTS and repository.name.startswith(_REPOSITORY):
        return real, repository / _BLOBS
    return (real,)

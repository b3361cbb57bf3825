"""Files and folders that are there whole or not at all."""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from harness.core.errors import IncompleteError, Where

_DISK_FULL = {errno.ENOSPC, errno.EDQUOT}
_NO_FOLDER = {errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.ENAMETOOLONG, errno.ELOOP}


def write_bytes(path: Path, content: bytes) -> None:
    """Writes a file by temporary file, fsync and rename; the old content stays until then.

    Raises:
        IncompleteError: when the disk is full or the folder cannot be written.
    """
    with explained(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        try:
            with os.fdopen(handle, "wb") as out:
                out.write(content)
                out.flush()
                os.fsync(out.fileno())
            os.chmod(name, 0o644)
            os.replace(name, path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
        _sync_folder(path.parent)


def write_text(path: Path, content: str) -> None:
    write_bytes(path, content.encode("utf-8"))


@contextmanager
def folder(path: Path) -> Iterator[Path]:
    """Yields a temporary folder beside `path` that becomes `path` when the block ends well.

    An existing `path` is replaced. When the block raises, nothing stays behind.
    """
    with explained(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(prefix=f".{path.name}.", dir=path.parent))
        try:
            yield temporary
            sync_tree(temporary)
            replace_folder(temporary, path)
        except BaseException:
            shutil.rmtree(temporary, ignore_errors=True)
            raise


def replace_folder(source: Path, target: Path) -> None:
    """Renames `source` to `target`; a folder that stood there is moved away and removed."""
    os.chmod(source, 0o755)
    if target.exists():
        old = Path(tempfile.mkdtemp(prefix=f".{target.name}.old.", dir=target.parent))
        os.replace(target, old / "was")
        os.replace(source, target)
        shutil.rmtree(old, ignore_errors=True)
    else:
        os.replace(source, target)
    _sync_folder(target.parent)


def sync_tree(root: Path) -> None:
    """Flushes every file below `root` to the disk."""
    for base, _, names in os.walk(root):
        for name in names:
            descriptor = os.open(Path(base) / name, os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
        _sync_folder(Path(base))


def _sync_folder(path: Path) -> None:
    if os.name != "posix":
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turns a full disk or a folder without permission into a clear error about `path`."""
    try:
        yield
    except OSError as error:
        if error.errno in _DISK_FULL:
            raise IncompleteError(
                "no space left on the disk; partially written files were removed.",
                where=Where(path),
                hint="free some space, then rerun the command; finished work is kept.",
            ) from error
        if error.errno in {errno.EACCES, errno.EPERM, errno.EROFS}:
            raise IncompleteError(
                f"cannot write to the folder: {error.strerror}.",
                where=Where(path),
                hint="pass a different folder with --out, or set HARNESS_CACHE_DIR to a writable folder.",
            ) from error
        if error.errno in _NO_FOLDER and _on_the_way(error.filename, path):
            raise IncompleteError(
                f"cannot create or write the folder: {error.strerror}: {error.filename}.",
                where=Where(path),
                hint="pass a different folder with --out or --lock, or set HARNESS_CACHE_DIR to a writable folder.",
            ) from error
        raise


def _on_the_way(name: object, path: Path) -> bool:
    """Whether a file name is `path`, a folder above it, or a file right beside one of these."""
    return isinstance(name, str) and Path(name).parent in {path, *path.parents}

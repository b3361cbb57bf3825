"""The files of a module outside harness: read and digested as bytes, and run only as the very bytes that were digested.

Reading imports nothing. The digest of one file is its SHA-256; that of a folder is the SHA-256 of the lines that
`sha256sum` prints for all its files, sorted by name. `__pycache__` folders are skipped: they are not digested, copied
or run.
"""

from __future__ import annotations

import hashlib
import importlib.abc
import importlib.util
import os
import stat
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType

from harness.core.errors import SuiteError, Where

MOST_FILES = 1_000
MOST_BYTES = 64 << 20

_CACHE = "__pycache__"
_COMPILED = (".pyc", ".pyo", ".so", ".pyd", ".dll", ".dylib")
_PACKAGE = "harness_metric_code_"


@dataclass(frozen=True, slots=True)
class ModuleFiles:
    """What a module consists of.

    Attributes:
        path: the folder or file.
        main: the name of the file that is run, within `files`.
        files: name relative to the folder, with `/` → content.
        digest: of all of them, 64 hexadecimal digits.
    """

    path: Path
    main: str
    files: Mapping[str, bytes]
    digest: str


def read_module(path: Path) -> ModuleFiles:
    """Reads a module's folder (`my_metric/my_metric.py` and what is beside it) or single file; runs nothing.

    Raises:
        SuiteError: when it is missing, holds links, compiled code or other things than plain files, or is too large.
    """
    try:
        if stat.S_ISDIR(path.lstat().st_mode):
            files = dict(sorted(_walk(path), key=lambda entry: entry[0].encode()))
            main = f"{path.name}.py"
            listing = "".join(f"{hashlib.sha256(content).hexdigest()}  {name}\n" for name, content in files.items())
            digest = hashlib.sha256(listing.encode()).hexdigest()
        else:
            main = path.name
            files = {main: _content(path, MOST_BYTES)}
            digest = hashlib.sha256(files[main]).hexdigest()
    except OSError as error:
        raise SuiteError(
            f"cannot read the metric's code: {error.strerror}.",
            where=Where(path),
            hint="use the folder of a module, such as ./my_metric with my_metric.py in it.",
        ) from error
    if main not in files or not main.endswith(".py"):
        raise SuiteError(
            f"the metric's code has no file {main if main.endswith('.py') else 'that ends in .py'!r}.",
            where=Where(path),
            hint="the folder needs a module with the same name: my_metric/my_metric.py with an evaluate.Metric.",
        )
    return ModuleFiles(path, main, files, digest)


def _walk(root: Path) -> Iterator[tuple[str, bytes]]:
    count, left = 0, MOST_BYTES
    folders = [root]
    while folders:
        folder = folders.pop()
        with os.scandir(folder) as entries:
            ordered = sorted(entries, key=lambda entry: entry.name)
        for entry in ordered:
            path = Path(entry.path)
            name = path.relative_to(root).as_posix()
            if not name.isprintable() or "\\" in name:
                raise SuiteError("the metric's code has a file name with control characters.", where=Where(folder))
            if entry.is_dir(follow_symlinks=False):
                if entry.name != _CACHE:
                    folders.append(path)
                    count += 1
            else:
                content = _content(path, left)
                left -= len(content)
                count += 1
                yield name, content
            if count > MOST_FILES:
                raise SuiteError(f"the metric's code has more than {MOST_FILES} files.", where=Where(root))


def _content(path: Path, most: int) -> bytes:
    if path.is_symlink():
        raise SuiteError(
            "the metric's code contains a symbolic link, which a digest cannot pin.",
            where=Where(path),
            hint="replace it with a copy of the file.",
        )
    if path.suffix.lower() in _COMPILED:
        raise SuiteError(
            "the metric's code contains compiled code, which cannot be reviewed.",
            where=Where(path),
            hint="keep only the source in the folder.",
        )
    # Opened without following links or waiting for a pipe, and looked at once open: it cannot be swapped in between.
    with os.fdopen(
        os.open(path, os.O_RDONLY | _flag("O_NOFOLLOW") | _flag("O_NONBLOCK") | _flag("O_BINARY")), "rb"
    ) as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise SuiteError("the metric's code contains something that is not a regular file.", where=Where(path))
        content = file.read(most + 1)
    if len(content) > most:
        raise SuiteError(f"the metric's code has more than {MOST_BYTES} bytes.", where=Where(path))
    return content


def _flag(name: str) -> int:
    return int(getattr(os, name, 0))


@contextmanager
def imported(modules: Sequence[ModuleFiles]) -> Iterator[list[ModuleType]]:
    """Imports modules from the bytes that were read, never from where they lay.

    The files also stand in a private temporary folder, for modules that read a file beside them; it is gone afterward.

    Raises:
        Exception: whatever the code raises.
    """
    with tempfile.TemporaryDirectory(prefix="harness-metric-") as folder:
        finder = _Finder()
        sys.meta_path.insert(0, finder)
        try:
            yield [
                importlib.import_module(finder.add(Path(folder) / str(n), module)) for n, module in enumerate(modules)
            ]
        finally:
            sys.meta_path.remove(finder)
            for name in [name for name in sys.modules if name.startswith(_PACKAGE)]:
                del sys.modules[name]


class _Finder(importlib.abc.MetaPathFinder):
    """Finds modules of verified files, each in a package of its own, so that they may import what is beside them."""

    def __init__(self) -> None:
        self._sources: dict[str, tuple[Path, Mapping[str, bytes]]] = {}

    def add(self, folder: Path, module: ModuleFiles) -> str:
        """Writes a module's files into a folder; gives the name that imports it."""
        for name, content in module.files.items():
            target = folder / name
            target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            target.write_bytes(content)
        package = f"{_PACKAGE}{folder.name}_{module.digest[:16]}"
        self._sources[package] = (folder, module.files)
        return f"{package}.{module.main.removesuffix('.py')}"

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        package, _, rest = fullname.partition(".")
        if package not in self._sources:
            return None
        folder, files = self._sources[package]
        inside = rest.replace(".", "/")
        start = f"{inside}/" if inside else ""
        for name, is_package in ((f"{start}__init__.py", True), (f"{inside}.py", False)):
            if name in files:
                loader = _Loader(str(folder / name), files[name])
                return importlib.util.spec_from_file_location(
                    fullname,
                    folder / name,
                    loader=loader,
                    submodule_search_locations=[str(folder / inside)] if is_package else None,
                )
        if not any(name.startswith(start) for name in files):
            return None
        spec = ModuleSpec(fullname, _Loader(str(folder / inside), b""), is_package=True)
        spec.submodule_search_locations = [str(folder / inside)]
        return spec


class _Loader(importlib.abc.SourceLoader):
    """Runs source that is in memory; reads and writes no compiled files."""

    def __init__(self, path: str, source: bytes) -> None:
        self._path = path
        self._source = source

    def get_filename(self, fullname: str) -> str:
        return self._path

    def get_data(self, path: str | bytes) -> bytes:
        if path != self._path:
            raise OSError("only the verified source is run.")
        return self._source

"""Compiled templates, kept beside the package's own bytecode: compiling them takes longer than filling them in."""

from __future__ import annotations

import hashlib
import sys
from contextlib import suppress
from importlib.metadata import version
from importlib.util import cache_from_source
from pathlib import Path

from jinja2 import FileSystemBytecodeCache
from jinja2.bccache import Bucket


class _Bytecode(FileSystemBytecodeCache):
    """What cannot be read or written is compiled again, as Python does with its own bytecode."""

    def load_bytecode(self, bucket: Bucket) -> None:
        try:
            super().load_bytecode(bucket)
        except Exception:  # a damaged file raises whatever pickle and marshal do
            bucket.reset()

    def dump_bytecode(self, bucket: Bucket) -> None:
        with suppress(OSError):
            Path(self.directory).mkdir(parents=True, exist_ok=True)
            super().dump_bytecode(bucket)


def compiled_templates(settings: Path) -> FileSystemBytecodeCache | None:
    """The place for the bytecode of an environment's templates; None where Python writes no bytecode.

    Args:
        settings: the module that makes the environment. Its content is part of the names, as is Jinja's version, since
            an environment's settings are compiled into the templates.
    """
    if sys.dont_write_bytecode:
        return None
    made_with = hashlib.sha256(settings.read_bytes() + version("jinja2").encode()).hexdigest()[:16]
    return _Bytecode(str(Path(cache_from_source(str(settings))).parent), f"templates-{made_with}-%s.jinja")

"""Reading of files that may be a stranger's: plain files only, and JSON of any depth.

A pipe or a device in the place of a file would be waited for, or read without end; deep nesting exhausts the stack of
Python's reader of JSON. Here both are errors like those of a file that is missing or damaged.
"""

from __future__ import annotations

import errno
import json
import os
import stat
from pathlib import Path
from typing import Any

FOLLOW_LINKS = "HARNESS_FOLLOW_LINKS"
"""`1` in the environment: links that lead out of a model folder are the own ones of whoever runs harness."""


def follows_links() -> bool:
    """Whether such links are followed (`--follow-links`)."""
    return os.environ.get(FOLLOW_LINKS) == "1"


def require(path: Path) -> None:
    """Checks that a plain file stands at `path`, or a link to one.

    Raises:
        OSError: when nothing is there, or a folder, a pipe, a socket or a device.
    """
    if not stat.S_ISREG(path.stat().st_mode):
        raise OSError(errno.EINVAL, "expected a plain file, found something else", str(path))


def read_bytes(path: Path) -> bytes:
    """The content of a plain file.

    Raises:
        OSError: as `require` does, and when the file cannot be read.
    """
    require(path)
    # Opening a pipe that took the file's place since would not return before someone writes to it.
    with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as handle:
        return handle.read()


def read_text(path: Path, encoding: str = "utf-8") -> str:
    """The text of a plain file.

    Raises:
        OSError: as `read_bytes` does.
        ValueError: when the bytes are no text in this encoding.
    """
    return read_bytes(path).decode(encoding)


def parse_json(text: str | bytes) -> Any:
    """A JSON value.

    Raises:
        ValueError: when the text is not JSON, or nested too deeply.
    """
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("the JSON is nested too deeply") from None


def read_json(path: Path) -> Any:
    """The JSON value of a plain file.

    Raises:
        OSError, ValueError: as `read_text` and `parse_json` do.
    """
    return parse_json(read_text(path))

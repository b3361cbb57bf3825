"""The standard library of the running interpreter, as text. Nothing of it is imported or run."""

from __future__ import annotations

import sysconfig
from collections.abc import Iterator
from pathlib import Path

_LEFT_OUT = {"test", "tests", "idle_test", "site-packages", "__pycache__", "lib2to3", "ensurepip", "turtledemo"}
_MOST_BYTES = 200_000


def rows() -> Iterator[dict[str, str]]:
    """One module a row, in the order of names: `text`, `module`, `package` (its first part)."""
    root = Path(sysconfig.get_paths()["stdlib"])
    for path in sorted(root.rglob("*.py")):
        parts = path.relative_to(root).with_suffix("").parts
        if _LEFT_OUT & set(parts) or parts[0].startswith(("_sysconfigdata", "config-")):
            continue
        if path.stat().st_size > _MOST_BYTES:
            continue
        try:
            text = path.read_text("utf-8")
        except (OSError, UnicodeDecodeError):
            continue
        if text.strip():
            yield {"text": text, "module": ".".join(parts), "package": parts[0]}

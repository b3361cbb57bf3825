"""What long work says while it runs, without knowing who listens.

`data`, `models` and `training` tell a `Reporter`; the command line shows it with rich or as
plain lines, and tests collect it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol


class Task(Protocol):
    """One piece of long work with a known or unknown number of units."""

    def advance(self, units: float = 1) -> None: ...

    def note(self, text: str) -> None:
        """A few words that stand beside the bar, such as the current loss."""

    def total(self, units: float) -> None: ...


class Reporter(Protocol):
    """Receives progress, warnings and plain messages.

    Attributes:
        warnings: what was warned of so far.
    """

    @property
    def warnings(self) -> Sequence[str]: ...

    def task(self, title: str, total: float | None = None, unit: str = "") -> AbstractContextManager[Task]: ...

    def info(self, text: str) -> None: ...

    def warn(self, text: str) -> None: ...


class _SilentTask:
    def advance(self, units: float = 1) -> None:
        return

    def note(self, text: str) -> None:
        return

    def total(self, units: float) -> None:
        return


class Silent:
    """A reporter that keeps warnings and shows nothing (library use, tests)."""

    def __init__(self) -> None:
        self.warnings: list[str] = []
        self.messages: list[str] = []

    @contextmanager
    def task(self, title: str, total: float | None = None, unit: str = "") -> Iterator[Task]:
        yield _SilentTask()

    def info(self, text: str) -> None:
        self.messages.append(text)

    def warn(self, text: str) -> None:
        self.warnings.append(text)

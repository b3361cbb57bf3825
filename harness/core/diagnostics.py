"""Collecting several faults of one file, so that all of them are shown at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from harness.core.errors import HarnessError, SuiteError, Where

Key = str | int
Places = Callable[..., Where]
"""`places(*keys, key=False)`: the place of what stands below these keys, or of its key."""

SHOWN = 20


@dataclass(frozen=True, slots=True)
class Problem:
    """One fault: where it stands, what was expected and found, what to try."""

    where: Where
    message: str
    hint: str | None = None

    def __str__(self) -> str:
        return f"{self.where}: {self.message}" + (f" ({self.hint})" if self.hint else "")


class Problems:
    """A list of faults below one point of a file.

    Args:
        places: gives the place of a path of keys, counted from the top of the file.
        prefix: the keys that lead to this point.
    """

    def __init__(self, places: Places, prefix: tuple[Key, ...] = (), problems: list[Problem] | None = None) -> None:
        self._places = places
        self._prefix = prefix
        self._found: list[Problem] = [] if problems is None else problems

    def __len__(self) -> int:
        return len(self._found)

    def below(self, *keys: Key) -> Problems:
        """The same list, seen from further down the file."""
        return Problems(self._places, (*self._prefix, *keys), self._found)

    def elsewhere(self, places: Places, *keys: Key) -> Problems:
        """The same list, seen from a point of another file."""
        return Problems(places, keys, self._found)

    def where(self, *keys: Key, key: bool = False) -> Where:
        return self._places(*self._prefix, *keys, key=key)

    def add(self, message: str, *keys: Key, hint: str | None = None, key: bool = False) -> None:
        """Notes a fault at a path of keys; `key` points at the key instead of its value."""
        problem = Problem(self.where(*keys, key=key), message, hint)
        if problem not in self._found:
            self._found.append(problem)

    def add_error(self, error: HarnessError, *keys: Key) -> None:
        """Notes an error that other code raised; its own place wins when it has one."""
        self._found.append(Problem(error.where or self.where(*keys), error.message, error.hint))

    def extend(self, problems: Iterable[Problem]) -> None:
        self._found.extend(problems)

    def raise_any(self, what: type[HarnessError] = SuiteError) -> None:
        """Raises the first fault in the file's order, with the others as notes; none, no error.

        Raises:
            HarnessError: of the given class.
        """
        if not self._found:
            return
        ordered = sorted(self._found, key=_order)
        first, rest = ordered[0], ordered[1:]
        notes: list[Any] = [str(problem) for problem in rest[:SHOWN]]
        if len(rest) > SHOWN:
            notes.append(f"… and {len(rest) - SHOWN} more.")
        raise what(first.message, where=first.where, hint=first.hint, notes=notes)


def _order(problem: Problem) -> tuple[int, int]:
    return problem.where.line or 0, problem.where.column or 0

"""Errors that say where, what was expected, what was found and what to do next.

Every failure that a person can cause or repair is a `HarnessError`; the command line prints
it without a traceback and exits with its `exit_code`. Anything else is a defect (exit 70).
Several faults of one file are collected as `Problems`, and shown at once; a copy in the store is called
by the folder that a person named.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_ORIGINALS: dict[str, str] = {}


def show_as(copy: Path, original: Path) -> None:
    """From now on, messages of this process name `original` where they would name `copy`."""
    _ORIGINALS[str(copy)] = shown(str(original))


def shown(text: str) -> str:
    """A message with the paths that people know."""
    for copy, original in _ORIGINALS.items():
        text = text.replace(copy, original)
    return text


EXIT_OK = 0
EXIT_USAGE = 2
EXIT_GATE_FAILED = 10
EXIT_INCONCLUSIVE = 11
EXIT_INCOMPLETE = 12
EXIT_LOCK = 13
EXIT_INTERNAL = 70
EXIT_INTERRUPTED = 130
EXIT_TERMINATED = 143


@dataclass(frozen=True, slots=True)
class Where:
    """A place in a file. Lines and columns count from 1; None where there is none."""

    file: str | Path
    line: int | None = None
    column: int | None = None

    def __str__(self) -> str:
        parts = [str(self.file)]
        if self.line is not None:
            parts.append(str(self.line))
            if self.column is not None:
                parts.append(str(self.column))
        return ":".join(parts)


class HarnessError(Exception):
    """A failure with a place, a plain message and a next step.

    Args:
        message: what was expected and what was found, one sentence or two.
        where: the place in the suite, data file or folder that is at fault.
        hint: the next thing to try, as an instruction.
        notes: further findings (other errors in the same file), shown below the message.
    """

    exit_code: int = EXIT_USAGE

    def __init__(
        self,
        message: str,
        *,
        where: Where | None = None,
        hint: str | None = None,
        notes: Iterable[str] = (),
    ) -> None:
        super().__init__(message)
        self.message = message
        self.where = where
        self.hint = hint
        self.notes = tuple(notes)

    def __str__(self) -> str:
        place = f"{self.where}: " if self.where is not None else ""
        lines = [f"{place}{self.message}", *self.notes]
        if self.hint:
            lines.append(f"next: {self.hint}")
        return shown("\n".join(lines))


class SuiteError(HarnessError):
    """The suite is wrong: an unknown key, a wrong type, a name that nothing defines."""


class DataError(HarnessError):
    """Data is missing, damaged or not what the suite says."""


class CheckpointError(HarnessError):
    """A checkpoint lacks what is needed: weights in safetensors, a tokenizer, a head."""


class IncompleteError(HarnessError):
    """Work could not be finished (network, disk, a model that fails); running again goes on."""

    exit_code = EXIT_INCOMPLETE


class LockError(HarnessError):
    """Suite, data or gates differ from what the lock file pins."""

    exit_code = EXIT_LOCK


def is_address(text: str) -> bool:
    """Whether a path is an address of the network; a path that was parsed has lost the second slash."""
    return re.match(r"[A-Za-z][A-Za-z0-9+.-]+:/", text) is not None


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word that `word` was probably meant to be, or None."""
    matches = difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)
    return matches[0] if matches else None


def unknown(what: str, word: str, known: Iterable[str]) -> str:
    """A message for an unknown name: it names the nearest match and the known ones."""
    names = sorted(known)
    guess = nearest(word, names)
    listing = ", ".join(names) if names else "none"
    meant = f" Did you mean {guess!r}?" if guess else ""
    return f"unknown {what} {word!r}.{meant} Known: {listing}."


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

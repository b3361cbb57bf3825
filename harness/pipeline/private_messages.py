"""Keeps texts of items out of what is said of a run whose suite keeps texts private: errors, warnings, remarks.

A message about a row may quote it. What is quoted stays if the suite itself says it, such as the name of a column or a
label; anything else may be of a row, and is not shown. The place (file and line) stays, so that whoever has the data
finds the row.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.core.errors import HarnessError
from harness.core.reporter import Reporter, Task

if TYPE_CHECKING:
    from harness.suite.suite import Suite

HIDDEN = "[text not shown]"
_QUOTED = re.compile(
    r"""(?<!\w)(?:'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*")(?!\w)|(?<!\w)(?:'|")(?:\\.|[^\\])*\Z""", re.DOTALL
)
"""A quoted part as Python shows texts; one that does not end is hidden to its end."""


@dataclass(frozen=True, slots=True)
class PrivateWords:
    """What may be quoted in messages about a suite whose texts are private.

    Attributes:
        known: everything that the suite says.
    """

    known: str

    def of(self, message: str) -> str:
        """The message without quoted parts that may be of a row."""
        return _QUOTED.sub(self._shown, message)

    def _shown(self, match: re.Match[str]) -> str:
        quoted = match.group()
        inner = quoted[1:-1] if quoted[-1] == quoted[0] and len(quoted) > 1 else quoted[1:]
        return quoted if not inner.strip() or inner in self.known else HIDDEN


def private_words(suite: Suite) -> PrivateWords | None:
    """What messages about a suite may quote; None where all texts may be shown."""
    if suite.texts == "all":
        return None
    names = [*suite.models, *suite.evaluations, *suite.data, str(suite.path), suite.path.name]
    return PrivateWords("\n".join([suite.text, *names]))


@contextmanager
def private_messages(suite: Suite, reporter: Reporter) -> Iterator[Reporter]:
    """Work on a suite: the reporter to tell, and errors that quote no row.

    Raises:
        HarnessError: what the work raises, without quoted texts.
        RuntimeError: in place of a defect, whose message may hold a text; its type and its place in the code stay.
    """
    words = private_words(suite)
    if words is None:
        yield reporter
        return
    try:
        yield PrivateReporter(reporter, words)
    except HarnessError as error:
        error.message = words.of(error.message)
        error.hint = None if error.hint is None else words.of(error.hint)
        error.notes = tuple(words.of(str(note)) for note in error.notes)
        error.args = (error.message,)
        raise error from None
    except Exception as error:
        hidden = RuntimeError(f"{type(error).__name__} (its message is not shown: `texts: {suite.texts}`)")
        raise hidden.with_traceback(error.__traceback__) from None


class PrivateReporter:
    """A reporter that is told no text of a row."""

    def __init__(self, reporter: Reporter, words: PrivateWords) -> None:
        self._reporter = reporter
        self._words = words

    @property
    def warnings(self) -> list[str]:
        """What was warned of, without texts."""
        return list(self._reporter.warnings)

    @contextmanager
    def task(self, title: str, total: float | None = None, unit: str = "") -> Iterator[Task]:
        opened: AbstractContextManager[Task] = self._reporter.task(self._words.of(title), total, unit)
        with opened as task:
            yield task

    def info(self, text: str) -> None:
        self._reporter.info(self._words.of(text))

    def warn(self, text: str) -> None:
        self._reporter.warn(self._words.of(text))

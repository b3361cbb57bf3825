"""Progress and messages on stderr: rich bars on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from harness.core.reporter import Task
from harness.report.wording.safe_text import clean
from harness.schema.units import show_count, show_seconds

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress, TaskID

PLAIN_EVERY = 15.0
PLAIN_MINIMUM = 2.0


def make_reporter(*, quiet: bool = False) -> TerminalReporter | PlainReporter:
    """The reporter that fits stderr: bars on a terminal, lines in a log, only warnings when quiet."""
    if not quiet and sys.stderr.isatty():
        return TerminalReporter()
    return PlainReporter(quiet=quiet)


class PlainReporter:
    """One line when long work begins or has gone on for a while, one when it ends."""

    def __init__(self, *, quiet: bool = False) -> None:
        self.quiet = quiet
        self.warnings: list[str] = []

    @contextmanager
    def task(self, title: str, total: float | None = None, unit: str = "") -> Iterator[Task]:
        task = _PlainTask(self, title, total, unit)
        yield task
        task.finish()

    def info(self, text: str) -> None:
        if not self.quiet:
            self._line(text)

    def warn(self, text: str) -> None:
        if text not in self.warnings:
            self.warnings.append(text)
            self._line(f"warning: {text}")

    def _line(self, text: str) -> None:
        print(clean(text), file=sys.stderr, flush=True)  # noqa: T201  # stderr is where progress belongs


class _PlainTask:
    def __init__(self, reporter: PlainReporter, title: str, total: float | None, unit: str) -> None:
        self._reporter = reporter
        self._title = title
        self._total = total
        self._unit = unit
        self._done = 0.0
        self._note = ""
        self._started = self._shown = time.monotonic()

    def advance(self, units: float = 1) -> None:
        self._done += units
        now = time.monotonic()
        if now - self._shown >= PLAIN_EVERY:
            self._shown = now
            self._reporter.info(f"{self._title}: {self._progress(now)}")

    def note(self, text: str) -> None:
        self._note = text

    def total(self, units: float) -> None:
        self._total = units

    def finish(self) -> None:
        seconds = time.monotonic() - self._started
        if seconds >= PLAIN_MINIMUM:
            note = f", {self._note}" if self._note else ""
            self._reporter.info(f"{self._title}: done in {show_seconds(seconds)}{note}")

    def _progress(self, now: float) -> str:
        note = f", {self._note}" if self._note else ""
        if not self._total or not self._done:
            return f"{show_count(self._done)} {self._unit}{note}"
        share = min(1.0, self._done / self._total)
        left = (now - self._started) * (1 - share) / share
        return f"{share:.0%}, about {show_seconds(left)} left{note}"


class TerminalReporter:
    """Bars with the time left; finished work stays as one line."""

    def __init__(self) -> None:
        from rich.console import Console

        self.console: Console = Console(stderr=True, highlight=False)
        self.warnings: list[str] = []
        self._progress: Progress | None = None

    @contextmanager
    def task(self, title: str, total: float | None = None, unit: str = "") -> Iterator[Task]:
        started = time.monotonic()
        with self._bars() as progress:
            task = _BarTask(progress, progress.add_task(clean(title), total=total, note=""))
            try:
                yield task
            finally:
                progress.remove_task(task.identity)
        seconds = time.monotonic() - started
        if seconds >= PLAIN_MINIMUM:
            note = f", {task.text}" if task.text else ""
            self.info(f"{title}: done in {show_seconds(seconds)}{note}")

    @contextmanager
    def _bars(self) -> Iterator[Progress]:
        if self._progress is not None:
            yield self._progress
            return
        from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

        columns = (
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            TextColumn("{task.percentage:>3.0f}%"),
            TimeElapsedColumn(),
            TextColumn("left", markup=False),
            TimeRemainingColumn(),
            TextColumn("{task.fields[note]}", markup=False),
        )
        with Progress(*columns, console=self.console, transient=True) as progress:
            self._progress = progress
            try:
                yield progress
            finally:
                self._progress = None

    def info(self, text: str) -> None:
        self.console.print(clean(text), markup=False)

    def warn(self, text: str) -> None:
        if text not in self.warnings:
            self.warnings.append(text)
            self.console.print(clean(f"warning: {text}"), markup=False, style="yellow")


class _BarTask:
    def __init__(self, progress: Progress, identity: TaskID) -> None:
        self._progress = progress
        self.identity = identity
        self.text = ""

    def advance(self, units: float = 1) -> None:
        self._progress.advance(self.identity, units)

    def note(self, text: str) -> None:
        self.text = text
        self._progress.update(self.identity, note=clean(text))

    def total(self, units: float) -> None:
        self._progress.update(self.identity, total=units)

"""A model in a process of its own, which is visited and timed."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

from harness.core.errors import IncompleteError
from harness.core.requests import Request
from harness.pipeline.records.timing_messages import Opened, ToOpen, Visit


@dataclass
class TimedModel:
    """A process with one model.

    Raises:
        IncompleteError: from any call, when the model cannot be opened or the process ended.
    """

    name: str
    wanted: ToOpen

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            # Without the current folder, which may hold anything.
            [sys.executable, "-P", "-m", "harness.pipeline.records.timing_worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            # The modules of this process: plug-ins may lie anywhere on its path.
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        )
        try:
            self._say(self.wanted)
            opened: Opened = self._answer()
        except BaseException:
            self.close()
            raise
        if opened.facts is None:
            self.close()
            raise IncompleteError(f"{self.name} cannot be opened to be timed: {opened.error}")
        self.facts = opened.facts
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Ends the process."""
        self._process.kill()
        self._process.communicate()

    def take(self, inputs: Sequence[Sequence[Request]]) -> None:
        """Gives it the inputs that every visit asks."""
        self._say(list(inputs))

    def visit(self) -> Visit:
        """Asks all inputs once."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(b".")
            self._process.stdin.flush()
        except OSError:
            raise self._ended() from None
        visited: Visit = self._answer()
        return visited

    def _say(self, message: Any) -> None:
        assert self._process.stdin is not None
        try:
            pickle.dump(message, self._process.stdin)
            self._process.stdin.flush()
        except OSError:
            raise self._ended() from None

    def _answer(self) -> Any:
        assert self._process.stdout is not None
        try:
            # A pipe from a process of our own that runs our own code; nothing from outside is unpickled.
            return pickle.load(self._process.stdout)
        except (OSError, EOFError, pickle.UnpicklingError):
            raise self._ended() from None

    def _ended(self) -> IncompleteError:
        code = self._process.wait()
        return IncompleteError(
            f"the process that times {self.name} ended with the code {code}.",
            hint="timed models are in memory together, each in its own process; close other programs, or leave the "
            "evaluation out with --only.",
        )

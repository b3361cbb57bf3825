"""The two output streams of a command: whatever stands behind them, the exit code stays that of the work.

A terminal that lacks a character shows a stand-in. A reader that has gone (`harness gate … | head -1`) or a stream that
was closed gets nothing more, and the command goes on. A device that is full is an error, told once.
"""

from __future__ import annotations

import io
import os
import sys
from pathlib import Path


class _Output(io.FileIO):
    """A file descriptor that a reader may leave.

    Attributes:
        fault: the error that made the rest of the output vanish, other than a reader that has gone.
    """

    def __init__(self, descriptor: int) -> None:
        super().__init__(descriptor, "w", closefd=False)
        self.fault: OSError | None = None
        self._gone = False

    def write(self, data: object) -> int:
        """Writes what it can; after a fault everything counts as written."""
        size = memoryview(data).nbytes  # type: ignore[arg-type]  # a buffer, as for every raw stream
        if self._gone:
            return size
        try:
            return super().write(data)  # type: ignore[arg-type]
        except BrokenPipeError:
            self._gone = True
        except OSError as error:
            self._gone, self.fault = True, error
        return size


class OutputStreams:
    """stdout and stderr, made so that writing to them never ends a command."""

    def __init__(self) -> None:
        self._outputs: list[_Output] = []

    @classmethod
    def install(cls) -> OutputStreams:
        """Replaces the process's own streams; streams that a test has put there stay."""
        made = cls()
        for name, descriptor in (("stdout", 1), ("stderr", 2)):
            given = getattr(sys, name)
            if given is None:
                nowhere = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115  # open as long as the process
                setattr(sys, name, nowhere)
            elif given is getattr(sys, f"__{name}__") and isinstance(given, io.TextIOWrapper):
                setattr(sys, name, made._wrapped(given, descriptor))
        return made

    def _wrapped(self, given: io.TextIOWrapper, descriptor: int) -> io.TextIOWrapper:
        given.flush()
        output = _Output(descriptor)
        self._outputs.append(output)
        return io.TextIOWrapper(
            io.BufferedWriter(output),
            encoding=given.encoding,
            errors="replace",
            line_buffering=given.line_buffering or descriptor == 2,
            write_through=given.write_through,
        )

    def close(self) -> OSError | None:
        """Writes what is left.

        Returns:
            Why some output is lost, other than for a reader that has gone; None when nothing is.
        """
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        return next((output.fault for output in self._outputs if output.fault is not None), None)

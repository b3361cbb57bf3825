"""Runs one program against its item's check, in two locked-down processes, and says whether it passed."""

from __future__ import annotations

import json
import os
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from harness.evaluations.programs.locked_down import NotEnforcedError

_CHILD = Path(__file__).with_name("child_process.py")
_START_SECONDS = 60.0
"""How long an interpreter may take to start on a busy machine; no limit of the program's own."""
PROCESSOR_TIME, WALL_TIME = "limit of processor time", "limit of wall time"
"""Why a program without end failed."""
_MOST_BYTES = 4096
_UNPRINTED = re.compile(r"[^ -~]")
MEBIBYTE = 1 << 20


@dataclass(frozen=True, slots=True)
class ProgramLimits:
    """What a program may use.

    Attributes:
        seconds: of processor time.
        memory: mebibytes of address space.
        patience: seconds of wall time per second of processor time: a program that waits ends too, and a busy machine
            is no fault.
    """

    seconds: int
    memory: int
    patience: int = 4


@dataclass(frozen=True, slots=True)
class ProgramCheck:
    """A program and what decides whether it is right.

    Attributes:
        program: source text that defines `entry`.
        entry: the function that the check calls.
        given: source text that the check may use, such as helper functions of the prompt.
        check: source text that defines `check(candidate)`, which raises where the candidate is wrong.
    """

    program: str
    entry: str
    given: str
    check: str


@dataclass(frozen=True, slots=True)
class ProgramOutcome:
    """How a program did; `broken` is a check that cannot judge any program."""

    state: Literal["passed", "failed", "broken"]
    reason: str


def run_check(check: ProgramCheck, limits: ProgramLimits) -> ProgramOutcome:
    """Runs a program against its check. Both processes are gone when this returns.

    Raises:
        NotEnforcedError: when a process could not be locked down; the program did not run then.
    """
    with ExitStack() as stack:
        call_ends, answer_ends = os.pipe(), os.pipe()
        both = [*call_ends, *answer_ends]
        try:
            program = stack.enter_context(
                _process("program", {"calls": call_ends[0], "answers": answer_ends[1]}, limits)
            )
            checker = stack.enter_context(_process("check", {"calls": call_ends[1], "answers": answer_ends[0]}, limits))
        finally:
            for end in both:
                os.close(end)
        _send(program, {"program": check.program, "entry": check.entry})
        _send(checker, {"entry": check.entry, "given": check.given, "check": check.check})
        deadline = time.monotonic() + _START_SECONDS
        for process in (program, checker):
            _require_ready(_line(process, deadline))
        said = _line(checker, time.monotonic() + limits.seconds * limits.patience)
        return _outcome(said, program)


def _outcome(said: bytes | None, program: subprocess.Popen[bytes]) -> ProgramOutcome:
    if said is None:
        return ProgramOutcome("failed", WALL_TIME)
    try:
        state, reason = json.loads(said)
    except ValueError:
        return ProgramOutcome("failed", "the check ended: limit of processor time or memory")
    if reason == "the program ended":
        with suppress(subprocess.TimeoutExpired):
            if program.wait(timeout=1) in (-signal.SIGKILL, -signal.SIGXCPU):
                reason = PROCESSOR_TIME
    return ProgramOutcome(state, _UNPRINTED.sub("?", reason))


@contextmanager
def _process(part: str, channel: Mapping[str, int], limits: ProgramLimits) -> Iterator[subprocess.Popen[bytes]]:
    """A fresh interpreter without environment, packages, or descriptors but its own; ended when the block ends."""
    settings = {"part": part, "seconds": limits.seconds, "memory": limits.memory * MEBIBYTE, **channel}
    process = subprocess.Popen(
        [sys.executable, "-I", "-S", "-B", str(_CHILD), json.dumps(settings)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={},
        cwd="/",
        pass_fds=tuple(channel.values()),
        start_new_session=True,
    )
    try:
        yield process
    finally:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                with suppress(OSError):
                    stream.close()


def _send(process: subprocess.Popen[bytes], job: Mapping[str, Any]) -> None:
    assert process.stdin is not None
    with suppress(BrokenPipeError):
        process.stdin.write(json.dumps(job).encode())
        process.stdin.close()


def _line(process: subprocess.Popen[bytes], deadline: float) -> bytes | None:
    """What the process says until a line break or its end; None when the time is over before."""
    assert process.stdout is not None
    number, text = process.stdout.fileno(), b""
    while not text.endswith(b"\n") and len(text) < _MOST_BYTES:
        left = deadline - time.monotonic()
        if left <= 0 or not _readable(number, left):
            return None
        # One byte at a time: what follows the line is the next answer.
        byte = os.read(number, 1)
        if not byte:
            break
        text += byte
    return text


def _readable(number: int, seconds: float) -> bool:
    poll = select.poll()
    poll.register(number, select.POLLIN | select.POLLHUP)
    return bool(poll.poll(seconds * 1000))


def _require_ready(line: bytes | None) -> None:
    if line == b"ready\n":
        return
    if line is None:
        raise NotEnforcedError(f"a start within {_START_SECONDS:.0f} seconds")
    told = _UNPRINTED.sub("?", line.decode("ascii", "replace").strip().removeprefix("not enforced: "))
    raise NotEnforcedError(told or "anything (the locked-down process ended before it was ready)")

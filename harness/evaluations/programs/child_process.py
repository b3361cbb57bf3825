"""What the two locked-down processes of a program do: one runs it, the other one checks what it answers.

The checking process runs the item's own code alone. It calls the program's function through a pipe, and plain values
come back, so nothing that the program does to its own process, its exit included, can count as passing.

Run as a script; it imports the standard library and its neighbors in this folder alone.
"""

from __future__ import annotations

import builtins
import contextlib
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from harness.evaluations.programs.locked_down import NotEnforcedError, lock_down
    from harness.evaluations.programs.plain_values import NotPlainError, decoded, encoded, type_name
else:
    # The interpreter is isolated: neither the package nor this folder is on its path.
    sys.path.insert(0, str(Path(__file__).parent))
    from locked_down import NotEnforcedError, lock_down
    from plain_values import NotPlainError, decoded, encoded, type_name

    sys.path.pop(0)

_LONGEST_LINE = 1 << 24
"""Most bytes of one call or answer."""
_MOST_OPEN = 1 << 20
_LONGEST_REASON = 80


class BrokenCheckError(Exception):
    """The item's own check cannot be carried out, whatever the program does."""


class ProgramError(Exception):
    """The program gave no value."""


def main() -> None:
    """Reads the job, locks the process down, says `ready`, and does its part."""
    settings = json.loads(sys.argv[1])
    calls, answers = settings["calls"], settings["answers"]
    job = json.loads(sys.stdin.buffer.read())
    status, null = os.dup(1), os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(null, standard)
    kept = sorted({0, 1, 2, status, calls, answers})
    for before, after in zip(kept, [*kept[1:], _MOST_OPEN], strict=True):
        os.closerange(before + 1, after)
    try:
        lock_down(settings["seconds"], settings["memory"], [str(Path(os.__file__).parent)])
    except (NotEnforcedError, OSError) as error:
        os.write(status, f"not enforced: {error}\n".encode())
        os._exit(3)
    os.write(status, b"ready\n")
    if settings["part"] == "program":
        os.close(status)
        run_program(job, calls, answers)
    else:
        os.write(status, json.dumps(check_program(job, calls, answers)).encode())
    os._exit(0)


def run_program(job: dict[str, str], calls: int, answers: int) -> None:
    """Runs the program, then calls its function as it is asked to, until nobody asks any more."""
    source, sink = os.fdopen(calls, "rb"), os.fdopen(answers, "wb", buffering=0)

    def answer(make: Callable[..., Any], *arguments: Any, **named: Any) -> None:
        try:
            line = json.dumps(["value", encoded(make(*arguments, **named))]).encode()
        except BaseException as error:  # also SystemExit: a program that ends itself gave no value
            line = json.dumps(["error", type_name(error)]).encode()
        sink.write(line + b"\n")

    namespace: dict[str, Any] = {"__name__": "program"}
    answer(lambda: exec(compile(job["program"], "<program>", "exec"), namespace))
    while line := source.readline():
        arguments, named = (decoded(form) for form in json.loads(line))
        answer(lambda *given, **by_name: namespace[job["entry"]](*given, **by_name), *arguments, **named)


class Candidate:
    """The program's function, as the check calls it; its calls are carried out by the other process."""

    def __init__(self, calls: int, answers: int) -> None:
        self._source, self._sink = os.fdopen(answers, "rb"), os.fdopen(calls, "wb", buffering=0)

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        """The program's value.

        Raises:
            BrokenCheckError: for an argument that is no plain value.
            ProgramError: when the program ended, or raised what is no built-in error; those are raised as they are.
        """
        try:
            line = json.dumps([encoded(arguments, strict=True), encoded(named, strict=True)]).encode()
        except NotPlainError as error:
            raise BrokenCheckError(f"it passes a value of the type {error} to the program") from None
        with contextlib.suppress(BrokenPipeError):
            self._sink.write(line + b"\n")
        return self.value()

    def value(self) -> Any:
        """What the program says next; the first thing it says is that it was defined."""
        line = self._source.readline(_LONGEST_LINE)
        if not line:
            raise ProgramError("the program ended")
        try:
            kind, said = json.loads(line)
            if kind == "value":
                return decoded(said)
        except (ValueError, TypeError, OverflowError, LookupError):
            raise ProgramError("no plain value") from None
        raise named_error(said)


def check_program(job: dict[str, str], calls: int, answers: int) -> list[str]:
    """Runs the item's check on the program's function: `passed`, or `failed` or `broken` with a reason."""
    candidate = Candidate(calls, answers)
    try:
        candidate.value()
    except Exception as error:
        return ["failed", reason_of(error)]
    namespace: dict[str, Any] = {"__name__": "check"}
    try:
        exec(compile(job["given"], "<given>", "exec"), namespace)
        # A check may call the function by its own name, too.
        namespace[job["entry"]] = candidate
        exec(compile(job["check"], "<check>", "exec"), namespace)
        check = namespace["check"]
    except BaseException as error:
        return ["broken", f"it raises {type_name(error)} before it is called"]
    try:
        check(candidate)
    except BrokenCheckError as error:
        return ["broken", str(error)]
    except BaseException as error:
        return ["failed", reason_of(error)]
    return ["passed", ""]


def named_error(name: Any) -> Exception:
    """The built-in error of a name, for checks that expect one; any other as a `ProgramError`."""
    kind = getattr(builtins, name, None) if isinstance(name, str) else None
    if isinstance(kind, type) and issubclass(kind, Exception) and not issubclass(kind, StopIteration):
        with contextlib.suppress(TypeError):  # some want more than a sentence
            return kind("the program raised it")
    return ProgramError(str(name))


def reason_of(error: BaseException) -> str:
    """Why a program fails, in a few words."""
    if isinstance(error, ProgramError):
        return str(error)[:_LONGEST_REASON]
    return "wrong value" if isinstance(error, AssertionError) else type_name(error)


if __name__ == "__main__":
    main()

"""Tries, before the first program runs, whether this system really keeps a program from what it must not do."""

from __future__ import annotations

import os
import secrets
import sys
import tempfile
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path

from harness.core.errors import SuiteError
from harness.evaluations.programs.locked_down import NotEnforcedError
from harness.evaluations.programs.program_runner import (
    MEBIBYTE,
    PROCESSOR_TIME,
    WALL_TIME,
    ProgramCheck,
    ProgramLimits,
    ProgramOutcome,
    run_check,
)

FLAG = "--allow-generated-code"

_AT_ONCE = 4
_LIMITS = ProgramLimits(seconds=2, memory=256)
_CHECK = "def check(candidate):\n    assert candidate(6) == 42\n"
_PASSED = ProgramOutcome("passed", "")
_PLAIN = "def probe(x):\n    return 7 * x\n"
_ATTEMPT = """
def attempts():
{body}

def probe(x):
    reached = []
    for attempt in attempts():
        try:
            attempt()
        except (OSError, MemoryError, RuntimeError, ImportError):
            continue
        reached.append(attempt)
    return x if reached else 7 * x
"""
"""A probe gives the right value only if every one of its attempts failed, so that it can also tell a wrong refusal."""


def probes(decoy: Path) -> dict[str, str]:
    """Guarantee → a program that gives the right value only where the guarantee holds.

    Args:
        decoy: a file that the user can read.
    """
    fresh = [str(Path(folder) / secrets.token_hex(16)) for folder in (tempfile.gettempdir(), Path.home(), decoy.parent)]
    readable = [str(decoy), "/etc/passwd", "/proc/self/environ", str(Path(__file__))]
    bodies = {
        "no network": [
            "import socket",
            "for family in (socket.AF_INET, socket.AF_INET6, socket.AF_UNIX):",
            "    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):",
            "        yield lambda: socket.socket(family, kind)",
        ],
        "no reading of files": [
            f"for path in {readable!r}:",
            "    yield lambda: open(path, 'rb').read(1)",
            "import os",
            f"for folder in {[str(Path.home()), '/', '/proc', str(decoy.parent)]!r}:",
            "    yield lambda: os.listdir(folder)",
        ],
        "no writing of files": [
            "import os",
            f"for path in {fresh!r}:",
            "    yield lambda: open(path, 'w').close()",
            "    yield lambda: os.mkdir(path)",
            f"yield lambda: os.truncate({str(decoy)!r}, 0)",
            f"yield lambda: os.open({str(decoy)!r}, os.O_RDONLY | os.O_TRUNC)",
            f"yield lambda: os.unlink({str(decoy)!r})",
        ],
        "no new processes": [
            "import os, threading",
            "yield os.fork",
            f"yield lambda: os.posix_spawn({sys.executable!r}, [{sys.executable!r}, '-c', ''], {{}})",
            f"yield lambda: os.execv({sys.executable!r}, [{sys.executable!r}, '-c', ''])",
            "yield threading.Thread(target=print).start",
        ],
        "no signals to other processes": [
            "import os",
            f"yield lambda: os.kill({os.getpid()}, 0)",
        ],
        "a limit on memory": [f"yield lambda: bytearray({_LIMITS.memory * MEBIBYTE})"],
        "no inherited files": [
            "import os",
            "def count():",
            "    kept = []",
            "    for number in range(3, 64):",
            "        try:",
            "            kept.append(os.fstat(number))",
            "        except OSError:",
            "            pass",
            "    if len(kept) <= 2:",
            "        raise OSError('only the two pipes')",
            "yield count",
        ],
        "an empty environment": [
            "import os",
            "def count():",
            "    # Python itself sets LC_CTYPE where no locale is named.",
            "    if set(os.environ) <= {'LC_CTYPE'}:",
            "        raise OSError('nothing there')",
            "yield count",
        ],
    }
    return {name: _ATTEMPT.format(body="\n".join(f"    {line}" for line in body)) for name, body in bodies.items()}


_WITHOUT_END = {
    "a limit on processor time": ("while True: pass", PROCESSOR_TIME, ProgramLimits(1, 256, patience=60)),
    "a limit on wall time": ("import time; time.sleep(3600)", WALL_TIME, ProgramLimits(1, 256, patience=2)),
}
_FORGERIES = {
    "exits that do not count as passing": "import os\ndef probe(x):\n    os._exit(0)\n",
    "values that do not claim to equal others": (
        "class Equal(int):\n    def __eq__(self, other):\n        return True\ndef probe(x):\n    return Equal(1)\n"
    ),
}


def not_enforced() -> Mapping[str, str]:
    """Guarantee → how it fails on this system; empty where all of them hold."""
    with tempfile.TemporaryDirectory() as folder:
        decoy = Path(folder) / "decoy"
        decoy.write_text("kept")
        try:
            plain = _outcome(_PLAIN)
            if plain != _PASSED:
                return {"running a plain program": plain.reason}
            with ThreadPoolExecutor(_AT_ONCE) as pool:
                tries = {name: pool.submit(_outcome, source) for name, source in probes(decoy).items()}
                endless = {
                    name: (pool.submit(_outcome, f"def probe(x):\n    {body}\n", limits), reason)
                    for name, (body, reason, limits) in _WITHOUT_END.items()
                }
                forged = {name: pool.submit(_outcome, source) for name, source in _FORGERIES.items()}
            broken = [name for name, tried in tries.items() if tried.result() != _PASSED]
            broken += [name for name, (tried, reason) in endless.items() if tried.result().reason != reason]
            broken += [name for name, tried in forged.items() if tried.result().state != "failed"]
        except NotEnforcedError as error:
            return {str(error): "the system refuses it"}
        return dict.fromkeys(broken, "a probe got through")


def require_guarantees() -> None:
    """Refuses to run programs where this system does not enforce every guarantee; tried once in a process.

    Raises:
        SuiteError: naming what is not enforced.
    """
    broken = _tried()
    if broken:
        listing = "; ".join(f"{name}: {how}" for name, how in broken.items())
        raise SuiteError(
            f"this system cannot lock generated programs down, so none ran. Not enforced: {listing}.",
            hint=f"run without {FLAG}, which only parses them; or use Linux 5.13 or later with Landlock and seccomp.",
        )


@cache
def _tried() -> Mapping[str, str]:
    if sys.platform != "linux":
        return {"system calls and files": f"it needs Linux, this is {sys.platform}"}
    return not_enforced()


def _outcome(program: str, limits: ProgramLimits = _LIMITS) -> ProgramOutcome:
    return run_check(ProgramCheck(program, "probe", "", _CHECK), limits)

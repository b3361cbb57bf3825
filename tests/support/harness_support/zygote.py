"""The command line in forked children of a process that has imported everything: attacks by the hundred, each apart.

Run as a program, it reads one JSON object a line (`args`, `cwd`, `env`, `seconds`, `limits`, `kill_after`), runs
`harness ARGS` in a child of its own, and answers with one JSON object a line.
"""

from __future__ import annotations

import json
import os
import resource
import select
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

DOCUMENTED = frozenset({0, 1, 2, 10, 11, 12, 13, 130, 143})
"""Exit codes that docs/cli.md names, but 70: an internal error."""
_LIMITS = {"file": resource.RLIMIT_FSIZE, "files": resource.RLIMIT_NOFILE, "memory": resource.RLIMIT_AS}


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a command ended.

    Attributes:
        code: exit code; minus the signal's number where one ended it; None where it had to be killed for its time.
        seconds: of wall clock.
        memory: highest resident set, MB.
    """

    code: int | None
    out: str
    err: str
    seconds: float
    memory: float

    def fault(self, *, memory: float = 1500.0) -> str | None:
        """What is wrong with the way in which it ended, whatever the input was."""
        if self.code is None:
            return f"hangs ({self.seconds:.0f} s)"
        if self.code not in DOCUMENTED:
            return f"exit {self.code}"
        if "Traceback" in self.err:
            return "traceback"
        if "\x1b" in self.out + self.err:
            return "raw escape"
        if self.code not in {0, 1, 10, 11} and not self.err.strip():
            return "no sentence"
        return f"{self.memory:.0f} MB" if self.memory > memory else None


class Zygote:
    """Starts the program below once, and runs commands in children of it."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, __file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"},
        )

    def run(
        self,
        args: Sequence[str | Path],
        cwd: Path,
        *,
        env: Mapping[str, str] | None = None,
        seconds: float = 60.0,
        limits: Mapping[str, int] | None = None,
        kill_after: float | None = None,
    ) -> Outcome:
        """Runs `harness ARGS`.

        Args:
            limits: `file` (bytes of a file), `files` (open at a time), `memory` (bytes of address space).
            kill_after: seconds until SIGKILL.
        """
        order = {
            "args": [str(arg) for arg in args],
            "cwd": str(cwd),
            "env": dict(env or {}),
            "seconds": seconds,
            "limits": dict(limits or {}),
            "kill_after": kill_after,
        }
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        return Outcome(**json.loads(self._process.stdout.readline()))

    def close(self) -> None:
        self._process.communicate()


def _child(order: Mapping[str, Any], out: Any, err: Any) -> int:
    os.setsid()
    os.chdir(order["cwd"])
    os.environ.update(order["env"])
    os.dup2(out.fileno(), 1)
    os.dup2(err.fileno(), 2)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    sys.stdout = os.fdopen(1, "w", closefd=False)
    sys.stderr = os.fdopen(2, "w", closefd=False, errors="backslashreplace")
    for name, most in order["limits"].items():
        resource.setrlimit(_LIMITS[name], (most, most))
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    sys.argv = ["harness", *order["args"]]
    from harness.cli.app import invoke

    code = invoke(list(order["args"]))
    sys.stdout.flush()
    sys.stderr.flush()
    return code


def _run(order: Mapping[str, Any]) -> dict[str, Any]:
    started = time.monotonic()
    with tempfile.TemporaryFile("w+b") as out, tempfile.TemporaryFile("w+b") as err:
        child = os.fork()
        if child == 0:
            code = 99
            try:
                code = _child(order, out, err)
            except SystemExit as leaving:
                code = leaving.code if isinstance(leaving.code, int) else 98
            except BaseException as error:
                os.write(2, f"Traceback: {type(error).__name__}: {error}".encode("utf-8", "replace"))
            finally:
                os._exit(code)
        limit = order["kill_after"] or order["seconds"]
        waiting = os.pidfd_open(child)
        ended = bool(select.select([waiting], [], [], limit)[0])
        os.close(waiting)
        if not ended:
            os.killpg(child, signal.SIGKILL) if os.getpgid(child) == child else os.kill(child, signal.SIGKILL)
        _, status, used = os.wait4(child, 0)
        texts = []
        for stream in (out, err):
            stream.seek(0)
            texts.append(stream.read().decode("utf-8", "replace"))
    killed = not ended and order["kill_after"] is None
    return {
        "code": None if killed else os.waitstatus_to_exitcode(status),
        "out": texts[0],
        "err": texts[1],
        "seconds": time.monotonic() - started,
        "memory": used.ru_maxrss / 1024,
    }


def main() -> None:
    """Reads orders until the input ends."""
    import gc

    import pandas  # noqa: F401
    import peft  # noqa: F401
    import pyarrow.parquet  # noqa: F401
    import scipy.stats  # noqa: F401
    import torch
    import transformers  # noqa: F401
    from transformers import AutoModelForCausalLM, AutoModelForMaskedLM, AutoTokenizer  # noqa: F401

    import harness.cli.app
    import harness.models.local.transformers_backend
    import harness.pipeline.run_suite
    import harness.report.formats.html_page  # noqa: F401

    torch.set_num_threads(1)
    gc.collect()
    gc.freeze()
    for line in sys.stdin:
        sys.stdout.write(json.dumps(_run(json.loads(line))) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()

"""A real terminal: what files hold never drives it, and Ctrl-C typed there stops a run."""

from __future__ import annotations

import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
from harness_support.tiny_world import write_world

pytestmark = pytest.mark.slow

PLANTED = "\x1b]0;owned\x07\x1b[2J\x1b[31mred\x9b32m\x08\x08\rover\u202edlo\x00"
DRIVES = re.compile(r"\x1b\]|\x1b\[2J|\x1b\[31mred|\x9b|\x07|\u202e|\x00")


def on_a_terminal(
    arguments: Sequence[str | Path], folder: Path, *, typed: Mapping[str, bytes] | None = None, seconds: float = 120
) -> tuple[int, str]:
    """Exit code and everything that a command writes on a pseudo-terminal of 80 columns.

    Args:
        typed: what is typed when a text has come, once.
    """
    ours, theirs = pty.openpty()
    start = "import sys; from harness.cli import main; sys.argv[0] = 'harness'; main()"
    environment = {**os.environ, "TERM": "xterm-256color", "COLUMNS": "80", "OMP_NUM_THREADS": "1"}
    environment["HARNESS_CACHE_DIR"] = str(folder / "cache")
    process = subprocess.Popen(
        [sys.executable, "-c", start, *map(str, arguments)],
        cwd=folder, env=environment, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True,
        preexec_fn=lambda: (os.login_tty(0), signal.signal(signal.SIGINT, signal.default_int_handler)),
    )  # fmt: skip
    os.close(theirs)
    waiting = dict(typed or {})
    content = b""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if not select.select([ours], [], [], 0.5)[0]:
            if process.poll() is not None:
                break
            continue
        try:
            content += os.read(ours, 65536)
        except OSError:  # Linux's end of a terminal
            break
        for text in [text for text in waiting if text.encode() in content]:
            os.write(ours, waiting.pop(text))
    os.close(ours)
    if process.poll() is None and time.monotonic() >= deadline:
        process.kill()
    return process.wait(timeout=30), content.decode("utf-8", "surrogateescape")


COMMANDS = (
    ("validate", "planted.yaml"),
    ("plan", "planted.yaml"),
    ("run", "planted.yaml"),
    ("data", "audit", "planted.csv"),
    ("init", "planted.csv", "--yes", "--out", "made.yaml"),
    ("gate", PLANTED.replace("\x00", "")),
    ("explain", "planted.csv"),
    (PLANTED.replace("\x00", ""),),
    ("import", "lm-eval", "planted.json", "planted.json"),
)


@pytest.mark.parametrize("arguments", COMMANDS, ids=lambda arguments: arguments[0][:8].strip("\x1b]"))
def test_planted_sequences_do_not_reach_the_terminal(arguments: tuple[str, ...], tmp_path: Path) -> None:
    quoted = PLANTED.replace("\x00", "").replace("\r", "")
    rows = "".join(f'"{quoted} text {number}",{quoted}{number % 2}\n' for number in range(40))
    (tmp_path / "planted.csv").write_text(f"text,{quoted}label\n{rows}", "utf-8")
    (tmp_path / "planted.json").write_text(f'{{"{quoted}": "{quoted}"}}', "utf-8")
    (tmp_path / "planted.yaml").write_text(
        f'name: "{quoted.encode("unicode_escape").decode()}"\ndata: {{d: {{file: planted.csv}}}}\n'
        f'"{quoted.encode("unicode_escape").decode()}": 1\n',
        "utf-8",
    )
    code, shown = on_a_terminal(arguments, tmp_path)
    assert code in {0, 1, 2, 10, 11, 12}, shown[-500:]
    assert DRIVES.search(shown) is None, repr(shown[-1500:])


def test_a_control_c_that_is_typed_stops_a_run(tmp_path: Path) -> None:
    write_world(tmp_path)
    code, shown = on_a_terminal(("run", "tiny.yaml"), tmp_path, typed={"pretraining": b"\x03"})
    assert code == 130, shown[-800:]
    assert "interrupted. Finished work is kept" in shown
    assert "Traceback" not in shown

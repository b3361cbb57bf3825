"""Signals that arrive while modules are imported."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

SLOW_MODULE = """
import os, time
os.kill(os.getpid(), {number})
time.sleep(0.2)
finished = True
"""
PROGRAM = """
import sys, time
from harness.cli.stop_signals import Terminated, stoppable
sys.path.insert(0, {folder!r})
try:
    with stoppable():
        import slow_module
        assert slow_module.finished
        time.sleep(20)
except KeyboardInterrupt as stop:
    print(type(stop).__name__, sys.modules["slow_module"].finished)
"""


@pytest.mark.parametrize(("number", "name"), [(signal.SIGTERM, "Terminated"), (signal.SIGINT, "KeyboardInterrupt")])
def test_a_signal_waits_for_the_end_of_an_import(number: signal.Signals, name: str, tmp_path: Path) -> None:
    (tmp_path / "slow_module.py").write_text(SLOW_MODULE.format(number=int(number)), "utf-8")
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(folder=str(tmp_path))], capture_output=True, text=True, timeout=60,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )  # fmt: skip
    assert done.stdout.split() == [name, "True"], done.stderr


def test_a_signal_in_a_finalizer_is_not_lost() -> None:
    """Python prints an exception that arises in `__del__` and goes on: the command would not stop."""
    program = """
import os, signal, time
from harness.cli.stop_signals import stoppable
class Held:
    def __del__(self):
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(0.2)
        print("finished")
try:
    with stoppable():
        held = Held()
        del held
        time.sleep(20)
except KeyboardInterrupt:
    print("stopped")
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )  # fmt: skip
    assert done.stdout.split() == ["finished", "stopped"], done.stderr
    assert "Exception ignored" not in done.stderr


def test_an_ignored_interrupt_stays_ignored() -> None:
    program = (
        "import os, signal\nfrom harness.cli.stop_signals import stoppable\n"
        "with stoppable():\n    os.kill(os.getpid(), signal.SIGINT)\nprint('went on')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN),
    )  # fmt: skip
    assert done.stdout.split() == ["went", "on"], done.stderr

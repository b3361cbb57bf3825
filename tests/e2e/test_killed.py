"""SIGKILL at any stage, then the same command again: the same results as an undisturbed run."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
from harness_support.tiny_world import Shell, write_world

Finished = tuple[Shell, dict[str, Any]]


def kill_after(shell: Shell, seconds: float) -> bool:
    """Starts the run and kills it; False when it had already ended."""
    process = subprocess.Popen(
        shell.command("run", "tiny.yaml", "--json"),
        cwd=shell.folder,
        env=shell.environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        process.wait(timeout=seconds)
    except subprocess.TimeoutExpired:
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        return True
    return False


@pytest.mark.slow
def test_killed_again_and_again_it_ends_with_the_same_results(finished: Finished, tmp_path: Path) -> None:
    _, undisturbed = finished
    folder = tmp_path / "world"
    folder.mkdir()
    write_world(folder)
    shell = Shell(folder, tmp_path / "cache")
    kills = sum(kill_after(shell, seconds) for seconds in (3.0, 5.0, 6.5, 8.0, 9.0, 10.0, 12.0))
    assert kills >= 3
    last = shell.run("tiny.yaml")
    assert (last["folder"] / "results.json").read_bytes() == (undisturbed["folder"] / "results.json").read_bytes()
    leftovers = [path for path in folder.rglob(".*") if path.name not in {".lock", ".index.json"}]
    assert leftovers == []


@pytest.mark.parametrize(
    ("sent", "code", "word"), [(signal.SIGINT, 130, "interrupted"), (signal.SIGTERM, 143, "terminated")]
)
def test_a_stopped_run_says_that_it_goes_on(shell: Shell, sent: signal.Signals, code: int, word: str) -> None:
    process = subprocess.Popen(
        shell.command("run", "tiny.yaml", "--json"),
        cwd=shell.folder,
        env=shell.environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # A shell may have started this process with Ctrl-C ignored, which children inherit.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and not list(shell.folder.glob("reports/tiny/*/run.json")):
        time.sleep(0.1)
    time.sleep(1.0)
    process.send_signal(sent)
    out, err = process.communicate(timeout=60)
    assert process.returncode == code, err
    assert out == ""
    assert f"{word}. Finished work is kept; rerun the command to resume." in err
    assert "Traceback" not in err
    info = next(iter(shell.folder.glob("reports/tiny/*/run.json")))
    assert json.loads(info.read_text())["state"] == "interrupted"


def test_two_runs_at_the_same_time_share_the_work(world: Path, shell: Shell) -> None:
    arguments = ("run", "tiny.yaml", "--only", "classical,notes", "--json")
    processes = [
        subprocess.Popen(
            shell.command(*arguments),
            cwd=shell.folder,
            env=shell.environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    found = []
    for process in processes:
        out, err = process.communicate(timeout=120)
        assert out, err
        found.append(json.loads(out))
    assert found[0]["run_dir"] != found[1]["run_dir"]
    contents = [(shell.folder / value["run_dir"] / "results.json").read_bytes() for value in found]
    assert contents[0] == contents[1]

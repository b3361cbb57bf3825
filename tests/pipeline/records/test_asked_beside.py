"""A second process asks the last models, and a run is the same with it, without it, and when it dies."""

from __future__ import annotations

import os
import signal
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from harness_support import model_zoo

from harness.core.reporter import Silent
from harness.pipeline.records import asked_beside
from harness.pipeline.records.record_cache import RecordCache
from harness.pipeline.run_context import Settings
from harness.pipeline.run_suite import Finished, run_suite
from harness.storage.store import Store
from harness.suite.load_suite import load_suite

pytestmark = pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="Linux alone")

SUITE = """\
name: two
data:
  notes: {file: notes.csv, splits: {train: 0.5, test: 0.5}}
models:
  first: {load: first}
  other: {load: other}
  common: {heuristic: {task: notes, rule: majority}}
compare: {baseline: first}
tasks:
  notes: {classification: {data: notes, metrics: [accuracy]}}
"""


@pytest.fixture
def suite(tmp_path: Path) -> Path:
    model_zoo.classifier("bert", tmp_path / "first", ("good", "bad"))
    model_zoo.classifier("bert", tmp_path / "other", ("good", "bad"), seed=1)
    rows = [f"a {word} day number {k},{label}" for k in range(9) for label, word in (("good", "warm"), ("bad", "cold"))]
    (tmp_path / "notes.csv").write_text("text,label\n" + "\n".join(rows) + "\n", "utf-8")
    (tmp_path / "suite.yaml").write_text(SUITE, "utf-8")
    return tmp_path / "suite.yaml"


@pytest.fixture
def one_thread(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.setattr(os, "sched_getaffinity", lambda _process: {0, 1})
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def run(suite: Path, tmp_path: Path) -> Callable[[str], tuple[Finished, bytes]]:
    def carried_out(name: str, *, beside: bool = True) -> tuple[Finished, bytes]:
        settings = Settings(tmp_path / name, device="cpu", side_process=beside)
        done = run_suite(load_suite(str(suite)), Store(tmp_path / f"{name}-store"), Silent(), settings)
        return done, (done.run.path / "results.json").read_bytes()

    return carried_out


def _watched(monkeypatch: pytest.MonkeyPatch, log: Path, act: Callable[[RecordCache], None]) -> None:
    """Notes who asks which model; `act` is what the other process does in it; this one waits until it began."""
    here, ask = os.getpid(), RecordCache._ask

    def noted(self: RecordCache, bound: Any, checkpoint: Any, *rest: Any) -> Any:
        with log.open("a") as lines:
            lines.write(f"{checkpoint.model} {'here' if os.getpid() == here else 'there'}\n")
        if os.getpid() != here:
            act(self)
        elif checkpoint.model == "first":
            ends = time.monotonic() + 30
            while "there" not in log.read_text() and time.monotonic() < ends:
                time.sleep(0.01)
        return ask(self, bound, checkpoint, *rest)

    monkeypatch.setattr(RecordCache, "_ask", noted)


@pytest.mark.usefixtures("one_thread")
def test_the_last_model_is_asked_elsewhere_and_the_run_is_the_same(
    run: Callable[..., tuple[Finished, bytes]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    alone, expected = run("alone", beside=False)
    _watched(monkeypatch, tmp_path / "log", lambda cache: cache.reporter.warn("something is odd"))
    done, results = run("beside")
    assert set((tmp_path / "log").read_text().splitlines()) == {
        "first here",
        "other there",
        "common here",
        "prior-notes here",
    }
    assert results == expected
    assert [step.cached for step in done.info.steps] == [step.cached for step in alone.info.steps]
    assert done.info.warnings == sorted([*alone.info.warnings, "something is odd"])


@pytest.mark.usefixtures("one_thread")
def test_what_the_other_process_leaves_is_asked_here(
    run: Callable[..., tuple[Finished, bytes]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, expected = run("alone", beside=False)
    _watched(monkeypatch, tmp_path / "log", lambda _cache: os.kill(os.getpid(), signal.SIGKILL))
    _, results = run("beside")
    assert (tmp_path / "log").read_text().splitlines().count("other here") == 1
    assert results == expected


@pytest.mark.usefixtures("one_thread")
def test_a_process_that_is_stuck_is_ended(
    run: Callable[..., tuple[Finished, bytes]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asked_beside, "_PATIENCE", 1)
    _watched(monkeypatch, tmp_path / "log", lambda _cache: time.sleep(60))
    run("beside")
    assert (tmp_path / "log").read_text().splitlines().count("other here") == 1


def test_several_threads_have_the_cores_to_themselves(
    run: Callable[..., tuple[Finished, bytes]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse() -> int:
        raise AssertionError("a process is forked")

    monkeypatch.setattr(os, "fork", refuse)
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    run("threads")
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.setattr(os, "sched_getaffinity", lambda _process: {0})
    run("core")
    monkeypatch.setattr(os, "sched_getaffinity", lambda _process: {0, 1})
    run("core")  # all of it is known


def test_the_other_process_ends_with_this_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asked_beside, "_import_once", lambda: None)
    reads, writes = os.pipe()

    def answer(*_: Any) -> None:
        os.write(writes, f"{os.getpid()}\n".encode())
        time.sleep(60)

    cache: Any = SimpleNamespace(answer=answer, reporter=Silent(), expect=lambda _questions: None)
    question: Any = (None, None)
    run = os.fork()
    if not run:
        with tempfile.TemporaryFile() as said, asked_beside._forked(cache, [question], said):
            time.sleep(60)
        os._exit(1)
    other = int(os.read(reads, 20))
    os.kill(run, signal.SIGKILL)
    os.waitpid(run, 0)
    ends = time.monotonic() + 20
    while _is_running(other):
        assert time.monotonic() < ends, "the other process goes on"
        time.sleep(0.01)


def _is_running(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False

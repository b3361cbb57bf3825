import os
import subprocess
import sys
from pathlib import Path

import pytest

from harness.cli import idle_cores

linux = pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="only Linux says what runs")


@pytest.fixture
def system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Four cores, of which this process uses one, and no limit."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: {0, 1, 2, 3}, raising=False)
    monkeypatch.setattr(idle_cores, "_LOAD", tmp_path / "loadavg")
    monkeypatch.setattr(idle_cores, "_GROUPS", tmp_path)
    monkeypatch.setattr(idle_cores, "_OWN_GROUPS", tmp_path / "own")
    (tmp_path / "loadavg").write_text("0.10 0.20 0.30 1/100 4711\n")
    return tmp_path


@pytest.mark.parametrize(
    ("running", "threads", "fits"),
    [(1, None, True), (1, 4, True), (1, 5, False), (2, None, False), (2, 3, True), (3, 3, False), (90, 1, False)],
)
def test_each_thread_needs_a_core_that_nobody_uses(system: Path, running: int, threads: int | None, fits: bool) -> None:
    (system / "loadavg").write_text(f"9.10 0.20 0.30 {running}/100 4711\n")
    assert idle_cores.enough(threads) == fits


@pytest.mark.parametrize(("limit", "fits"), [("max 100000", True), ("400000 100000", True), ("150000 100000", False)])
def test_a_control_group_grants_some_cores(system: Path, limit: str, fits: bool) -> None:
    (system / "cpu.max").write_text(f"{limit}\n")
    assert idle_cores.enough(None) == fits


@pytest.mark.parametrize(("quota", "fits"), [("-1", True), ("400000", True), ("150000", False)])
def test_so_do_those_of_version_1(system: Path, quota: str, fits: bool) -> None:
    (system / "cpu").mkdir()
    (system / "cpu/cpu.cfs_quota_us").write_text(f"{quota}\n")
    (system / "cpu/cpu.cfs_period_us").write_text("100000\n")
    assert idle_cores.enough(None) == fits


@pytest.mark.parametrize(
    ("own", "folder"),
    [
        ("0::/runners/one\n", "runners"),
        ("0::/runners/one\n", "runners/one"),
        ("9:memory:/elsewhere\n3:cpu,cpuacct:/runners/one\n", "cpu/runners/one"),
        ("3:cpu,cpuacct:/runners/one\n", "cpu/runners"),
    ],
)
def test_so_does_a_group_further_down_or_one_above_it(system: Path, own: str, folder: str) -> None:
    (system / "own").write_text(own)
    assert idle_cores.enough(None)
    (system / folder).mkdir(parents=True)
    if "cpu" in folder:
        (system / folder / "cpu.cfs_quota_us").write_text("150000\n")
        (system / folder / "cpu.cfs_period_us").write_text("100000\n")
    else:
        (system / folder / "cpu.max").write_text("150000 100000\n")
    assert not idle_cores.enough(None)


@pytest.mark.parametrize("limit", ["", "400000", "400000 0", "many 100000"])
def test_a_limit_that_cannot_be_read_is_not_taken_for_none(system: Path, limit: str) -> None:
    (system / "cpu.max").write_text(limit)
    assert not idle_cores.enough(None)


@pytest.mark.parametrize("text", ["", "0.10 0.20 0.30", "0.1 0.2 0.3 some/100 1", "0.00 0.00 0.00 0/0 0"])
def test_what_cannot_be_read_is_not_taken_for_idle(system: Path, text: str) -> None:
    (system / "loadavg").write_text(text)
    assert not idle_cores.enough(None)
    (system / "loadavg").unlink()
    assert not idle_cores.enough(None)


def test_a_system_that_refuses_to_say_is_not_taken_for_idle(system: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(process: int) -> set[int]:
        raise PermissionError(process)

    monkeypatch.setattr(os, "sched_getaffinity", refuse)
    assert not idle_cores.enough(1)


@linux
def test_a_busy_process_is_seen() -> None:
    forever = [sys.executable, "-c", "print(flush=True)\nwhile True: pass"]
    with subprocess.Popen(forever, stdout=subprocess.PIPE) as busy:
        assert busy.stdout is not None
        busy.stdout.readline()
        try:
            assert not idle_cores.enough(None)
        finally:
            busy.kill()


@linux
def test_two_commands_that_start_together_see_each_other(tmp_path: Path) -> None:
    start = tmp_path / "start"
    code = f"""
from pathlib import Path
from harness.cli import idle_cores
print(flush=True)
while not Path({str(start)!r}).exists():
    pass
print(idle_cores.enough(None))
"""
    both = [subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) for _ in range(2)]
    for one in both:
        assert one.stdout is not None
        one.stdout.readline()
    start.touch()
    found = [one.communicate()[0].strip() for one in both]
    assert set(found) <= {"True", "False"}
    assert "False" in found, "not both"

import json
import subprocess
import sys

import pytest

from harness.cli import idle_cores
from harness.cli.process_settings import ENVIRONMENT, ProcessSettings


def test_defaults_are_set_and_wishes_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*ENVIRONMENT, "HARNESS_FAST_PATHS", "HARNESS_ONEDNN", "HF_HUB_OFFLINE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    monkeypatch.setenv("OMP_WAIT_POLICY", "ACTIVE")
    settings = ProcessSettings.apply()
    assert (settings.threads, settings.fast_paths, settings.onednn) == (3, "on", "auto")
    assert (settings.offline, settings.hub_kernels) == (False, False)
    monkeypatch.setenv("HARNESS_FAST_PATHS", "0")
    monkeypatch.setenv("HARNESS_ONEDNN", "1")
    settings = ProcessSettings.apply()
    assert (settings.fast_paths, settings.onednn) == ("off", "off")
    assert any("fast paths: off" in line for line in settings.lines())


def test_the_settings_are_known_without_torch() -> None:
    code = (
        "import sys, json; from dataclasses import asdict; from harness.cli.process_settings import ProcessSettings; "
        "settings = ProcessSettings.apply(); print(json.dumps([asdict(settings), 'torch' in sys.modules]))"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    settings, loaded = json.loads(answer.stdout)
    assert set(settings) >= {"threads", "keeps_freed_memory", "onednn", "fast_paths", "offline"}
    assert not loaded


def test_cycles_are_looked_for_late_and_seldom_and_not_at_the_end() -> None:
    code = """
import atexit, gc
from harness.cli.process_settings import ProcessSettings

atexit.register(lambda: print(gc.get_freeze_count() > 1000))
ProcessSettings.apply()
ProcessSettings.apply()
print(gc.get_threshold()[0])
gc.collect()
print(gc.get_threshold()[0], len(gc.callbacks), gc.get_freeze_count())
"""
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout.split() == ["1000000", "100000", "0", "0", "True"]


def test_threads_spin_only_where_nothing_else_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT", "OMP_NUM_THREADS"):
        monkeypatch.setenv(name, "")  # so that what `apply` sets is taken back
        monkeypatch.delenv(name)
    monkeypatch.setattr(idle_cores, "enough", lambda threads: False)
    assert ProcessSettings.apply().waiting == "sleep"
    monkeypatch.setattr(idle_cores, "enough", lambda threads: True)
    assert ProcessSettings.apply().waiting == "sleep", "it was decided when the process began"
    monkeypatch.delenv("OMP_WAIT_POLICY")
    assert ProcessSettings.apply().waiting.startswith("spin 3000 turns")
    monkeypatch.delenv("GOMP_SPINCOUNT")
    monkeypatch.setenv("OMP_WAIT_POLICY", "active")
    assert ProcessSettings.apply().waiting == "spin", "what the user has set stays"
    monkeypatch.delenv("OMP_WAIT_POLICY")
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    assert ProcessSettings.apply().waiting == "sleep", "a single thread waits for nobody"

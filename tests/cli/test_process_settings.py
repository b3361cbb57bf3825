import json
import subprocess
import sys

import pytest

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

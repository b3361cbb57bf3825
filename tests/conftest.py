"""Which tests run where: quick and offline by default, all of them with HARNESS_TEST_ALL=1."""

from __future__ import annotations

import os

import pytest
from hypothesis import settings

HELD_BACK = ("slow", "network")

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
# What tests run must not write into the summary of the CI job that runs them.
for _name in ("GITHUB_ACTIONS", "GITHUB_STEP_SUMMARY", "GITHUB_OUTPUT", "GITHUB_RUN_ATTEMPT", "GITLAB_CI"):
    os.environ.pop(_name, None)
# Machines that run tests are shared and slow at times; a slow example is no failure.
settings.register_profile("harness", deadline=None)
settings.load_profile("harness")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if os.environ.get("HARNESS_TEST_ALL") == "1":
        return
    for item in items:
        for mark in HELD_BACK:
            if item.get_closest_marker(mark) is not None:
                item.add_marker(pytest.mark.skip(reason=f"marked {mark}: HARNESS_TEST_ALL=1 runs it"))


@pytest.fixture(autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test reads or writes the user's cache, unless HARNESS_TEST_CACHE names one to share."""
    shared = os.environ.get("HARNESS_TEST_CACHE")
    monkeypatch.setenv("HARNESS_CACHE_DIR", shared or str(tmp_path_factory.mktemp("cache")))

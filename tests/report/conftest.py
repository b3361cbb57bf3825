"""Run directories made once, and a browser where there is one."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from harness_support.report_runs import Options, build_run

from harness.report.formats.write_reports import write_reports
from harness.storage.run_dir import RunDir

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="session")
def plain(tmp_path_factory: pytest.TempPathFactory) -> RunDir:
    """A run of 2,400 items and six models, with its reports."""
    run = build_run(tmp_path_factory.mktemp("runs") / "plain")
    write_reports(run)
    return run


@pytest.fixture(scope="session")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> RunDir:
    """A run whose texts, labels and names are attacks, with its reports."""
    run = build_run(tmp_path_factory.mktemp("runs") / "hostile", Options(items=300, hostile=True, steps=40))
    write_reports(run)
    return run


@pytest.fixture(scope="session")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A headless Chromium with a fresh profile; tests are skipped where there is none, unless
    HARNESS_REQUIRE_BROWSER=1 says that there has to be one."""
    program = next(
        (found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))), None
    )
    why = None if program else "no Chromium is installed (Debian: apt-get install chromium)"
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        why = "the package playwright is not installed (the extra `browser`)"
    if why is not None:
        if os.environ.get("HARNESS_REQUIRE_BROWSER") == "1":
            pytest.fail(f"HARNESS_REQUIRE_BROWSER=1, but {why}")
        pytest.skip(why)
    profile = tmp_path_factory.mktemp("profile")
    with sync_playwright() as playwright:
        context = playwright.chromium.launch_persistent_context(
            str(profile), executable_path=program, args=FLAGS, headless=True
        )
        yield context
        context.close()


@pytest.fixture(scope="session")
def axe() -> Path:
    """The script of axe-core, named by HARNESS_AXE."""
    path = os.environ.get("HARNESS_AXE")
    if not path:
        pytest.skip("HARNESS_AXE does not name an axe.min.js (npm i axe-core)")
    return Path(path)

"""`harness demo`: a whole run of the bundled suite, small."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.cli.app import invoke
from harness.suite.load_suite import load_suite


def test_the_demo_fetches_nothing() -> None:
    suite = load_suite("demo")
    assert all("source" in ref.model_dump() for ref in suite.data.values())


@pytest.mark.slow
def test_the_demo_writes_a_report_and_says_where(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HARNESS_CACHE_DIR", str(tmp_path / "cache"))
    assert invoke(["demo", "--out", "runs", "--quiet"]) == 0
    (report,) = Path("runs").glob("demo/*/report.html")
    assert str(report) in capsys.readouterr().out.replace(f"{tmp_path}/", "")

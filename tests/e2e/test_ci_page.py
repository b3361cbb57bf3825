"""The jobs of docs/ci.md are valid, and their commands do what the page says, on a tiny stored run."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from harness_support.tiny_world import Shell
from ruamel.yaml import YAML

PAGE = (Path(__file__).parents[2] / "docs" / "ci.md").read_text("utf-8")
JOBS = [YAML(typ="safe").load(text) for text in re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)]

Finished = tuple[Shell, dict[str, Any]]


@pytest.fixture
def shell(finished: Finished, tmp_path: Path) -> Shell:
    """The tiny world once more, with the finished one's cache and a suite that fails a gate."""
    other, _ = finished
    for name in ("notes.csv", "prose.txt", "pairs.csv"):
        shutil.copy(other.folder / name, tmp_path / name)
    (tmp_path / "suites").mkdir()
    text = (other.folder / "tiny.yaml").read_text("utf-8")
    text = (
        text.replace("file: ", "file: ../").replace("min: 0.2,", "min: 0.99,").replace("name: tiny", "name: sentiment")
    )
    (tmp_path / "suites" / "sentiment.yaml").write_text(text, "utf-8")
    made = Shell(tmp_path, other.cache)
    assert made("lock", "suites/sentiment.yaml").returncode == 0
    return made


def commands(steps: list[str]) -> list[list[str]]:
    return [line.split()[1:] for step in steps for line in step.splitlines() if line.startswith("harness ")]


def test_the_github_workflow(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    steps = JOBS[0]["jobs"]["gates"]["steps"]
    assert all(("uses" in step) != ("run" in step) for step in steps)
    summary, outputs = shell.folder / "summary", shell.folder / "outputs"
    for name, value in (
        ("GITHUB_ACTIONS", "true"),
        ("GITHUB_WORKSPACE", str(shell.folder)),
        ("GITHUB_STEP_SUMMARY", str(summary)),
        ("GITHUB_OUTPUT", str(outputs)),
        ("GITHUB_RUN_ATTEMPT", "2"),
    ):
        monkeypatch.setenv(name, value)
    plan, run, explain = commands([step.get("run", "") for step in steps])
    assert shell(*plan).returncode == 0
    done = shell(*run)
    assert done.returncode == 10, done.stderr
    lines = [line for line in done.stdout.splitlines() if line.startswith("::")]
    text = (shell.folder / "suites" / "sentiment.yaml").read_text("utf-8").splitlines()
    line = next(number for number, content in enumerate(text, 1) if "id: floor" in content)
    assert len(lines) == 1
    assert lines[0].startswith(f"::error file=suites/sentiment.yaml,line={line},title=gate floor")
    written = summary.read_text("utf-8")
    assert written.startswith("## ❌ Fail: ")
    assert "ran 2 times on this commit" in written
    said = dict(entry.split("=", 1) for entry in outputs.read_text("utf-8").splitlines())
    assert (said["verdict"], said["exit_code"]) == ("fail", "10")
    assert (shell.folder / said["comment"]).read_text("utf-8").startswith("<!-- harness: sentiment -->")
    why = shell(*explain)
    assert why.returncode == 0
    assert "would pass with" in why.stdout
    quiet = shell("gate", "reports/sentiment", "--json", "--ci", "none")
    assert "::" not in quiet.stdout + quiet.stderr
    piped = shell("gate", "reports/sentiment", "--json")
    assert json.loads(piped.stdout)["exit_code"] == 10
    assert "::error" in piped.stderr


def test_the_gitlab_job(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    job = JOBS[1]["gates"]
    monkeypatch.setenv("GITLAB_CI", "true")
    monkeypatch.setenv("CI_PROJECT_DIR", str(shell.folder))
    run, _ = commands([*job["script"], *job["after_script"]])
    assert shell(*run).returncode == 10
    (junit,) = shell.folder.glob(job["artifacts"]["reports"]["junit"])
    case = ElementTree.parse(junit).getroot().find("testsuite/testcase[@name='floor']")
    assert case is not None
    assert case.get("file") == "suites/sentiment.yaml"
    failure = case.find("failure")
    assert failure is not None
    assert failure.get("type") == "gate.regression"
    (quality,) = shell.folder.glob(job["artifacts"]["reports"]["codequality"])
    (entry,) = json.loads(quality.read_text("utf-8"))
    assert entry["location"]["path"] == "suites/sentiment.yaml"
    plugin = shell.folder / "test_gates.py"
    plugin.write_text(
        "import pytest\n"
        "def test_floor(harness_gate):\n    harness_gate(run='reports/sentiment', gate='floor')\n"
        "@pytest.mark.harness_gate(run='reports/sentiment', gate='memory')\ndef test_memory():\n    pass\n"
        "def test_gone(harness_gate):\n    harness_gate(run='reports/sentiment', gate='flor')\n"
    )
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(plugin)],
        cwd=shell.folder,
        env=shell.environment(),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert "2 failed, 1 passed" in done.stdout
    assert "gate floor: fail: notes.accuracy of finetuned is not ≥ 99%" in done.stdout
    assert "Did you mean 'floor'?" in done.stdout

"""The package of docs/plugins.md adds one plug-in of each kind by `harness.ext` alone."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from harness_support.page_reader import whole_page
from harness_support.tiny_world import Shell

PAGE = Path(__file__).parents[2] / "docs" / "plugins.md"
FILES = dict(re.findall(r"^`([^`\n]+)`\n\n```\w+\n(.*?)^```$", PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL))
SUITE = FILES["outside.yaml"]


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """Builds and installs the package into a folder of its own; returns that folder."""
    source = tmp_path / "outsider-source"
    (source / "outsider").mkdir(parents=True)
    (source / "outsider" / "__init__.py").write_text("")
    for name, text in FILES.items():
        (source / name).write_text(text)
    target = tmp_path / "installed"
    subprocess.run(
        [sys.executable, "-m", "pip", "install", "-q", "--no-index", "--no-deps", "--no-build-isolation",
         "--target", str(target), str(source)],
        check=True,
        capture_output=True,
        timeout=120,
    )  # fmt: skip
    return target


def test_an_installed_package_extends_harness(outside: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(outside))
    (tmp_path / "outside.yaml").write_text(SUITE)
    shell = Shell(tmp_path, tmp_path / "cache")
    listed = shell("list", "tasks", "probes", "metrics", "models", "sources", "importers", "report_sections")
    for name in ("shouting", "echo", "loudness", "keywords", "counted", "diary", "longest"):
        assert name in listed.stdout, listed.stderr
    assert "(from outsider)" in listed.stdout
    run = shell.run("outside.yaml")
    assert run["verdict"] == "pass"
    assert {entry["id"] for entry in run["results"]["metrics"]} >= {"shouted.loudness", "echoed.loudness"}
    assert {entry["id"] for entry in run["results"]["comparisons"]} >= {"shouted.loudness", "echoed.loudness"}
    made = {model["name"]: model for model in run["results"]["models"]}["three"]
    assert (made["made_by"], made["training"]["goal"]) == ("keywords", "know a few words")
    assert made["label"] == "the 3 first words that tell labels apart"
    accuracy = {
        entry["model"]: entry["interval"]["value"]
        for entry in run["results"]["metrics"]
        if entry["id"] == "words.accuracy"
    }
    assert accuracy["three"] == 1.0
    page = whole_page((run["folder"] / "report.html").read_text("utf-8"))
    assert "Longest answers" in page
    assert "words, three" in page
    planned = shell("plan", "outside.yaml")
    assert "the 3 first words" in planned.stdout, planned.stderr
    exported = shell("export", run["folder"], "three", "copy")
    assert "other tools do not" in exported.stdout, exported.stderr


def test_its_importer_reads_logs(outside: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(outside))
    lines = [f"{number} and 1? | {number + 1} | " for number in range(20)]
    (tmp_path / "base.txt").write_text("\n".join(f"{line}{n % 3}" for n, line in enumerate(lines)), "utf-8")
    (tmp_path / "tuned.txt").write_text("\n".join(f"{line}{n + 1}" for n, line in enumerate(lines)), "utf-8")
    shell = Shell(tmp_path, tmp_path / "cache")
    assert "Diary: lines of question" in shell("import", "--help").stdout
    done = shell("import", "diary", "base.txt", "tuned.txt")
    assert done.returncode == 0, done.stderr
    assert "right is computed here, as exact_match_strict" in done.stderr
    (tmp_path / "tuned.txt").write_text("one | two", "utf-8")
    refused = shell("import", "diary", "base.txt", "tuned.txt")
    assert refused.returncode == 2
    assert "expected three parts, found 2" in refused.stderr


def test_each_example_is_short_and_imports_the_one_page() -> None:
    examples = {name: text for name, text in FILES.items() if name.startswith("outsider/")}
    assert len(examples) == 7
    for name, text in examples.items():
        assert sum(1 for line in text.splitlines() if line.strip()) < 60, name
        assert set(re.findall(r"from (harness[\w.]*) import|import (harness[\w.]*)", text)) <= {("harness.ext", "")}, (
            name
        )


def test_the_tests_of_the_page_pass(outside: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(outside))
    test = tmp_path / "outsider-source" / "test_outsider.py"
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(test)],
        capture_output=True,
        text=True,
        timeout=120,
        cwd=test.parent,
    )
    assert run.returncode == 0, run.stdout


def test_faults_of_an_outside_kind_stand_at_their_line(
    outside: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(outside))
    wrong = SUITE.replace("three: {keywords: {task: words}}", "three: {keywords: {task: wrods, words: 0}}")
    wrong = wrong.replace("two: {classical: {task: words, ngrams: 1}}", "two: {prompt: {from: three, task: words}}")
    (tmp_path / "outside.yaml").write_text(wrong)
    shell = Shell(tmp_path, tmp_path / "cache")
    refused = shell("validate", "outside.yaml")
    assert "outside.yaml:7:" in refused.stderr
    assert "greater than or equal to 1" in refused.stderr
    (tmp_path / "outside.yaml").write_text(wrong.replace("words: 0", "words: 1"))
    refused = shell("validate", "outside.yaml")
    assert "outside.yaml:6:" in refused.stderr
    assert "a list of words cannot be trained further" in refused.stderr
    assert "Did you mean 'words'?" in refused.stderr

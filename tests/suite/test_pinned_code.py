"""Suites that name metric code: parsed without reading it, held to its pin by reading, never loaded."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from harness.core.errors import SuiteError
from harness.suite.checks.metric_code_checks import allowed_code, metric_code
from harness.suite.load_suite import parse_suite
from harness.suite.override import override
from harness.suite.suite import Suite

SUITE = """\
name: s
data:
  d: {{file: d.csv}}
models:
  a: {{heuristic: {{task: t, rule: majority}}}}
  b: {{heuristic: {{task: t, rule: random}}}}
compare: {{baseline: a}}
tasks:
  t: {{classification: {{data: d, text: text, label: label, metrics: [accuracy{names}]}}}}
  u: {{classification: {{data: d, text: text, label: label, metrics: [accuracy]}}}}
gates:
  - {{id: floor, metric: "t.evaluate:mine", kind: absolute, min: 0.1}}
"""


@pytest.fixture
def module(tmp_path: Path) -> Path:
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "mine.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\n", "utf-8")
    return folder


def suite(folder: Path, *names: str) -> Suite:
    return parse_suite(SUITE.format(names="".join(f', "{name}"' for name in names)), folder / "s.yaml")


def pinned(folder: Path, name: str = "evaluate:./mine") -> str:
    with pytest.raises(SuiteError, match="without a pin") as error:
        metric_code(suite(folder, name))
    assert error.value.where is not None
    assert error.value.where.line == 9
    return re.findall(r'"(evaluate:[^"]+)"', error.value.hint or "")[0]  # type: ignore[no-any-return]  # of re


@pytest.mark.parametrize("name", ["evaluate:./mine", "evaluate:mine", f"evaluate:mine@{'0' * 40}", "evaluate:/x/mine"])
def test_any_name_of_earlier_versions_parses(tmp_path: Path, name: str) -> None:
    assert suite(tmp_path, name).tasks["t"].options.metrics == ["accuracy", name]


def test_a_pinned_module_is_read_and_not_loaded(module: Path, tmp_path: Path) -> None:
    (one,) = metric_code(suite(tmp_path, pinned(tmp_path)))
    assert (one.evaluation, one.metric) == ("t", "evaluate:mine")
    assert "not loaded: t.evaluate:mine, 1 file in" in one.sentence
    assert one.to_json() == {
        "evaluation": "t",
        "metric": "evaluate:mine",
        "path": str(module),
        "sha256": one.files.digest,
        "loaded": False,
    }
    assert metric_code(suite(tmp_path, pinned(tmp_path, f"evaluate:{module}")))[0].files.path == module
    assert not (tmp_path / "ran").exists()


def test_a_run_needs_leave_even_with_a_pin(module: Path, tmp_path: Path) -> None:
    name = pinned(tmp_path)
    assert set(allowed_code(suite(tmp_path, name), allowed=True)) == {name}
    with pytest.raises(SuiteError, match="metric code is not allowed; nothing ran") as error:
        allowed_code(suite(tmp_path, name), allowed=False)
    assert "--allow-metric-code" in (error.value.hint or "")
    assert error.value.exit_code == 2
    assert not (tmp_path / "ran").exists()


def test_what_is_not_asked_needs_no_leave(module: Path, tmp_path: Path) -> None:
    assert allowed_code(override(suite(tmp_path, "evaluate:./mine"), only=["u"]), allowed=False) == {}


def test_all_faults_are_told_at_once(module: Path, tmp_path: Path) -> None:
    name = pinned(tmp_path)
    (module / "more.py").write_text("", "utf-8")
    with pytest.raises(SuiteError) as error:
        metric_code(suite(tmp_path, name, "evaluate:./mine#x", "evaluate:./none", "evaluate:accuracy"))
    said = str(error.value)
    for part in ("changed since it was pinned", "without a pin", "cannot read", "no metric code is fetched"):
        assert part in said


def test_two_modules_of_one_name_are_refused(module: Path, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "mine").mkdir()
    (tmp_path / "other" / "mine" / "mine.py").write_text("", "utf-8")
    names = (pinned(tmp_path), pinned(tmp_path, "evaluate:./other/mine"))
    with pytest.raises(SuiteError, match="have the name 'evaluate:mine'"):
        metric_code(suite(tmp_path, *names))

from __future__ import annotations

from pathlib import Path

import pytest

from harness.core.errors import SuiteError
from harness.data import read_lm_eval_task

BASE = "test_split: test\noutput_type: multiple_choice\ndoc_to_text: q\ndoc_to_target: gold\n"


def test_includes_are_below_what_includes_them(tmp_path: Path) -> None:
    (tmp_path / "base.yaml").write_text(BASE + "doc_to_choice: [no, 'no']\ndescription: from the base\n")
    (tmp_path / "task.yaml").write_text("include: base.yaml\ntask: mine\ndescription: own\nmetadata: {version: 1}\n")
    found = read_lm_eval_task(tmp_path / "task.yaml")
    assert found["description"] == "own"
    # YAML 1.1, as lm-eval reads its files.
    assert found["doc_to_choice"] == [False, "no"]
    assert "metadata" not in found


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (BASE + "doc_to_choice: a\nprocess_results: !function utils.score\n", "Python code"),
        (BASE + "doc_to_choice: !!python/object/apply:os.system [echo]\n", "no YAML"),
        ("include: task.yaml\n", "deep"),
        ("include: nothing.yaml\n", "cannot be read"),
        ("include: [3]\n", "expected a file's name"),
        ("- a\n", "expected a mapping"),
        ("a: [\n", "no YAML"),
        (BASE, "doc_to_choice"),
        ("test_split: test\n", "doc_to_text"),
        ("output_type: loglikelihood_rolling\ndoc_to_target: a\n", "test_split"),
        ("\x00", "no YAML"),
    ],
)
def test_what_is_no_task_is_refused(text: str, told: str, tmp_path: Path) -> None:
    (tmp_path / "task.yaml").write_text(text)
    with pytest.raises(SuiteError, match=told):
        read_lm_eval_task(tmp_path / "task.yaml")


def test_a_huge_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "task.yaml").write_text("a: " + "x" * 1_000_001)
    with pytest.raises(SuiteError, match="at most"):
        read_lm_eval_task(tmp_path / "task.yaml")

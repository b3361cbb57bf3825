from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from harness.core.errors import SuiteError
from harness.evaluations.lm_eval.task_file import read_task

BASE = "test_split: test\noutput_type: multiple_choice\ndoc_to_text: q\ndoc_to_target: gold\n"


def test_includes_are_below_what_includes_them(tmp_path: Path) -> None:
    (tmp_path / "base.yaml").write_text(BASE + "doc_to_choice: [no, 'no']\ndescription: from the base\n")
    (tmp_path / "task.yaml").write_text("include: base.yaml\ntask: mine\ndescription: own\nmetadata: {version: 1}\n")
    found = read_task(tmp_path / "task.yaml")
    assert found["description"] == "own"
    # YAML 1.1, as lm-eval reads its files.
    assert found["doc_to_choice"] == [False, "no"]
    assert "metadata" not in found


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (BASE + "doc_to_choice: a\nprocess_results: !function utils.score\n", "Python code"),
        (BASE + "doc_to_choice: !!python/object/apply:os.system [echo]\n", "not valid YAML"),
        ("include: task.yaml\n", "deep"),
        ("include: nothing.yaml\n", "cannot read"),
        ("include: [3]\n", "expected a file's name"),
        ("- a\n", "expected a mapping"),
        ("a: [\n", "not valid YAML"),
        (BASE, "doc_to_choice"),
        ("test_split: test\n", "doc_to_text"),
        ("output_type: loglikelihood_rolling\ndoc_to_target: a\n", "test_split"),
        ("\x00", "not valid YAML"),
    ],
)
def test_what_is_no_task_is_refused(text: str, told: str, tmp_path: Path) -> None:
    (tmp_path / "task.yaml").write_text(text)
    with pytest.raises(SuiteError, match=told):
        read_task(tmp_path / "task.yaml")


def test_a_huge_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "task.yaml").write_text("a: " + "x" * 1_000_001)
    with pytest.raises(SuiteError, match="at most"):
        read_task(tmp_path / "task.yaml")


@pytest.mark.parametrize(
    "rows",
    [
        [{"a": 1, "b": "x"}, {"a": 2.5, "b": None}, {"b": "y"}],
        [{"a": "2020-01-01", "t": "2020-01-01 10:00:00"}, {"a": "2021-02-03", "t": "2021-01-01T10:00:00Z"}],
        [{"a": [1, 2], "c": {"x": 1}}, {"a": [], "c": {"x": 2, "y": "z"}}, {"a": None, "c": None}],
        [{"a": "é😀"}, {"a": ""}],
        [{"a": 1}, {"a": "x"}],
        [{"a": [{"x": 1}, {"y": 2}]}],
        [{"a": True}, {"a": None}],
    ],
)
def test_json_lines_are_read_as_the_library_reads_them(rows: list[dict[str, Any]], tmp_path: Path) -> None:
    from datasets import load_dataset

    from harness.data.sources.lm_eval_documents import open_rows

    path = tmp_path / "rows.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    options = {"path": "json", "kwargs": {"data_files": {"test": "rows.jsonl"}}, "splits": {"test": "test"}}
    found = [json.loads(row["doc"]) for row in open_rows(options, tmp_path)]
    theirs = load_dataset("json", data_files={"test": [str(path)]}, cache_dir=str(tmp_path / "cache"))["test"]
    assert found == [json.loads(json.dumps(row, default=str)) for row in theirs]


def test_a_plain_file_is_read_without_the_library(tmp_path: Path) -> None:
    (tmp_path / "rows.jsonl").write_text('{"a": 1}\n{"a": 2}\n')
    code = (
        "import sys; from pathlib import Path; from harness.data.sources.lm_eval_documents import open_rows; "
        "options = {'path': 'json', 'kwargs': {'data_files': 'rows.jsonl'}, 'splits': {'test': 'train'}}; "
        f"rows = list(open_rows(options, Path({str(tmp_path)!r}))); "
        "assert len(rows) == 2, rows; assert 'datasets' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)

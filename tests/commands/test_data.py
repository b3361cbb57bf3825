"""What `harness data audit` reads of a file: every row, whatever is missing in it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from harness.commands.data import open_file
from harness.core.errors import DataError
from harness.core.reporter import Silent
from harness.data.data_audit import audit

ROWS = [
    {"text": "She is a nurse.", "label": "a"},
    {"text": "she  is a NURSE.", "label": "b"},
    {"text": None, "label": "a"},
    {"text": " ", "label": None},
    {"label": "b"},
    {"text": "He is a pilot."},
]


def test_missing_cells_and_duplicates_are_counted_not_refused(tmp_path: Path) -> None:
    file = tmp_path / "rows.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    quality = audit(open_file(file, Silent()), "test", label="label").quality
    counts = ("rows", "empty", "duplicates", "contradictory_duplicates", "missing_labels", "labels")
    assert {name: quality[name] for name in counts} == {
        "rows": 6,
        "empty": 3,
        "duplicates": 1,
        "contradictory_duplicates": 1,
        "missing_labels": 2,
        "labels": {"a": 2, "b": 2},
    }


def test_labels_that_are_all_missing_are_no_error(tmp_path: Path) -> None:
    file = tmp_path / "rows.csv"
    file.write_text("text,label\na b,\n,\n")
    quality = audit(open_file(file, Silent()), "test", label="label").quality
    assert (quality["rows"], quality["empty"], quality["missing_labels"], quality["labels"]) == (2, 1, 2, {})


def test_a_file_without_rows_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "rows.csv"
    file.write_text("text,label\n")
    with pytest.raises(DataError, match="expected rows"):
        open_file(file, Silent())

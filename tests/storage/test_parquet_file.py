from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from harness.core.errors import DataError
from harness.core.records import Record, Records, RecordsHead
from harness.pipeline.results.scoring import content_digest
from harness.storage import parquet_file, records_file
from harness.storage.records_file import read_records, write_records


def _records() -> Records:
    rows = [
        Record(
            f"{n:03}", "d", "ok" if n % 7 else "failed", {"parent": f"p{n // 2}"}, (f"half={n % 2}",),
            target="x", prediction=None if n % 5 == 0 else "y", stats={"a": float(n), "a.b": n / 3},
        )
        for n in range(50)
    ]  # fmt: skip
    return Records.of(RecordsHead("e", "m", "head", facts={"k": [1]}), rows)


def test_records_read_by_column_are_those_of_the_whole_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = _records()
    path = tmp_path / "m.parquet"
    write_records(path, whole)
    monkeypatch.setattr(parquet_file, "_WHOLE", 10)
    read = read_records(path)
    # What was opened stays the same file, whatever takes its place.
    write_records(path, whole.take(np.arange(5)))
    assert read.head == whole.head
    assert read.table.equals(whole.table)
    assert content_digest(read) == content_digest(whole)
    assert (read.ok.tolist(), read.stat("a").tolist()) == (whole.ok.tolist(), whole.stat("a").tolist())
    assert read.clusters("parent") == whole.clusters("parent")
    chosen = np.array([30, 3, 7])
    assert read.take(chosen).table.equals(whole.take(chosen).table)
    assert read.take(chosen).take([True, False, True]).item_ids == ["030", "007"]
    assert {name: rows.tolist() for name, rows in read.slice_members.items()} == {
        name: rows.tolist() for name, rows in whole.slice_members.items()
    }


def test_a_damaged_column_is_told_with_its_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parquet_file, "_WHOLE", 10)
    path = tmp_path / "m.parquet"
    write_records(path, _records())
    content = path.read_bytes()
    path.write_bytes(content[:4] + b"\xff" * 200 + content[204:])
    with pytest.raises(DataError, match=r"m\.parquet.*cannot read the column"):
        read_records(path).texts("item_id")


def test_some_rows_are_read_from_their_groups_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the order asked for, repeated ones, too; what is not known stays so."""
    monkeypatch.setattr(parquet_file, "_WHOLE", 10)
    monkeypatch.setattr(records_file, "_GROUP", 8)
    whole = _records()
    write_records(tmp_path / "m.parquet", whole)
    read = read_records(tmp_path / "m.parquet")
    rows = np.array([49, 0, 7, 8, 25, 0])
    for name in ("item_id", "prediction", "slices", "stat.a.b"):
        assert read.at(name, rows) == whole.at(name, rows) == [whole.texts(name)[row] for row in rows]
        assert list(read.each(name)) == whole.texts(name)
    assert read.at("prediction", np.array([], np.int64)) == []

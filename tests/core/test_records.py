from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.core.errors import DataError
from harness.core.records import ITEM, Record, Records, RecordsHead
from harness.storage.records_file import read_records, write_records

HEAD = RecordsHead("reviews", "d" * 64, "head", facts={"dtype": "float32"})


def record(number: int, **changes: object) -> Record:
    values: dict[str, object] = {
        "item_id": f"id-{number:03d}",
        "item_digest": f"digest-{number}",
        "clusters": {"parent": f"p{number // 2}"},
        "slices": ("source=movie",) if number % 2 else ("source=tweets", "long=yes"),
        "target": "positive",
        "prediction": "negative",
        "response": {"probabilities": {"positive": 0.25}},
        "margin": -0.5,
        "stats": {"correct": float(number % 2), "nll": 1.5},
    }
    return Record(**{**values, **changes})  # type: ignore[arg-type]  # built from a mapping


@given(st.permutations(list(range(6))))
def test_order_of_rows_never_matters(order: list[int]) -> None:
    assert Records.of(HEAD, [record(n) for n in order]).table == Records.of(HEAD, [record(n) for n in range(6)]).table


@given(st.permutations(list(range(7))))
def test_parts_make_the_table_that_one_piece_makes(order: list[int]) -> None:
    def made(number: int) -> Record:
        # A statistic that only some records have, and in the part of none of the others.
        return record(number, stats={"correct": 1.0, **({"rare": 2.0} if number == 3 else {})})

    whole = Records.of(HEAD, map(made, range(7)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("harness.core.records._PART", 2)
        parts = Records.of(HEAD, (made(number) for number in order))
        with pytest.raises(DataError, match="duplicate item id 'id-001'"):
            Records.of(HEAD, [record(1), record(2), record(1)])
    assert parts.table.column_names == whole.table.column_names
    assert parts.item_ids == whole.item_ids
    for name in ("item_digest", "slices", "response", "margin"):
        assert parts.texts(name) == whole.texts(name)
    np.testing.assert_array_equal(parts.stat("rare"), whole.stat("rare"))
    assert np.isnan(parts.stat("rare")).sum() == 6


def test_what_is_written_is_read(tmp_path: Path) -> None:
    records = Records.of(HEAD, [record(1), record(2, status="failed", stats={}, margin=None)])
    path = tmp_path / "deep" / "base.parquet"
    write_records(path, records)
    again = read_records(path)
    assert again.table.select(["item_id", "slices", "response"]) == records.table.select(
        ["item_id", "slices", "response"]
    )
    assert again.texts("margin") == [-0.5, None]
    np.testing.assert_array_equal(again.stat("nll"), [1.5, math.nan])
    assert again.head == HEAD
    assert again.ok.tolist() == [True, False]


def test_columns(tmp_path: Path) -> None:
    records = Records.of(HEAD, [record(n) for n in range(4)])
    assert records.clusters("parent") == ["p0", "p0", "p1", "p1"]
    assert records.clusters(ITEM) == records.item_ids
    with pytest.raises(DataError, match=r"'id-000' has no cluster 'missing'.*it has parent"):
        records.clusters("missing")
    assert records.slice_names == ["long=yes", "source=movie", "source=tweets"]
    assert records.in_slice("source=movie").tolist() == [False, True, False, True]
    np.testing.assert_array_equal(records.stat("correct"), [0, 1, 0, 1])
    assert records.take(records.in_slice("source=movie")).item_ids == ["id-001", "id-003"]
    with pytest.raises(KeyError, match="have no statistic 'bytes'"):
        records.stat("bytes")


def test_overlap_marks_and_slices() -> None:
    records = Records.of(HEAD, [record(n) for n in range(3)])
    assert records.with_overlap({"id-999"}) is records
    marked = records.with_overlap({"id-001"})
    assert marked.texts("overlap") == [False, True, False]
    assert marked.in_slice("overlap=yes").tolist() == [False, True, False]
    assert marked.in_slice("overlap=no").tolist() == [True, False, True]
    assert records.texts("overlap") == [False, False, False]


def test_duplicate_ids_are_an_error() -> None:
    with pytest.raises(DataError, match="duplicate"):
        Records.of(HEAD, [record(1), record(1)])


def test_no_records_at_all(tmp_path: Path) -> None:
    empty = Records.of(HEAD, [])
    write_records(tmp_path / "x.parquet", empty)
    assert len(read_records(tmp_path / "x.parquet")) == 0


@pytest.mark.parametrize("content", [b"", b"PAR1 nonsense", b"PAR1" * 50])
def test_damaged_files_are_an_error(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.parquet"
    path.write_bytes(content)
    with pytest.raises(DataError, match="cannot read records") as caught:
        read_records(path)
    assert str(path) in str(caught.value)

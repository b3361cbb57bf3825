from __future__ import annotations

import io
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from harness.core.errors import DataError, Where
from harness.data.read_rows import TableFormat, content_of, read_rows
from harness.storage import memory_room


def test_what_is_free_is_known_here_and_enough_for_little() -> None:
    room = memory_room.available()
    assert room is None or room > 1 << 20
    memory_room.require(1, "one byte", Where("x"))


def test_a_few_bytes_that_stand_for_billions_of_rows_are_refused() -> None:
    table = pa.table({"text": pa.array(["a"] * 5_000_000).dictionary_encode(), "label": pa.nulls(5_000_000)})
    buffer = io.BytesIO()
    with pq.ParquetWriter(buffer, table.schema) as writer:
        for _ in range(100):
            writer.write_table(table, row_group_size=5_000_000)
    content = buffer.getvalue()
    assert len(content) < 3_000_000
    with pytest.raises(DataError, match=r"500,000,000 rows of 2 columns, which takes at least 11[0-9]\.[0-9] GB"):
        read_rows(content, "bomb.parquet", TableFormat())


def test_a_file_larger_than_the_memory_is_refused_unread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "large.csv"
    with file.open("wb") as handle:
        handle.truncate(1 << 40)
    with pytest.raises(DataError, match=r"1,099,511,627,776 bytes, which takes"):
        content_of(file)
    monkeypatch.setattr(memory_room, "available", lambda: None)
    (tmp_path / "small.csv").write_text("a,b\n1,2\n", "utf-8")
    assert content_of(tmp_path / "small.csv") == b"a,b\n1,2\n"

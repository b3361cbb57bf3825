from __future__ import annotations

import pytest

from harness.core.dataset import Row
from harness.data import row_table
from harness.data.row_table import RowColumns, RowTable, cluster_count, without

ROWS = [
    Row(f"id-{n}", {"text": f"text {n}", "score": n / 2, "note": None if n % 5 else "five"}, f"c{n // 3}", ("odd=yes",))
    if n % 2
    else Row(f"id-{n}", {"text": f"text {n}", "score": n / 2, "note": "even"}, f"c{n // 3}", (), n)
    for n in range(25)
]
COLUMNS = ("text", "score", "note")


@pytest.mark.parametrize("kept", [100, 3])
def test_a_table_is_the_sequence_of_its_rows(monkeypatch: pytest.MonkeyPatch, kept: int) -> None:
    monkeypatch.setattr(row_table, "_KEPT", kept)
    monkeypatch.setattr(row_table, "PART", 4)
    table = RowTable.of(iter(ROWS), COLUMNS)
    assert table == ROWS
    assert [row.line for row in table] == [row.line for row in ROWS]
    assert (len(table), table[7], table[-1]) == (25, ROWS[7], ROWS[-1])
    assert list(table[3:9]) == ROWS[3:9]
    assert list(table[20:2:-5]) == ROWS[20:2:-5]
    assert cluster_count(table) == cluster_count(ROWS) == 9
    assert table[:5] != ROWS
    with pytest.raises(IndexError):
        table[25]


def test_few_rows_stay_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    nested = Row("a", {"text": ("a", "tuple")}, "a")
    few = RowColumns(["text"])
    few.add(nested)
    assert few.rows() == (nested,)
    monkeypatch.setattr(row_table, "_KEPT", 3)
    many = RowColumns(COLUMNS)
    for row in ROWS:
        many.add(row)
    assert isinstance(many.rows(), RowTable)
    assert list(many.rows()) == ROWS
    assert list(without(ROWS, {"id-3", "id-20"}, COLUMNS)) == [row for n, row in enumerate(ROWS) if n not in (3, 20)]

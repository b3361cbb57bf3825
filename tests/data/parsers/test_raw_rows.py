from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from harness.data.parsers.raw_row import Raw, RawRows

CELLS = st.one_of(st.none(), st.integers(), st.text(max_size=3), st.lists(st.integers(), max_size=2))
ROWS = st.lists(st.dictionaries(st.sampled_from("abc"), CELLS, max_size=3), max_size=6)


@given(ROWS, st.data())
def test_columns_give_back_the_rows(fields: list[dict[str, object]], data: st.DataObject) -> None:
    rows = [Raw(line, cells) for line, cells in enumerate(fields, 3)]
    kept = RawRows.of(iter(rows))
    assert list(kept) == rows
    assert list(kept.columns) == list(dict.fromkeys(name for row in rows for name in row.fields))
    assert kept.cells("b") == [row.fields.get("b") for row in rows]
    assert kept.cells("unknown") == [None] * len(rows)
    chosen = data.draw(st.lists(st.sampled_from(range(len(rows))))) if rows else []
    assert list(kept.take(chosen)) == [rows[place] for place in chosen]
    assert list(kept[1:]) == rows[1:]

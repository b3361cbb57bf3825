from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from harness.core.dataset import Row
from harness.runs.learning import subset

ROWS = tuple(Row(f"row-{number}", {"text": str(number)}, f"c{number}") for number in range(200))


@given(st.integers(1, 250), st.permutations(list(range(40))))
def test_a_subset_does_not_depend_on_order_and_grows(count: int, order: list[int]) -> None:
    some = [ROWS[place] for place in order]
    chosen = {row.id for row in subset(some, count)}
    assert len(chosen) == min(count, len(some))
    assert chosen == {row.id for row in subset(sorted(some, key=lambda row: row.id), count)}
    assert chosen <= {row.id for row in subset(some, count + 5)}


def test_all_rows_without_a_count() -> None:
    assert subset(ROWS, None) == ROWS

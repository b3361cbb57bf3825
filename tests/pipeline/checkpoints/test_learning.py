from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.core.dataset import Dataset, Row
from harness.core.errors import DataError
from harness.model_kinds.finetune_kind import FinetuneSpec
from harness.pipeline.checkpoints.training_data import column_groups, subset

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


def test_groups_come_from_the_column_that_a_stage_names() -> None:
    rows = tuple(Row(str(number), {"text": "t", "who": who}, "c") for number, who in enumerate(("a", "b", None)))
    data = Dataset("notes", "f" * 64, {"train": rows}, ("text", "who"))
    spec = FinetuneSpec.model_validate({"from": "b", "task": "t", "mitigate": {"reweigh": {"column": "who"}}})
    assert column_groups(data, rows, spec) == ("a", "b", "")
    plain = FinetuneSpec.model_validate({"from": "b", "task": "t", "mitigate": {"reweigh": "gender"}})
    assert column_groups(data, rows, plain) == ()
    with pytest.raises(DataError, match="column"):
        column_groups(dataclasses.replace(data, columns=("text",)), rows, spec)

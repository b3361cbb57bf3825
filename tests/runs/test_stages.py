from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from harness.core.dataset import Row
from harness.core.specs import ClassicalModel, FinetuneModel, LoadModel, PretrainModel
from harness.runs.stages import label_of, made_by, parent_of, subset

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


def test_what_a_model_is_called_and_where_it_comes_from() -> None:
    tuned = FinetuneModel.model_validate({"finetune": {"from": "base", "task": "reviews", "labels": 1000}})
    scratch = FinetuneModel.model_validate({"finetune": {"from": "base", "task": "reviews", "weights": "random"}})
    lora = FinetuneModel.model_validate({"finetune": {"from": "base", "task": "t", "method": {"lora": {"rank": 2}}}})
    classical = ClassicalModel.model_validate({"classical": {"task": "reviews"}})
    base = PretrainModel.model_validate({"pretrain": {"data": ["prose"], "budget": {"tokens": "2M"}}})
    loaded = LoadModel(load="some/folder")
    assert [made_by(spec) for spec in (tuned, classical, base, loaded)] == [
        "finetune",
        "classical",
        "pretrain",
        "load",
    ]
    assert parent_of(tuned) == "base"
    assert parent_of(base) is None
    assert label_of(tuned) == "full fine-tuning of base on 1000 labels"
    assert "random weights (no pretraining)" in label_of(scratch)
    assert label_of(lora).startswith("LoRA")
    assert "TF-IDF" in label_of(classical)
    assert "mlm on prose" in label_of(base)
    assert label_of(loaded) == "loaded from some/folder"

from __future__ import annotations

import random

import pytest

from harness.core.evaluation import Item
from harness.pipeline.records import held_items
from harness.pipeline.records.held_items import HeldItems

ITEMS = [Item(f"{n % 83:03}", {"text": str(n)}, {"text": f"text {n}"}, clusters={"parent": f"p{n}"}) for n in range(97)]


@pytest.mark.parametrize("run", [1000, 97, 10, 7])
def test_packed_items_are_sorted_by_id_and_equal_ids_keep_their_order(
    monkeypatch: pytest.MonkeyPatch, run: int
) -> None:
    monkeypatch.setattr(held_items, "_RUN", run)
    monkeypatch.setattr(held_items, "_PACKED", 3)
    monkeypatch.setattr(held_items, "SHARD", 20)
    items = random.Random(1).sample(ITEMS, len(ITEMS))
    held, plain = HeldItems(iter(items)), sorted(items, key=lambda item: item.id)
    assert (list(held), held.first) == (plain, items[0])
    assert [len(shard) for shard in held.shards()] == [20, 20, 20, 20, 17]
    assert (held[41], held[-1], list(held[50:10:-7])) == (plain[41], plain[-1], plain[50:10:-7])


def test_no_item_is_no_first_one() -> None:
    held = HeldItems([])
    assert (len(held), held.first, list(held.shards())) == (0, None, [])

"""The items of an evaluation in the order of their ids, packed: few exist as objects at a time."""

from __future__ import annotations

import heapq
import pickle
import zlib
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice
from typing import overload

from harness.core.evaluation import Item

SHARD = 4000
"""Items that are packed together, and in memory together while they are asked."""
_RUN = 10 * SHARD
"""Items that are sorted at once; fewer stay as they are."""
_PACKED = 500
"""Items of one of the pieces that are merged."""


class HeldItems(Sequence[Item]):
    """Items sorted by id; a few thousand stand as objects, more are packed shard by shard.

    Args:
        items: read once, in any order. Items of one id keep the order in which they come.

    Attributes:
        first: the first one that came; None where there is none.
    """

    def __init__(self, items: Iterable[Item]) -> None:
        left = iter(items)
        run = list(islice(left, _RUN))
        self.first = run[0] if run else None
        self._count = len(run)
        run.sort(key=_id)
        self._kept: list[Item] = run
        self._shards: list[bytes] = []
        following = list(islice(left, _RUN))
        if following:
            runs = [_pack(run, _PACKED)]
            self._kept = run = []
            while following:
                self._count += len(following)
                following.sort(key=_id)
                runs.append(_pack(following, _PACKED))
                following = list(islice(left, _RUN))
            merged = heapq.merge(*(chain.from_iterable(map(_unpacked, of_run)) for of_run in runs), key=_id)
            self._shards = _pack(merged, SHARD)

    def __len__(self) -> int:
        return self._count

    def shards(self) -> Iterator[Sequence[Item]]:
        """The items, `SHARD` at a time."""
        if not self._shards:
            yield from (self._kept[start : start + SHARD] for start in range(0, len(self), SHARD))
        yield from map(_unpacked, self._shards)

    def __iter__(self) -> Iterator[Item]:
        return chain.from_iterable(self.shards())

    @overload
    def __getitem__(self, place: int) -> Item: ...

    @overload
    def __getitem__(self, place: slice) -> Sequence[Item]: ...

    def __getitem__(self, place: int | slice) -> Item | Sequence[Item]:
        if not self._shards:
            return self._kept[place]
        if isinstance(place, slice):
            return [self[row] for row in range(len(self))[place]]
        row = range(len(self))[place]
        return _unpacked(self._shards[row // SHARD])[row % SHARD]


def _id(item: Item) -> str:
    return item.id


def _pack(items: Iterable[Item], count: int) -> list[bytes]:
    left = iter(items)
    return [zlib.compress(pickle.dumps(part, protocol=5), 1) for part in iter(lambda: list(islice(left, count)), [])]


def _unpacked(packed: bytes) -> list[Item]:
    # Made by this process, and never written.
    items: list[Item] = pickle.loads(zlib.decompress(packed))
    return items

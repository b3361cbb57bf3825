"""The guests of a network: the only list of them, and the only module that others import from here.

`HARNESS_FAST_PATHS=0` leaves all of them out, which is the way to find out whether a number comes from one.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from functools import cached_property
from typing import TYPE_CHECKING

from harness.models.encoding.continuation_plans import ContinuationPlan
from harness.models.local.batching import Batcher
from harness.models.local.fast_path import (
    HeadLogits,
    Narrow,
    NoFastPaths,
    OptionRow,
    OptionValue,
    ReadOptions,
    ReadRows,
)
from harness.models.local.fastpaths import low_rank_update, onednn_linear
from harness.models.local.fastpaths.packed_weights import PackedWeights
from harness.models.local.fastpaths.single_position import SinglePosition
from harness.models.local.fastpaths.tree_attention import TreeScorer

if TYPE_CHECKING:
    from torch import nn

    from harness.models.local.network import Network

SWITCH = "HARNESS_FAST_PATHS"
"""Environment variable: `0` leaves all guests out."""


def install(network: Network) -> None:
    """Gives a network its guests, unless it has them or they are switched off."""
    if not wanted():
        return
    for part in (network.base, network.language_model, *network.heads.values()):
        if part is not None:
            accelerate(part)
    if isinstance(network.fast_paths, NoFastPaths) and not network.indivisible:
        network.fast_paths = Installed(network)


def accelerate(module: nn.Module) -> None:
    """Lets a model, trained or frozen, use the faster matrix products, in place, unless they are switched off."""
    if wanted():
        onednn_linear.enable(module)
        low_rank_update.enable(module)


def wanted() -> bool:
    """Whether the environment leaves the guests on."""
    return os.environ.get(SWITCH, "") != "0"


class Installed:
    """The guests of one network, made on first use.

    Args:
        network: what they read with.
    """

    def __init__(self, network: Network) -> None:
        self._network = network
        self._packed = PackedWeights()

    @cached_property
    def trees(self) -> TreeScorer:
        """Scores several continuations in one row."""
        return TreeScorer(self._network)

    @cached_property
    def single(self) -> SinglePosition:
        """Reads rows that are asked about one place each."""
        return SinglePosition(self._network)

    def masked_rows(self, batcher: Batcher) -> ReadRows | None:
        """See `FastPaths`."""
        if not self.single.applies or not self._network.split_head:
            return None
        if self.single.usable:
            return self.single.token_logprobs
        batcher.tell_once(self.single.complaint)
        return None

    def first_place(self, head: str, plain: HeadLogits, batcher: Batcher) -> Narrow | None:
        """See `FastPaths`."""
        if not self.single.applies:
            return None
        if self.single.first_suffices(head, plain):
            return self.single.first
        batcher.tell_once(self.single.head_complaint)
        return None

    def options(
        self,
        plans: Sequence[ContinuationPlan],
        rows: Mapping[int, list[OptionRow]],
        batcher: Batcher,
        plain: ReadOptions,
    ) -> Iterator[OptionValue] | None:
        """See `FastPaths`."""
        groups = self.trees.groups(plans, rows)
        if groups is None:
            return None
        if self.trees.applies and self.trees.usable:
            return self.trees.scored(plans, groups, rows, batcher, plain)
        batcher.tell_once(self.trees.complaint)
        return None

    def writing(self) -> AbstractContextManager[None]:
        """See `FastPaths`."""
        return self._packed.active()

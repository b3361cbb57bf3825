"""Several continuations of one beginning in one row: a tree of tokens under an attention mask.

A token reads its own branch, the trunk and, where there is one, the shared beginning in the cache; its
position counts along its own branch. Masks are built from positions, one for each attention type of the
model, so that sliding windows reach as far back as they would in a plain row. Whether a model takes such masks
is found out once, against plain rows longer than its widest window.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import TYPE_CHECKING

import numpy as np
import torch

from harness.core.records import FloatArray
from harness.models.encoding.continuation_plans import ContinuationPlan
from harness.models.local.batching import Batcher, IntArray, Row, is_out_of_memory
from harness.models.local.fast_path import OptionRow, OptionValue, ReadOptions, option_values
from harness.models.local.fastpaths.shared_prefix import Group, groups_of
from harness.models.local.forward_patch import FAULTS
from harness.models.local.network import Network, accepts
from harness.models.network_settings import NetworkSettings

if TYPE_CHECKING:
    import numpy.typing as npt
    from transformers import Cache, PreTrainedConfig

_TOLERANCE = {torch.float32: 1e-3, torch.bfloat16: 0.25, torch.float16: 0.05}
_CHECKED = 24
_LONGEST_CHECK = 16_384
_SLACK = 0.25
_PACKED = 1024
"""Tokens after a cached beginning that are read at once: more would mostly attend to each other in vain."""


@dataclass(frozen=True, slots=True, eq=False)
class Tree:
    """One trunk and its branches as a row.

    Attributes:
        ids: int64[L], the trunk (without what the cache holds), then each branch.
        depth: int64[L], the position of each token along its own branch.
        branch: int64[L], 0 for the trunk, else the branch's number.
        row: where log-probabilities are wanted, in places of this row.
        option: int64[G], which branch (from 0) each target belongs to.
    """

    ids: IntArray
    depth: IntArray
    branch: IntArray
    row: Row
    option: IntArray

    def __len__(self) -> int:
        return len(self.ids)


def tree_of(trunk: Sequence[int], branches: Sequence[Sequence[int]], owner: int, cached: int = 0) -> Tree:
    """The row in which every branch is scored.

    Args:
        trunk: tokens that all branches follow, `cached` of them in the cache already; one at least is not.
        branches: at least one token each.
        owner: which request it is.
        cached: how many tokens of the trunk are not in the row.
    """
    ids = list(trunk[cached:])
    depth = list(range(cached, len(trunk)))
    branch = [0] * len(ids)
    last = len(ids) - 1
    places: list[int] = []
    targets: list[int] = []
    for number, tokens in enumerate(branches, 1):
        start = len(ids)
        ids.extend(tokens[:-1])
        depth.extend(range(len(trunk), len(trunk) + len(tokens) - 1))
        branch.extend([number] * (len(tokens) - 1))
        places.extend([last, *range(start, len(ids))])
        targets.extend(tokens)
    order = np.argsort(places, kind="stable")
    positions, at = np.unique(np.asarray(places, dtype=np.int64)[order], return_inverse=True)
    option = np.repeat(np.arange(len(branches)), list(map(len, branches)))[order]
    whole = np.asarray(ids, dtype=np.int64)
    row = Row(whole, positions, np.asarray(targets, dtype=np.int64)[order], at.astype(np.int64), owner)
    return Tree(whole, np.asarray(depth, dtype=np.int64), np.asarray(branch, dtype=np.int64), row, option)


class TreeScorer:
    """Forward passes of trees by a causal network.

    Args:
        network: with a language model whose head stands alone.
    """

    complaint = "this model's attention takes no tree masks: options are scored in rows of their own."

    def __init__(self, network: Network) -> None:
        self._network = network
        settings = NetworkSettings.of(network.base.config)
        window, uses = settings.sliding_window, settings.use_sliding_window
        self._window = int(window) if isinstance(window, int) and window > 0 and uses else None
        types = settings.layer_types
        self._types = tuple(sorted(set(types))) if types and len(set(types)) > 1 else ()
        if not self._types and types and set(types) == {"full_attention"}:
            self._window = None

    @property
    def applies(self) -> bool:
        """Whether rows may be read together from the left, each token at a place that is given."""
        network = self._network
        return (
            network.causal and not network.row_by_row and network.split_head and accepts(network.base, "position_ids")
        )

    @cached_property
    def usable(self) -> bool:
        """Whether trees give the log-probabilities of plain rows, found out on first use."""
        return self.applies and self._check()

    def groups(self, plans: Sequence[ContinuationPlan], rows: Mapping[int, list[OptionRow]]) -> list[Group] | None:
        """Contexts that begin alike; None where neither they nor trees would save anything."""
        groups = groups_of([plan.trunk for plan in plans])
        helps = any(group.length for group in groups) or any(len(rows[plan.owner]) > 1 for plan in plans)
        return groups if helps else None

    def scored(
        self,
        plans: Sequence[ContinuationPlan],
        groups: Sequence[Group],
        rows: Mapping[int, list[OptionRow]],
        batcher: Batcher,
        plain: ReadOptions,
    ) -> Iterator[OptionValue]:
        """Every option: those of a context in one row, and what many contexts begin with read once."""
        whole: list[OptionRow] = []
        trees: list[Tree] = []
        for group in groups:
            members = [plans[index] for index in group.members]
            cache = self._read(members[0].trunk[: group.length]) if group.length else None
            if cache is not None:
                grown = [tree_of(plan.trunk, plan.branches, plan.owner, group.length) for plan in members]
                yield from self._after(cache, group.length, grown, batcher)
                continue
            for plan in members:
                if len(rows[plan.owner]) == 1:
                    whole += rows[plan.owner]
                else:
                    trees.append(tree_of(plan.trunk, plan.branches, plan.owner))
        yield from plain(whole)
        trees.sort(key=len, reverse=True)
        for tree, values in batcher.run(trees, len, self.logprobs, slack=_SLACK):
            yield from option_values(tree.row.owner, tree.option, values)

    def _after(self, cache: Cache, length: int, trees: list[Tree], batcher: Batcher) -> Iterator[OptionValue]:
        trees.sort(key=len, reverse=True)
        read = partial(self.logprobs_after, cache, length)
        for tree, values in batcher.run(trees, len, read, slack=1.0, most=_PACKED):
            yield from option_values(tree.row.owner, tree.option, values)

    def _read(self, ids: Sequence[int]) -> Cache | None:
        """The cache of a shared beginning; None when memory does not suffice, and every context is read whole."""
        try:
            return self.read(ids)
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
        self._network.relieve()
        return None

    @torch.inference_mode()
    def read(self, ids: Sequence[int]) -> Cache:
        """The cache of a shared beginning."""
        from transformers import DynamicCache

        self._network.activate()
        cache = DynamicCache()
        tokens = self._network.tensor(np.asarray([list(ids)], dtype=np.int64))
        depth = np.arange(len(ids), dtype=np.int64)
        attention = self._masks(depth[None], depth[None], np.tril(np.ones((1, len(ids), len(ids)), dtype=np.bool_)))
        self._network.base(
            input_ids=tokens,
            attention_mask=attention if self._window else None,
            position_ids=self._network.tensor(depth[None]),
            past_key_values=cache,
            use_cache=True,
        )
        return cache

    @torch.inference_mode()
    def logprobs(self, trees: Sequence[Tree]) -> list[FloatArray]:
        """For each tree, float64 log-probabilities of its targets in nats, one row a tree."""
        longest = max(map(len, trees))
        ids = np.full((len(trees), longest), self._network.encoder.pad_id or 0, dtype=np.int64)
        depth = np.zeros_like(ids)
        branch = np.full_like(ids, -1)
        for index, tree in enumerate(trees):
            ids[index, : len(tree)], depth[index, : len(tree)] = tree.ids, tree.depth
            branch[index, : len(tree)] = tree.branch
        seen = (branch[:, None] == branch[:, :, None]) | ((branch == 0)[:, None] & (branch >= 0)[:, :, None])
        seen &= depth[:, None] <= depth[:, :, None]
        output = self._network.base(
            input_ids=self._network.tensor(ids),
            attention_mask=self._masks(depth, depth, seen),
            position_ids=self._network.tensor(depth),
            use_cache=False,
        )
        return self._network.gathered(output, [tree.row for tree in trees])

    @torch.inference_mode()
    def logprobs_after(self, cache: Cache, length: int, trees: Sequence[Tree]) -> list[FloatArray]:
        """As `logprobs`, for trees that follow one cached beginning: all of them in one row."""
        sizes = list(map(len, trees))
        ids, depth, branch = (
            np.concatenate([getattr(tree, name) for tree in trees])[None] for name in ("ids", "depth", "branch")
        )
        item = np.repeat(np.arange(len(trees)), sizes)[None]
        seen = (branch[:, None] == branch[:, :, None]) | (branch == 0)[:, None]
        seen &= (item[:, None] == item[:, :, None]) & (depth[:, None] <= depth[:, :, None])
        before = np.arange(length, dtype=np.int64)[None]
        seen = np.concatenate([np.ones((1, ids.shape[1], length), dtype=np.bool_), seen], axis=2)
        keys = np.concatenate([before, depth], axis=1)
        try:
            output = self._network.base(
                input_ids=self._network.tensor(ids),
                attention_mask=self._masks(depth, keys, seen),
                position_ids=self._network.tensor(depth),
                past_key_values=cache,
                use_cache=True,
            )
        finally:
            if cache.get_seq_length() > length:
                cache.crop(length - cache.get_seq_length())
        starts = np.cumsum([0, *sizes[:-1]])
        return self._network.gathered(output, [tree.row for tree in trees], starts)

    def _masks(
        self, queries: IntArray, keys: IntArray, seen: npt.NDArray[np.bool_]
    ) -> torch.Tensor | dict[str, torch.Tensor]:
        """Additive masks [B, 1, Q, K]: one, or one for each attention type."""
        if self._window is None:
            return self._additive(seen)
        near = seen & (queries[:, :, None] - keys[:, None] < self._window)
        if not self._types:
            return self._additive(near)
        return {name: self._additive(near if "sliding" in name else seen) for name in self._types}

    def _additive(self, seen: npt.NDArray[np.bool_]) -> torch.Tensor:
        dtype = self._network.base.dtype
        allowed = torch.from_numpy(np.ascontiguousarray(seen)).to(self._network.device)[:, None]
        blank = torch.zeros(allowed.shape, dtype=dtype, device=self._network.device)
        return blank.masked_fill(~allowed, torch.finfo(dtype).min)

    def _check(self) -> bool:
        network = self._network
        widest = max(self._window or 0, _local_window(network.base.config))
        limit = min(network.max_length or _LONGEST_CHECK, _LONGEST_CHECK)
        trunk = min(widest + _CHECKED, limit - 6)
        if trunk < 4:
            return False
        generator = np.random.default_rng(0)
        ids = generator.integers(0, int(network.base.config.vocab_size), trunk + 10).tolist()
        head, branches = ids[:trunk], [ids[trunk : trunk + 5], ids[trunk + 5 : trunk + 8], ids[trunk + 8 : trunk + 10]]
        plain = [_plain_row(head, branch) for branch in branches]
        half = trunk // 2
        network.activate()
        try:
            expected = list(map(float, (values.sum() for values in network.token_logprobs(plain))))
            whole = [tree_of(head, branches[:2], 0), tree_of(head, branches[2:], 0)]
            packed = [tree_of(head, branches[:2], 0, half), tree_of(head, branches[2:], 0, half)]
            together = self.logprobs(whole)
            after = self.logprobs_after(self.read(head[:half]), half, packed)
        except FAULTS:
            return False
        tolerance = _TOLERANCE.get(network.base.dtype, 1e-3)
        return all(
            bool(np.allclose(_totals(trees, values), expected, rtol=0, atol=tolerance))
            for trees, values in ((whole, together), (packed, after))
        )


def _totals(trees: Sequence[Tree], values: Sequence[FloatArray]) -> list[float]:
    return [
        float(part[tree.option == number].sum())
        for tree, part in zip(trees, values, strict=True)
        for number in np.unique(tree.option)
    ]


def _plain_row(trunk: Sequence[int], branch: Sequence[int]) -> Row:
    ids = np.asarray([*trunk, *branch[:-1]], dtype=np.int64)
    positions = np.arange(len(trunk) - 1, len(ids), dtype=np.int64)
    return Row(ids, positions, np.asarray(branch, dtype=np.int64), np.arange(len(branch)), 0)


def _local_window(config: PreTrainedConfig) -> int:
    """The reach of local attention layers that are configured under another name."""
    sizes = [
        getattr(config, name, None)
        for name in ("window_size", "attention_window", "local_attention", "attention_chunk_size")
    ]
    return max((size for size in sizes if isinstance(size, int)), default=0)

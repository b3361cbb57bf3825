"""Likelihoods of the options of a context, with as few tokens read as the model allows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from harness.core.records import FloatArray
from harness.core.requests import Continuations, Failure, Request, Response
from harness.models.encoding.continuation_plans import ContinuationPlan, continuation_plans
from harness.models.local.batching import Batcher, IntArray, Row, TooLarge, is_out_of_memory, too_large
from harness.models.local.fastpaths.shared_prefix import groups_of
from harness.models.local.fastpaths.tree_attention import Tree, tree_of
from harness.models.local.network import Network
from harness.models.response_builders import scores

_SLACK = 0.25
_PACKED = 1024
"""Tokens after a cached beginning that are read at once: more would mostly attend to each other in vain."""

Result = tuple[int, int, float]
"""Request, option, log-likelihood."""


def continuations(
    network: Network, batcher: Batcher, requests: Sequence[Continuations]
) -> Iterator[tuple[Request, Response]]:
    """Answers each request.

    Where the model takes tree masks, the options of a context stand in one row, and what many contexts
    begin with is read once. Otherwise each option has a row of its own, but for one whose input is the
    beginning of another's.
    """
    jobs: dict[int, ContinuationPlan] = {}
    for owner, planned in continuation_plans(network.encoder, network.chat, network.max_length, requests):
        if isinstance(planned, Failure):
            yield requests[owner], planned
        else:
            jobs[owner] = planned
    values = {owner: [0.0] * len(job.branches) for owner, job in jobs.items()}
    missing = {owner: len(job.branches) for owner, job in jobs.items()}
    for owner, option, value in _scored(network, batcher, list(jobs.values())):
        if isinstance(value, TooLarge):
            if missing[owner] > 0:
                yield requests[owner], too_large(value)
            missing[owner] = -1
            continue
        values[owner][option] = value
        missing[owner] -= 1
        if missing[owner] == 0:
            yield requests[owner], scores(values[owner], jobs[owner].cut)


def _scored(
    network: Network, batcher: Batcher, jobs: Sequence[ContinuationPlan]
) -> Iterator[tuple[int, int, float | TooLarge]]:
    """(request, option, log-likelihood) of every option, in any order."""
    far = network.switch_length
    if far is not None:
        # Above that length a longer row beside it, or a beginning that is read once, would change the answer.
        apart = [job for job in jobs if _reach(job) > far]
        yield from _plain(network, batcher, [row for job in apart for row in _rows(job, apart=True)])
        jobs = [job for job in jobs if _reach(job) <= far]
    separate = {job.owner: _rows(job) for job in jobs}
    groups = groups_of([job.trunk for job in jobs])
    helps = any(group.length for group in groups) or any(len(rows) > 1 for rows in separate.values())
    if not helps or network.alone or not network.shortcuts or not network.forest.usable:
        if helps and network.shortcuts:
            batcher.tell_once("this model's attention takes no tree masks: options are scored in rows of their own.")
        yield from _plain(network, batcher, [row for rows in separate.values() for row in rows])
        return
    forest = network.forest
    rows: list[tuple[Row, IntArray]] = []
    trees: list[Tree] = []
    for group in groups:
        members = [jobs[index] for index in group.members]
        cache = _read(network, members[0].trunk[: group.length]) if group.length else None
        if cache is not None:
            grown = [tree_of(job.trunk, job.branches, job.owner, group.length) for job in members]
            grown.sort(key=len, reverse=True)
            found = batcher.run(
                grown,
                len,
                lambda batch, cache=cache, length=group.length: forest.logprobs_after(cache, length, batch),  # type: ignore[misc]  # bound now
                slack=1.0,
                most=_PACKED,
            )
            for tree, values in found:
                yield from _sums(tree.row.owner, tree.option, values)
            continue
        for job in members:
            if len(separate[job.owner]) == 1:
                rows += separate[job.owner]
            else:
                trees.append(tree_of(job.trunk, job.branches, job.owner))
    yield from _plain(network, batcher, rows)
    trees.sort(key=len, reverse=True)
    for tree, values in batcher.run(trees, len, forest.logprobs, slack=_SLACK):
        yield from _sums(tree.row.owner, tree.option, values)


def _read(network: Network, ids: Sequence[int]) -> Any | None:
    """The cache of a shared beginning; None when memory does not suffice, and every context is read whole."""
    try:
        return network.forest.read(ids)
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
    network.relieve()
    return None


def _plain(
    network: Network, batcher: Batcher, rows: list[tuple[Row, IntArray]]
) -> Iterator[tuple[int, int, float | TooLarge]]:
    rows.sort(key=_length, reverse=True)
    found = batcher.run(rows, _length, lambda batch: network.token_logprobs([row for row, _ in batch]), slack=_SLACK)
    for (row, option), values in found:
        yield from _sums(row.owner, option, values)


def _sums(owner: int, option: IntArray, values: FloatArray | TooLarge) -> Iterator[tuple[int, int, float | TooLarge]]:
    for number in np.unique(option).tolist():
        yield owner, number, values if isinstance(values, TooLarge) else float(values[option == number].sum())


def _shared(job: ContinuationPlan) -> list[list[int]]:
    """Groups of options of which the first one's input begins with each other one's."""
    groups: list[list[int]] = []
    for option in sorted(range(len(job.branches)), key=lambda option: -len(job.branches[option])):
        tokens = job.branches[option][:-1]
        for group in groups:
            if job.branches[group[0]][: len(tokens)] == tokens:
                group.append(option)
                break
        else:
            groups.append([option])
    return groups


def _reach(job: ContinuationPlan) -> int:
    """Tokens of the longest row that the request takes."""
    return len(job.trunk) + max(map(len, job.branches)) - 1


def _rows(job: ContinuationPlan, *, apart: bool = False) -> list[tuple[Row, IntArray]]:
    """Plain rows that score all options (`apart`: one for each), and which option each target belongs to."""
    rows = []
    for group in [[option] for option in range(len(job.branches))] if apart else _shared(job):
        first = len(job.trunk) - 1
        places = np.concatenate([np.arange(first, first + len(job.branches[option])) for option in group])
        option = np.repeat(group, [len(job.branches[option]) for option in group])
        targets = np.concatenate([np.asarray(job.branches[option], dtype=np.int64) for option in group])
        order = np.argsort(places, kind="stable")
        positions, at = np.unique(places[order], return_inverse=True)
        ids = np.asarray([*job.trunk, *job.branches[group[0]][:-1]], dtype=np.int64)
        row = Row(ids, positions.astype(np.int64), targets[order], at.astype(np.int64), job.owner)
        rows.append((row, option[order]))
    return rows


def _length(row: tuple[Row, IntArray]) -> int:
    return len(row[0].ids)

"""Likelihoods of the options of a context, with as few tokens read as the model allows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from harness.core.requests import Continuations, Failure, Request, Response
from harness.models.encoding.continuation_plans import ContinuationPlan, continuation_plans
from harness.models.local.batching import Batcher, Row, TooLarge, too_large
from harness.models.local.fast_path import OptionRow, OptionValue, option_values
from harness.models.local.network import Network
from harness.models.response_builders import scores, with_inputs

_SLACK = 0.25


def planned(
    network: Network, batcher: Batcher, requests: Sequence[Continuations]
) -> tuple[dict[int, ContinuationPlan], dict[int, Failure]]:
    """The plans of requests by their places, and why others have none; says what the chat template told."""
    plans: dict[int, ContinuationPlan] = {}
    failures: dict[int, Failure] = {}
    for owner, plan in continuation_plans(network.encoder, network.chat, network.max_length, requests):
        if isinstance(plan, Failure):
            failures[owner] = plan
        else:
            plans[owner] = plan
    for said in sorted(network.chat.told):
        batcher.tell_once(said)
    return plans, failures


def continuations(
    network: Network, batcher: Batcher, requests: Sequence[Continuations]
) -> Iterator[tuple[Request, Response]]:
    """Answers each request.

    Each option has a row of its own, but for one whose input is the beginning of another's; a fast path may read
    several in one row.
    """
    plans, failures = planned(network, batcher, requests)
    for owner, failure in failures.items():
        yield requests[owner], failure
    values = {owner: [0.0] * len(plan.branches) for owner, plan in plans.items()}
    missing = {owner: len(plan.branches) for owner, plan in plans.items()}
    for owner, option, value in _scored(network, batcher, list(plans.values())):
        if isinstance(value, TooLarge):
            if missing[owner] > 0:
                yield requests[owner], too_large(value)
            missing[owner] = -1
            continue
        values[owner][option] = value
        missing[owner] -= 1
        if missing[owner] == 0:
            plan = plans[owner]
            marks = [network.encoder.mark([*plan.trunk, *branch]) for branch in plan.branches]
            yield requests[owner], with_inputs(scores(values[owner], plan.cut), *marks)


def _scored(network: Network, batcher: Batcher, plans: Sequence[ContinuationPlan]) -> Iterator[OptionValue]:
    """(request, option, log-likelihood) of every option, in any order."""
    far = network.switch_length
    if far is not None:
        # Above that length a longer row beside it, or a beginning that is read once, would change the answer.
        apart = [plan for plan in plans if _reach(plan) > far]
        yield from _plain(network, batcher, [row for plan in apart for row in _rows(plan, apart=True)])
        plans = [plan for plan in plans if _reach(plan) <= far]
    separate = {plan.owner: _rows(plan) for plan in plans}

    def plain(rows: list[OptionRow]) -> Iterator[OptionValue]:
        return _plain(network, batcher, rows)

    fast = network.fast_paths.options(plans, separate, batcher, plain)
    yield from fast if fast is not None else plain([row for rows in separate.values() for row in rows])


def _plain(network: Network, batcher: Batcher, rows: list[OptionRow]) -> Iterator[OptionValue]:
    rows.sort(key=_length, reverse=True)
    scored = batcher.run(rows, _length, lambda batch: network.token_logprobs([row for row, _ in batch]), slack=_SLACK)
    for (row, option), values in scored:
        yield from option_values(row.owner, option, values)


def _shared(plan: ContinuationPlan) -> list[list[int]]:
    """Groups of options of which the first one's input begins with each other one's."""
    groups: list[list[int]] = []
    for option in sorted(range(len(plan.branches)), key=lambda option: -len(plan.branches[option])):
        tokens = plan.branches[option][:-1]
        for group in groups:
            if plan.branches[group[0]][: len(tokens)] == tokens:
                group.append(option)
                break
        else:
            groups.append([option])
    return groups


def _reach(plan: ContinuationPlan) -> int:
    """Tokens of the longest row that the request takes."""
    return len(plan.trunk) + max(map(len, plan.branches)) - 1


def _rows(plan: ContinuationPlan, *, apart: bool = False) -> list[OptionRow]:
    """Plain rows that score all options (`apart`: one for each), and which option each target belongs to."""
    rows = []
    for group in [[option] for option in range(len(plan.branches))] if apart else _shared(plan):
        first = len(plan.trunk) - 1
        places = np.concatenate([np.arange(first, first + len(plan.branches[option])) for option in group])
        option = np.repeat(group, [len(plan.branches[option]) for option in group])
        targets = np.concatenate([np.asarray(plan.branches[option], dtype=np.int64) for option in group])
        order = np.argsort(places, kind="stable")
        positions, at = np.unique(places[order], return_inverse=True)
        ids = np.asarray([*plan.trunk, *plan.branches[group[0]][:-1]], dtype=np.int64)
        row = Row(ids, positions.astype(np.int64), targets[order], at.astype(np.int64), plan.owner)
        rows.append((row, option[order]))
    return rows


def _length(row: OptionRow) -> int:
    return len(row[0].ids)

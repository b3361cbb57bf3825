"""Likelihoods of single texts after a context, token by token."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np

from harness.core.records import FloatArray
from harness.core.requests import Continuations, Failure, Request, Response, TargetLikelihood
from harness.models.encoding.continuation_plans import ContinuationPlan
from harness.models.local.batching import Batcher, Row, TooLarge, too_large
from harness.models.local.network import Network
from harness.models.local.requests.continuations import planned
from harness.models.local.requests.seq2seq_continuations import target_tokens
from harness.models.response_builders import detailed, likelihood, with_inputs

_SLACK = 0.25


def target_likelihoods(
    network: Network, batcher: Batcher, requests: Sequence[TargetLikelihood]
) -> Iterator[tuple[Request, Response]]:
    """Answers each request by a causal model: a row of its own, of which the target's tokens are scored."""
    asked = [Continuations(request.context, (request.target,), request.messages, request.form) for request in requests]
    plans, failures = planned(network, batcher, asked)
    for owner, failure in failures.items():
        yield requests[owner], failure
    rows = sorted((_row(plan) for plan in plans.values()), key=_length, reverse=True)
    for row, values in batcher.run(rows, _length, network.token_logprobs, slack=_SLACK):
        request, plan = requests[row.owner], plans[row.owner]
        if isinstance(values, TooLarge):
            yield request, too_large(values)
            continue
        offsets = _places(network, request, len(plan.branches[0]))
        answer = _answer(values, offsets, plan.cut)
        yield request, with_inputs(answer, network.encoder.mark([*plan.trunk, *plan.branches[0]]))


def seq2seq_target_likelihoods(
    network: Network, batcher: Batcher, requests: Sequence[TargetLikelihood]
) -> Iterator[tuple[Request, Response]]:
    """Answers each request by a sequence-to-sequence model: its loss on the labels, the end token included."""
    for number, scored in target_tokens(network, batcher, requests):
        request = requests[number]
        if isinstance(scored, Failure):
            yield request, scored
            continue
        own = network.encoder.pieces([request.target])[0].offsets
        # What is written behind the text, the end token, stands at its end.
        end = len(request.target)
        offsets = [*own, *[(end, end)] * (len(scored.values) - len(own))][: len(scored.values)]
        yield request, with_inputs(_answer(scored.values, offsets, scored.cut), network.encoder.mark(scored.ids))


def _answer(values: FloatArray, offsets: Sequence[tuple[int, int]], cut: int) -> Response:
    if not all(map(math.isfinite, values)):
        return Failure("nan", "the log-likelihood of a token is not a number")
    answer = likelihood(float(values.sum()), len(values), cut)
    return answer if isinstance(answer, Failure) or not offsets else detailed(answer, offsets, values)


def _places(network: Network, request: TargetLikelihood, tokens: int) -> list[tuple[int, int]]:
    """Where each scored token stands in the target; nothing behind messages."""
    if request.messages:
        return []
    join = len(request.context)
    offsets = network.encoder.pieces([request.context + request.target])[0].offsets[-tokens:]
    return [(max(0, start - join), max(0, end - join)) for start, end in offsets]


def _row(plan: ContinuationPlan) -> Row:
    targets = np.asarray(plan.branches[0], dtype=np.int64)
    ids = np.asarray([*plan.trunk, *plan.branches[0][:-1]], dtype=np.int64)
    first = len(plan.trunk) - 1
    return Row(
        ids, np.arange(first, first + len(targets), dtype=np.int64), targets, np.arange(len(targets)), plan.owner
    )


def _length(row: Row) -> int:
    return len(row.ids)

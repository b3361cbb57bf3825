"""The likeliest single tokens: in a gap (masked models), or after a text (causal models)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from harness.core.requests import Completions, Failure, Request, Response, TopCompletions
from harness.models.local.batching import SLACK, Batcher, Row, TooLarge, too_large
from harness.models.local.network import Network
from harness.models.response_builders import with_inputs

_NOTHING = np.zeros(0, dtype=np.int64)


def top_completions(
    network: Network, batcher: Batcher, requests: Sequence[TopCompletions]
) -> Iterator[tuple[Request, Response]]:
    """Answers each request; equal tokens stand in the order of the vocabulary."""
    rows = []
    for owner, request in enumerate(requests):
        made = _row(network, request, owner)
        if isinstance(made, Failure):
            yield request, made
        else:
            rows.append(made)
    rows.sort(key=lambda row: -len(row.ids))
    largest = max((request.k for request in requests), default=0)
    for row, logits in batcher.run(
        rows, lambda row: len(row.ids), lambda batch: network.top_logprobs(batch, largest), slack=SLACK
    ):
        request = requests[row.owner]
        if isinstance(logits, TooLarge):
            yield request, too_large(logits)
            continue
        ids, values = logits[0][: request.k].tolist(), logits[1][: request.k]
        if not np.isfinite(values).all():
            yield request, Failure("nan", "the log-probabilities are not finite")
        else:
            answer = Completions(tuple(map(network.encoder.spell, ids)), tuple(values.tolist()))
            yield request, with_inputs(answer, network.encoder.mark(row.ids.tolist()))


def _row(network: Network, request: TopCompletions, owner: int) -> Row | Failure:
    encoder, limit = network.encoder, network.max_length
    if request.k < 1:
        return Failure("no_token", f"expected k of one or more, found {request.k}")
    if not network.causal:
        try:
            gap = encoder.gap(request.text, limit)
        except ValueError as error:
            return Failure("error", str(error))
        return Row(np.asarray(gap.ids, dtype=np.int64), np.asarray([gap.position]), _NOTHING, _NOTHING, owner)
    ids = encoder.plain([request.text])[0]
    prefix = list(encoder.prefix)
    if not prefix and not ids:
        if encoder.prefix_id is None:
            return Failure("no_token", "the text is empty and the tokenizer has neither BOS nor EOS")
        prefix = [encoder.prefix_id]
    if limit is not None:
        ids = ids[max(0, len(prefix) + len(ids) - limit) :]
    whole = np.asarray([*prefix, *ids], dtype=np.int64)
    return Row(whole, np.asarray([len(whole) - 1]), _NOTHING, _NOTHING, owner)

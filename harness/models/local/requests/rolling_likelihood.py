"""Likelihoods of whole texts by a causal language model, in windows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from harness.core.records import FloatArray
from harness.core.requests import Failure, Likelihood, Request, Response, RollingLikelihood
from harness.models.local.batching import Batcher, Row, TooLarge, too_large
from harness.models.local.network import Network
from harness.models.response_builders import detailed, likelihood, with_inputs

NO_LIMIT = 1_000_000


def rolling_likelihoods(
    network: Network, batcher: Batcher, requests: Sequence[RollingLikelihood]
) -> Iterator[tuple[Request, Response]]:
    """Answers each request: every token of the text is scored once.

    The first window starts with the prefix token (BOS, else EOS). A longer text goes on in
    windows of the maximum length whose first token is the last one scored before; the last
    window is filled up with context on the left. Without a prefix token the first token cannot
    be scored and counts as truncated.
    """
    texts = network.encoder.plain([request.text for request in requests])
    prefix = network.encoder.prefix_id
    pieces: dict[int, list[tuple[int, FloatArray]]] = {}
    rows: list[Row] = []
    counts = [0] * len(requests)
    for owner, ids in enumerate(texts):
        whole = ids if prefix is None else [prefix, *ids]
        for window, first in windows(len(whole) - 1, network.max_length or NO_LIMIT):
            inputs = np.asarray(whole[window.start : window.stop], dtype=np.int64)
            positions = np.arange(first - window.start, len(inputs), dtype=np.int64)
            targets = np.asarray(whole[first + 1 : window.stop + 1], dtype=np.int64)
            rows.append(Row(inputs, positions, targets, np.arange(len(targets)), owner, first))
            counts[owner] += 1
    totals = [0.0] * len(requests)
    failed: dict[int, Failure] = {}
    for owner, request in enumerate(requests):
        if not counts[owner]:
            yield request, likelihood(0.0, 0, len(texts[owner]))
    rows.sort(key=_length, reverse=True)
    for row, values in batcher.run(rows, _length, network.token_logprobs, slack=0.5):
        if isinstance(values, TooLarge):
            failed[row.owner] = too_large(values)
        else:
            totals[row.owner] += float(values.sum())
            if requests[row.owner].details:
                pieces.setdefault(row.owner, []).append((row.first, values))
        counts[row.owner] -= 1
        if not counts[row.owner]:
            request = requests[row.owner]
            unscored = 1 if prefix is None else 0
            tokens = len(texts[row.owner]) - unscored
            unknown = network.encoder.unknown(texts[row.owner])
            answer: Response = failed.get(row.owner) or likelihood(totals[row.owner], tokens, unscored, unknown)
            if request.details and isinstance(answer, Likelihood):
                parts = [values for _, values in sorted(pieces.pop(row.owner), key=lambda part: part[0])]
                offsets = network.encoder.pieces([request.text])[0].offsets[unscored:]
                answer = detailed(answer, offsets, np.concatenate(parts))
            yield request, with_inputs(answer, network.encoder.mark(texts[row.owner]))


def windows(targets: int, size: int) -> Iterator[tuple[range, int]]:
    """Input ranges of at most `size` tokens that predict `targets` tokens, each once.

    Input i predicts token i + 1. Yields (range of inputs, first input whose prediction counts).
    """
    done = 0
    while done < targets:
        end = min(targets, done + size)
        start = 0 if end <= size else end - size
        yield range(start, end), done
        done = end


def _length(row: Row) -> int:
    return len(row.ids)

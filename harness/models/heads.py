"""Classification: by a transformers head, and what every kind of classifier shares."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from harness.core.records import FloatArray
from harness.core.requests import Classify, Failure, Request, Response
from harness.models.answers import choose, too_large
from harness.models.batching import SLACK, Batcher, TooLarge
from harness.models.encoding import encode_texts
from harness.models.network import Network

Encoding = tuple[int, list[int]]


def classifications(
    network: Network, batcher: Batcher, requests: Sequence[Classify], labels: Sequence[str]
) -> Iterator[tuple[Request, Response]]:
    """Answers each request by the network's classification head."""
    encoded = encode_texts(network.encoder, [request.text for request in requests], network.max_length)
    rows: list[Encoding] = []
    for index, (request, ids) in enumerate(zip(requests, encoded.ids, strict=True)):
        ids = ids or start_token(network)
        if ids:
            rows.append((index, ids))
        else:
            yield request, Failure("no_token", "the text is empty and the tokenizer has no token to stand for it")
    rows.sort(key=_length, reverse=True)
    # A causal head reads the last token, so its rows are never padded.
    slack = 0.0 if network.causal else SLACK
    for (index, _), values in batcher.run(
        rows, _length, lambda batch: list(network.class_logprobs([ids for _, ids in batch])), slack=slack
    ):
        if isinstance(values, TooLarge):
            yield requests[index], too_large(values)
        else:
            yield requests[index], choose(requests[index], labels, values, encoded.truncated[index])


def features(network: Network, batcher: Batcher, texts: Sequence[str]) -> tuple[FloatArray, list[int]]:
    """Mean last hidden states float64[n, H] of texts, and how many tokens of each did not fit.

    A text for which memory does not suffice has NaN throughout.
    """
    encoded = encode_texts(network.encoder, texts, network.max_length)
    rows = [(index, ids or start_token(network) or [0]) for index, ids in enumerate(encoded.ids)]
    rows.sort(key=_length, reverse=True)
    found = np.full((len(texts), int(network.base.config.hidden_size)), np.nan)
    for (index, _), values in batcher.run(
        rows, _length, lambda batch: list(network.mean_hidden([ids for _, ids in batch])), slack=SLACK
    ):
        if not isinstance(values, TooLarge):
            found[index] = values
    return found, encoded.truncated


def start_token(network: Network) -> list[int]:
    """What an empty text becomes with a tokenizer that adds no special tokens."""
    return [] if network.encoder.prefix_id is None else [network.encoder.prefix_id]


def _length(row: Encoding) -> int:
    return len(row[1])

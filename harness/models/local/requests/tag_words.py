"""One label per word, by a token head."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from harness.core.errors import unknown
from harness.core.records import FloatArray
from harness.core.requests import Failure, Request, Response, Tag, Tags
from harness.models.encoding.row_encoder import HeadRow, row_length
from harness.models.local.batching import SLACK, Batcher, TooLarge, too_large
from harness.models.local.network import Network
from harness.models.local.requests.head_passes import token_logits
from harness.models.response_builders import log_softmax


def tags(
    network: Network, batcher: Batcher, requests: Sequence[Tag], labels: Sequence[str]
) -> Iterator[tuple[Request, Response]]:
    """Answers each request: the likeliest of the asked labels at each word's first token.

    Log-probabilities are over all labels of the head. `truncated` counts words without a label:
    those beyond the maximum length, and those that are no token at all.
    """
    rows = []
    places: dict[int, list[int | None]] = {}
    for index, request in enumerate(requests):
        missing = [label for label in request.labels if label not in labels]
        if missing or not request.labels:
            what = unknown("label of the model", missing[0], labels) if missing else "no label was asked for"
            yield request, Failure("unsupported", what)
            continue
        ids, places[index] = network.rows.words.encode(request.words, network.max_length)
        if any(place is not None for place in places[index]):
            rows.append(HeadRow(ids, index))
        else:
            yield request, _answer(request, labels, places[index], np.zeros((0, len(labels))))
    rows.sort(key=row_length, reverse=True)
    slack = 0.0 if network.causal else SLACK
    for row, values in batcher.run(rows, row_length, lambda batch: token_logits(network, batch), slack=slack):
        request = requests[row.owner]
        if isinstance(values, TooLarge):
            yield request, too_large(values)
        else:
            yield request, _answer(request, labels, places[row.owner], values)


def _answer(request: Tag, labels: Sequence[str], places: Sequence[int | None], logits: FloatArray) -> Tags | Failure:
    asked = [labels.index(label) for label in request.labels]
    words = [place for place in places if place is not None]
    if not np.isfinite(logits[words]).all():
        return Failure("nan", "the log-probabilities are not finite")
    values = log_softmax(logits[words])[:, asked] if words else np.zeros((0, len(asked)))
    best = iter(zip(values.argmax(axis=1).tolist(), values.max(axis=1, initial=-np.inf).tolist(), strict=True))
    predicted, scores = [], []
    for place in places:
        label, score = (None, 0.0) if place is None else next(best)
        predicted.append("" if label is None else request.labels[label])
        scores.append(score)
    return Tags(tuple(predicted), tuple(scores), sum(place is None for place in places))

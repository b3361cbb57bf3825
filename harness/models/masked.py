"""Pseudo-log-likelihoods and gaps, by a masked language model."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from harness.core.records import FloatArray
from harness.core.requests import Cloze, Failure, Likelihood, PseudoLikelihood, Request, Response
from harness.models.answers import likelihood, scores, too_large
from harness.models.batching import SLACK, Batcher, IntArray, Row, TooLarge
from harness.models.network import Network

_FIRST = np.zeros(1, dtype=np.int64)


def pseudo_likelihoods(
    network: Network, batcher: Batcher, requests: Sequence[PseudoLikelihood]
) -> Iterator[tuple[Request, Response]]:
    """Answers each request; a text of n tokens takes n masked copies, made as they are needed.

    Tokens beyond the maximum length are neither scored nor read, and counted.
    """
    encoder = network.encoder
    room = encoder.room(network.max_length)
    mask = encoder.mask_id
    if mask is None:
        yield from ((request, Failure("unsupported", "the tokenizer has no mask token")) for request in requests)
        return
    pieces = encoder.pieces([request.text for request in requests])
    lengths = [min(len(piece.ids), room) for piece in pieces]
    totals = [0.0] * len(requests)
    waiting = list(lengths)
    failed: dict[int, Failure] = {}
    order = sorted(range(len(requests)), key=lambda index: -lengths[index])

    def rows() -> Iterator[Row]:
        start = len(encoder.prefix)
        for owner in order:
            count = lengths[owner]
            ids = np.asarray(encoder.wrap(pieces[owner].ids[:count]), dtype=np.int64)
            hidden = hidden_tokens(pieces[owner].words[:count], requests[owner].scorer)
            for index in range(count):
                copy = ids.copy()
                copy[start : start + count][hidden[index]] = mask
                position = np.asarray([start + index], dtype=np.int64)
                yield Row(copy, position, ids[position], _FIRST, owner)

    for row, values in batcher.run(rows(), _length, network.token_logprobs):
        if isinstance(values, TooLarge):
            failed[row.owner] = too_large(values)
        else:
            totals[row.owner] += float(values[0])
        waiting[row.owner] -= 1
        if not waiting[row.owner]:
            cut = len(pieces[row.owner].ids) - lengths[row.owner]
            value = failed.get(row.owner) or likelihood(totals[row.owner], lengths[row.owner], cut)
            yield requests[row.owner], value
    for index, request in enumerate(requests):
        if not lengths[index]:
            yield request, Likelihood(0.0, 0, len(pieces[index].ids))


def hidden_tokens(words: Sequence[int], scorer: str) -> npt.NDArray[np.bool_]:
    """bool[n, n]: which tokens are masked while token i is scored.

    `pll`: token i. `pll_word_l2r`: also the later tokens of its word (Kauf and Ivanova 2023).
    """
    count = len(words)
    if scorer == "pll":
        return np.eye(count, dtype=np.bool_)
    word = np.asarray(words)
    hidden: npt.NDArray[np.bool_] = (word[:, None] == word[None]) & np.triu(np.ones((count, count), dtype=np.bool_))
    return hidden


def clozes(network: Network, batcher: Batcher, requests: Sequence[Cloze]) -> Iterator[tuple[Request, Response]]:
    """Answers each request: log of the summed probability of each group's one-token words."""
    if network.encoder.mask_id is None:
        yield from ((request, Failure("unsupported", "the tokenizer has no mask token")) for request in requests)
        return
    words = _Words(network)
    groups: dict[int, list[list[int]]] = {}
    cut: dict[int, int] = {}
    rows = []
    for owner, request in enumerate(requests):
        try:
            gap = network.encoder.gap(request.text, network.max_length)
        except ValueError as error:
            yield request, Failure("error", str(error))
            continue
        groups[owner] = [words.tokens(request.text, group) for group in request.groups]
        empty = [group for group, tokens in zip(request.groups, groups[owner], strict=True) if not tokens]
        if empty:
            yield request, Failure("no_token", f"no word of {', '.join(empty[0]) or 'an empty group'} is one token")
            continue
        cut[owner] = gap.truncated
        targets = np.asarray([token for tokens in groups[owner] for token in tokens], dtype=np.int64)
        position = np.asarray([gap.position], dtype=np.int64)
        rows.append(Row(np.asarray(gap.ids, dtype=np.int64), position, targets, np.zeros_like(targets), owner))
    rows.sort(key=_length, reverse=True)
    for row, values in batcher.run(rows, _length, network.token_logprobs, slack=SLACK):
        if isinstance(values, TooLarge):
            yield requests[row.owner], too_large(values)
            continue
        ends = np.cumsum([len(tokens) for tokens in groups[row.owner]])[:-1]
        yield requests[row.owner], scores([_log_sum(part) for part in np.split(values, ends)], cut[row.owner])


class _Words:
    """Which token fills a gap with a word; the same beside the same characters."""

    def __init__(self, network: Network) -> None:
        self._encoder = network.encoder
        self._known: dict[tuple[str, str, str], int | None] = {}

    def tokens(self, text: str, group: Sequence[str]) -> list[int]:
        left, _, right = text.partition("{mask}")
        found = []
        for word in group:
            key = (left[-1:], right[:1], word)
            if key not in self._known:
                self._known[key] = self._encoder.filling(text, word)
            token = self._known[key]
            if token is not None and token not in found:
                found.append(token)
        return found


def _length(row: Row) -> int:
    ids: IntArray = row.ids
    return len(ids)


def _log_sum(values: FloatArray) -> float:
    with np.errstate(invalid="ignore"):
        return float(np.logaddexp.reduce(values))

"""Pseudo-log-likelihoods and gaps, by a masked language model."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from harness.core.records import FloatArray
from harness.core.requests import PAIRED_SCORERS, Cloze, Failure, Likelihood, PseudoLikelihood, Request, Response
from harness.models.encoding.masked_scorers import DECIMALS, ROUNDED, hidden_tokens, scored_tokens
from harness.models.encoding.text_encoder import Pieces, TextEncoder
from harness.models.local.batching import SLACK, Batcher, IntArray, Row, TooLarge, too_large
from harness.models.local.network import Network
from harness.models.response_builders import detailed, likelihood, scores, with_inputs

_FIRST = np.zeros(1, dtype=np.int64)
_COPIES = 256
"""Made at a time."""


def pseudo_likelihoods(
    network: Network, batcher: Batcher, requests: Sequence[PseudoLikelihood]
) -> Iterator[tuple[Request, Response]]:
    """Answers each request; a text of n scored tokens takes n masked copies, made as they are needed.

    Tokens beyond the maximum length are neither scored nor read, and counted; in a pair, each
    sentence is cut before the two are aligned.
    """
    encoder = network.encoder
    room = encoder.room(network.max_length)
    mask = encoder.mask_id
    if mask is None:
        yield from ((request, Failure("unsupported", "the tokenizer has no mask token")) for request in requests)
        return
    pieces = encoder.pieces([request.text for request in requests])
    others = _partners(encoder, requests, pieces)
    lengths = [min(len(piece.ids), room) for piece in pieces]
    scored: list[list[int]] = []
    for index, request in enumerate(requests):
        ids, other = pieces[index].ids[:room], others[index][:room]
        around = (encoder.prefix, encoder.suffix)
        places = scored_tokens(request.scorer, ids, other, *around, second=request.second)
        refusal = _refusal(request, places)
        if refusal is not None:
            yield request, refusal
        elif not places:
            yield request, Likelihood(0.0, 0, len(pieces[index].ids) - lengths[index])
        scored.append([] if refusal is not None else places)
    values_by_text = [np.zeros(len(places)) for places in scored]
    waiting = list(map(len, scored))
    failed: dict[int, Failure] = {}
    order = sorted((index for index in range(len(requests)) if scored[index]), key=lambda index: -lengths[index])

    def rows() -> Iterator[Row]:
        for owner in order:
            scorer, count = requests[owner].scorer, lengths[owner]
            yield from _masked_copies(encoder, pieces[owner], scorer, scored[owner], count, owner, mask)

    for row, values in batcher.run(rows(), _length, _forward(network, batcher)):
        owner = row.owner
        if isinstance(values, TooLarge):
            failed[owner] = too_large(values)
        else:
            values_by_text[owner][row.first] = values[0]
        waiting[owner] -= 1
        if not waiting[owner]:
            cut = len(pieces[owner].ids) - lengths[owner]
            request = requests[owner]
            total = float(values_by_text[owner].sum())
            if request.scorer in ROUNDED:
                total = round(total, DECIMALS)
            answer: Response = failed.get(owner) or likelihood(
                total, len(scored[owner]), cut, encoder.unknown(pieces[owner].ids)
            )
            if request.details and isinstance(answer, Likelihood):
                answer = detailed(
                    answer, [pieces[owner].offsets[place] for place in scored[owner]], values_by_text[owner]
                )
            yield request, with_inputs(answer, encoder.mark(pieces[owner].ids[: lengths[owner]]))


def _masked_copies(
    encoder: TextEncoder, piece: Pieces, scorer: str, places: Sequence[int], count: int, owner: int, mask: int
) -> Iterator[Row]:
    """One copy of a text per scored token, in which the scorer hides that token; only `count` tokens are read."""
    start = len(encoder.prefix)
    ids = np.asarray(encoder.wrap(piece.ids[:count]), dtype=np.int64)
    hidden = hidden_tokens(piece.words[:count], scorer)[places]
    positions = start + np.asarray(places, dtype=np.int64)
    targets = ids[positions]
    for first in range(0, len(hidden), _COPIES):
        copies = np.tile(ids, (len(hidden[first : first + _COPIES]), 1))
        copies[:, start : start + count][hidden[first : first + _COPIES]] = mask
        for number, copy in enumerate(copies, first):
            own = slice(number, number + 1)
            yield Row(copy, positions[own], targets[own], _FIRST, owner, number)


def _partners(encoder: TextEncoder, requests: Sequence[PseudoLikelihood], pieces: Sequence[Pieces]) -> list[list[int]]:
    """Tokens of each request's partner, which mostly is the text of another request."""
    known = {request.text: piece.ids for request, piece in zip(requests, pieces, strict=True)}
    known[""] = []
    texts = [request.other or "" for request in requests]
    missing = [text for text in dict.fromkeys(texts) if text not in known]
    known.update(zip(missing, encoder.plain(missing), strict=True))
    return [known[text] for text in texts]


def _refusal(request: PseudoLikelihood, places: Sequence[int]) -> Failure | None:
    """A failure for a scorer of pairs that has no partner, or finds nothing to score."""
    if request.scorer not in PAIRED_SCORERS:
        return None if request.other is None else Failure("error", f"{request.scorer} reads no partner; one was given")
    if request.other is None:
        return Failure("error", f"{request.scorer} needs the sentence's partner")
    if not places and request.scorer not in ROUNDED:
        return Failure("no_token", f"{request.scorer} finds no token to score")
    return None


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
    for row, values in batcher.run(rows, _length, _forward(network, batcher), slack=SLACK):
        if isinstance(values, TooLarge):
            yield requests[row.owner], too_large(values)
            continue
        ends = np.cumsum([len(tokens) for tokens in groups[row.owner]])[:-1]
        answer = scores([_log_sum(part) for part in np.split(values, ends)], cut[row.owner])
        yield requests[row.owner], with_inputs(answer, network.encoder.mark(row.ids.tolist()))


class _Words:
    """Which token fills a gap with a word; the same beside the same characters."""

    def __init__(self, network: Network) -> None:
        self._encoder = network.encoder
        self._known: dict[tuple[str, str, str], int | None] = {}

    def tokens(self, text: str, group: Sequence[str]) -> list[int]:
        left, _, right = text.partition("{mask}")
        tokens = []
        for word in group:
            key = (left[-1:], right[:1], word)
            if key not in self._known:
                self._known[key] = self._encoder.filling(text, word)
            token = self._known[key]
            if token is not None and token not in tokens:
                tokens.append(token)
        return tokens


def _forward(network: Network, batcher: Batcher) -> Callable[[Sequence[Row]], list[FloatArray]]:
    """How rows that ask about one place each are read."""
    return network.fast_paths.masked_rows(batcher) or network.token_logprobs


def _length(row: Row) -> int:
    ids: IntArray = row.ids
    return len(ids)


def _log_sum(values: FloatArray) -> float:
    with np.errstate(invalid="ignore"):
        return float(np.logaddexp.reduce(values))

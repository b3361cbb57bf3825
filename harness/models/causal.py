"""Likelihoods by a causal language model: whole texts, and continuations of a context."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from harness.core.records import FloatArray
from harness.core.requests import Continuations, Failure, Likelihood, Request, Response, RollingLikelihood
from harness.models.answers import detailed, likelihood, scores, too_large
from harness.models.batching import Batcher, Row, TooLarge
from harness.models.chat import ChatError
from harness.models.encoding import Pieces, TextEncoder
from harness.models.network import Network

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
    found: dict[int, list[tuple[int, FloatArray]]] = {}
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
                found.setdefault(row.owner, []).append((row.first, values))
        counts[row.owner] -= 1
        if not counts[row.owner]:
            request = requests[row.owner]
            unscored = 1 if prefix is None else 0
            tokens = len(texts[row.owner]) - unscored
            answer = failed.get(row.owner) or likelihood(totals[row.owner], tokens, unscored)
            if request.details and isinstance(answer, Likelihood):
                parts = [values for _, values in sorted(found.pop(row.owner), key=lambda part: part[0])]
                offsets = network.encoder.pieces([request.text])[0].offsets[unscored:]
                answer = detailed(answer, offsets, np.concatenate(parts))
            yield request, answer


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


def continuations(
    network: Network, batcher: Batcher, requests: Sequence[Continuations]
) -> Iterator[tuple[Request, Response]]:
    """Answers each request: the log-likelihood of each option after the context.

    An option whose input is the beginning of another's is read from the same row.
    """
    plain = [request for request in requests if not request.messages]
    pieces = iter(network.encoder.pieces([request.context + option for request in plain for option in request.options]))
    results: dict[int, list[float]] = {}
    rows: list[tuple[Row, list[_Part]]] = []
    cut: dict[int, int] = {}
    waiting: dict[int, int] = {}
    failed: dict[int, Failure] = {}
    for owner, request in enumerate(requests):
        if not all(request.options):
            yield request, Failure("no_token", "an option is empty")
            for _ in () if request.messages else request.options:
                next(pieces)
            continue
        if request.messages:
            try:
                context, options = _after_messages(network, request)
            except ChatError as error:
                yield request, Failure("error", str(error))
                continue
        else:
            context, options = request.context, [next(pieces) for _ in request.options]
        head = () if request.messages else network.encoder.prefix
        planned = _plan(network.encoder, context, options, head, network.max_length or NO_LIMIT)
        if isinstance(planned, Failure):
            yield request, planned
            continue
        inputs, cut[owner] = planned
        results[owner] = [0.0] * len(options)
        made = [_row(parts, owner) for parts in _shared(inputs)]
        waiting[owner] = len(made)
        rows.extend(made)
    rows.sort(key=lambda row: -len(row[0].ids))
    for (row, parts), values in batcher.run(
        rows, lambda row: len(row[0].ids), lambda batch: network.token_logprobs([row for row, _ in batch]), slack=0.5
    ):
        if isinstance(values, TooLarge):
            failed[row.owner] = too_large(values)
        else:
            order = np.repeat([part.option for part in parts], [len(part.targets) for part in parts])
            order = order[_order(parts)]
            for part in parts:
                results[row.owner][part.option] = float(values[order == part.option].sum())
        waiting[row.owner] -= 1
        if not waiting[row.owner]:
            value = failed.get(row.owner) or scores(results[row.owner], cut[row.owner])
            yield requests[row.owner], value


@dataclass(frozen=True, slots=True)
class _Part:
    """One option: its input ids, and the targets that its last inputs predict."""

    option: int
    inputs: list[int]
    targets: list[int]

    @property
    def positions(self) -> range:
        return range(len(self.inputs) - len(self.targets), len(self.inputs))


def _after_messages(network: Network, request: Continuations) -> tuple[str, list[Pieces]]:
    """The rendered prompt, and the tokens of it with each option.

    Raises:
        ChatError: when there is also a context, or no template for the messages.
    """
    if request.context:
        raise ChatError("messages stand in place of a context; both were given")
    chat = network.chat
    prompt = chat.prompt(request.messages)
    return prompt, [chat.pieces(prompt + chat.hide(option)) for option in request.options]


def _plan(
    encoder: TextEncoder, context: str, options: Sequence[Pieces], prefix: Sequence[int], limit: int
) -> tuple[list[_Part], int] | Failure:
    """What each option reads and predicts, and how many tokens of context did not fit.

    Trailing white space of the context belongs to the continuation, and so does a token that
    overlaps the join. All options are scored from the earliest token that one of them changes.
    """
    join = len(context.rstrip())
    if not options:
        return Failure("no_token", "there is no option")
    starts = [next((i for i, (_, end) in enumerate(piece.offsets) if end > join), len(piece.ids)) for piece in options]
    if any(start == len(piece.ids) for start, piece in zip(starts, options, strict=True)):
        return Failure("no_token", "an option has no token of its own")
    first = min(_common([piece.ids for piece in options]), *starts)
    head = list(prefix)
    if not head and first == 0:
        if encoder.prefix_id is None:
            return Failure("no_token", "the context is empty and the tokenizer has neither BOS nor EOS")
        head = [encoder.prefix_id]
    longest = max(len(piece.ids) - first for piece in options)
    excess = max(0, len(head) + first + longest - 1 - limit)
    if excess > first or (excess == first and not head):
        return Failure("too_long", f"a continuation of {longest} tokens does not fit into {limit}")
    parts = []
    for index, piece in enumerate(options):
        whole = [*head, *piece.ids[excess:]]
        parts.append(_Part(index, whole[:-1], piece.ids[first:]))
    return parts, excess


def _common(lists: Sequence[Sequence[int]]) -> int:
    """Length of the longest common beginning."""
    for index, column in enumerate(zip(*lists, strict=False)):
        if len(set(column)) > 1:
            return index
    return min(map(len, lists))


def _shared(parts: Sequence[_Part]) -> list[list[_Part]]:
    """Groups of options of which the first one's input begins with each other one's."""
    groups: list[list[_Part]] = []
    for part in sorted(parts, key=lambda part: -len(part.inputs)):
        for group in groups:
            if group[0].inputs[: len(part.inputs)] == part.inputs:
                group.append(part)
                break
        else:
            groups.append([part])
    return groups


def _order(parts: Sequence[_Part]) -> np.ndarray[tuple[int], np.dtype[np.intp]]:
    places = np.concatenate([np.asarray(part.positions) for part in parts])
    return np.argsort(places, kind="stable")


def _row(parts: list[_Part], owner: int) -> tuple[Row, list[_Part]]:
    places = np.concatenate([np.asarray(part.positions) for part in parts])
    order = _order(parts)
    positions, at = np.unique(places[order], return_inverse=True)
    targets = np.concatenate([np.asarray(part.targets, dtype=np.int64) for part in parts])[order]
    ids = np.asarray(parts[0].inputs, dtype=np.int64)
    return Row(ids, positions.astype(np.int64), targets, at.astype(np.int64), owner), parts


def _length(row: Row) -> int:
    return len(row.ids)

"""The part of a context that answers a question, by a span head; long contexts in windows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from harness.core.records import FloatArray
from harness.core.requests import ExtractSpan, Failure, Request, Response, SpanAnswer
from harness.models.encoding.row_encoder import row_length
from harness.models.encoding.span_windows import Window, windows_of
from harness.models.encoding.text_encoder import Pieces
from harness.models.local.batching import SLACK, Batcher, TooLarge, too_large
from harness.models.local.network import Network
from harness.models.local.requests.head_passes import span_logits, warn_of_types


def spans(network: Network, batcher: Batcher, requests: Sequence[ExtractSpan]) -> Iterator[tuple[Request, Response]]:
    """Answers each request from all windows of its context.

    A question that is longer than half the room is cut from the right where the context needs the other half, and
    counted. A candidate
    is a start and an end in one window, at most `max_answer_tokens` long; its score is the sum of
    both logits, less log Σ exp over the starts, and over the ends, of all windows. "No answer" is the
    first token, and takes part where it is allowed; its score is its lowest over the windows.
    """
    warn_of_types(network, batcher, "span")
    questions = network.encoder.plain([request.question for request in requests])
    contexts = network.encoder.pieces([request.context for request in requests])
    windows: list[Window] = []
    logits_by_row: dict[int, dict[int, FloatArray]] = {}
    made: dict[int, list[Window]] = {}
    cut: dict[int, int] = {}
    waiting: dict[int, int] = {}
    failed: dict[int, Failure] = {}
    for index, request in enumerate(requests):
        if not contexts[index].ids:
            yield request, Failure("no_token", "the context is empty")
            continue
        if request.max_answer_tokens < 1:
            yield request, Failure("no_token", "an answer needs at least one token")
            continue
        planned = windows_of(network.rows, questions[index], contexts[index].ids, network.max_length, index)
        if planned is None:
            yield request, Failure("too_long", f"{network.max_length} tokens leave no room for the context")
            continue
        made[index], cut[index] = planned
        logits_by_row[index], waiting[index] = {}, len(made[index])
        windows.extend(made[index])
    windows.sort(key=lambda window: -row_length(window.row))
    for window, values in batcher.run(
        windows,
        lambda window: row_length(window.row),
        lambda batch: span_logits(network, [window.row for window in batch]),
        slack=SLACK,
    ):
        owner = window.row.owner
        if isinstance(values, TooLarge):
            failed[owner] = too_large(values)
        else:
            logits_by_row[owner][window.first] = values
        waiting[owner] -= 1
        if not waiting[owner]:
            logits = logits_by_row.pop(owner)
            if owner in failed:
                yield requests[owner], failed[owner]
            else:
                parts = [(part, logits[part.first]) for part in made[owner]]
                yield requests[owner], best_span(requests[owner], contexts[owner], parts, cut[owner])


def best_span(
    request: ExtractSpan, context: Pieces, parts: Sequence[tuple[Window, FloatArray]], truncated: int
) -> SpanAnswer | Failure:
    """The best candidate of all windows; the earliest and shortest of equal ones."""
    null = request.null_allowed and all(window.null for window, _ in parts)
    starts, ends, nulls = [], [], []
    best: tuple[float, int, int] | None = None
    for window, logits in parts:
        if not np.isfinite(logits).all():
            return Failure("nan", "the logits of the span head are not finite")
        part = logits[window.begin : window.begin + window.size]
        starts.append(part[:, 0])
        ends.append(part[:, 1])
        if null:
            starts.append(logits[:1, 0])
            ends.append(logits[:1, 1])
            nulls.append(float(logits[0].sum()))
        score, start, end = _best(part, request.max_answer_tokens)
        if best is None or score > best[0]:
            best = (score, window.first + start, window.first + end)
    assert best is not None
    total = float(np.logaddexp.reduce(np.concatenate(starts)) + np.logaddexp.reduce(np.concatenate(ends)))
    score, first, last = best
    null_score = min(nulls) - total if null else None
    if null_score is not None and null_score >= score - total:
        return SpanAnswer("", 0, 0, score - total, null_score, truncated)
    begin, end = _trimmed(request.context, context.offsets[first][0], context.offsets[last][1])
    return SpanAnswer(request.context[begin:end], begin, end, score - total, null_score, truncated)


def _best(part: FloatArray, longest: int) -> tuple[float, int, int]:
    """The best (score, start, end) with start ≤ end < start + longest."""
    best = (-np.inf, 0, 0)
    count = len(part)
    for length in range(min(longest, count)):
        values = part[: count - length, 0] + part[length:, 1]
        start = int(values.argmax())
        if (float(values[start]), -start) > (best[0], -best[1]):
            best = (float(values[start]), start, start + length)
    return best


def _trimmed(text: str, begin: int, end: int) -> tuple[int, int]:
    """The range without white space at its ends; empty where there is nothing else."""
    piece = text[begin:end]
    start = begin + len(piece) - len(piece.lstrip())
    return start, max(start, end - (len(piece) - len(piece.rstrip())))

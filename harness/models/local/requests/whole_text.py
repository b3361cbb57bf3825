"""Whole texts in one row: classes, next sentences, vectors."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from harness.core.records import FloatArray
from harness.core.requests import Classify, Embed, Embedding, Failure, NextSentence, Regress, Request, Response
from harness.models.checkpoint.checkpoint_heads import Head
from harness.models.encoding.row_encoder import HeadRow, row_length
from harness.models.encoding.text_encoder import Encoded, encode_texts
from harness.models.local.batching import SLACK, Batcher, TooLarge, too_large
from harness.models.local.network import Network
from harness.models.local.requests.head_passes import hidden_states, warn_of_types, whole_row_reader
from harness.models.local.sentence_modules import NO_MODULES, SentenceModules
from harness.models.network_settings import NetworkSettings
from harness.models.response_builders import choose, log_sigmoid, log_softmax, scores, with_inputs

if TYPE_CHECKING:
    from transformers import PreTrainedConfig


def numbers(network: Network, batcher: Batcher, requests: Sequence[Regress]) -> Iterator[tuple[Request, Response]]:
    """Answers each request by the one row of the network's head for whole texts, through its activation."""
    activation = _activation(network.heads["sequence"].config)
    encoded = network.rows.rows(
        [request.text for request in requests], [request.pair for request in requests], network.max_length
    )
    rows = [HeadRow(made.ids, index, made.types) for index, made in enumerate(encoded) if made.ids]
    for index, made in enumerate(encoded):
        if not made.ids:
            yield requests[index], Failure("no_token", "the text is empty and the tokenizer has no token for it")
    if any(request.pair is not None for request in requests):
        warn_of_types(network, batcher, "sequence")
    for row, values in head_logits(network, batcher, "sequence", rows):
        request = requests[row.owner]
        if isinstance(values, TooLarge):
            yield request, too_large(values)
        else:
            given = np.exp(log_sigmoid(values)) if activation == "Sigmoid" else values
            answer = scores(given.tolist(), encoded[row.owner].truncated)
            yield request, with_inputs(answer, network.encoder.mark(row.ids, row.types or ()))


def _activation(config: PreTrainedConfig) -> str:
    """The function that a cross-encoder of sentence-transformers names for its score; empty where none is named."""
    settings = NetworkSettings.of(config)
    kept = settings.sentence_transformers
    name = kept.get("activation_fn") if isinstance(kept, dict) else None
    return str(name or settings.sbert_ce_default_activation_function or "").rpartition(".")[2]


def classifications(
    network: Network, batcher: Batcher, requests: Sequence[Classify], labels: Sequence[str]
) -> Iterator[tuple[Request, Response]]:
    """Answers each request by the network's head for whole texts.

    Two texts share the room: the longer one loses tokens first. A head that its configuration
    trained for one kind of question is not asked the other kind.
    """
    truncated = [0] * len(requests)
    singles: list[HeadRow] = []
    pairs: list[HeadRow] = []
    kind = network.heads["sequence"].config.problem_type
    encoded = network.rows.rows(
        [request.text for request in requests], [request.pair for request in requests], network.max_length
    )
    for index, (request, made) in enumerate(zip(requests, encoded, strict=True)):
        misfit = _misfit(request, kind)
        if misfit is not None:
            yield request, misfit
            continue
        truncated[index] = made.truncated
        if made.ids:
            (singles if request.pair is None else pairs).append(HeadRow(made.ids, index, made.types))
        else:
            yield request, Failure("no_token", "the text is empty and the tokenizer has no token to stand for it")
    if pairs:
        warn_of_types(network, batcher, "sequence")
    for rows in (singles, pairs):
        for row, values in head_logits(network, batcher, "sequence", rows):
            request = requests[row.owner]
            if isinstance(values, TooLarge):
                yield request, too_large(values)
            else:
                scored = log_sigmoid(values) if request.independent else log_softmax(values)
                chosen = choose(request, labels, scored, truncated[row.owner])
                yield request, with_inputs(chosen, network.encoder.mark(row.ids, row.types or ()))


def next_sentences(
    network: Network, batcher: Batcher, requests: Sequence[NextSentence]
) -> Iterator[tuple[Request, Response]]:
    """Answers each request: log P(second follows first), log P(it does not)."""
    warn_of_types(network, batcher, "next_sentence")
    encoded = network.rows.rows(
        [request.first for request in requests], [request.second for request in requests], network.max_length
    )
    rows = [HeadRow(row.ids, index, row.types) for index, row in enumerate(encoded)]
    for head_row, values in head_logits(network, batcher, "next_sentence", rows):
        index = head_row.owner
        if isinstance(values, TooLarge):
            yield requests[index], too_large(values)
        else:
            answer = scores(log_softmax(values).tolist(), encoded[index].truncated)
            yield requests[index], with_inputs(answer, network.encoder.mark(head_row.ids, head_row.types or ()))


def head_logits(
    network: Network, batcher: Batcher, head: Head, rows: list[HeadRow]
) -> Iterator[tuple[HeadRow, FloatArray | TooLarge]]:
    """Each row with its logits float64[K], in batches."""
    rows.sort(key=row_length, reverse=True)
    # A causal head reads the last token, so its rows are never padded.
    slack = 0.0 if network.causal else SLACK
    if rows:
        yield from batcher.run(rows, row_length, whole_row_reader(network, head, batcher), slack=slack)


def features(network: Network, batcher: Batcher, texts: Sequence[str]) -> tuple[FloatArray, list[int]]:
    """Mean last hidden states float64[n, H] of texts over the tokens between the special ones (over all
    where there is no other), and how many tokens of each did not fit.

    A text for which memory does not suffice has NaN throughout.
    """
    encoded = encode_texts(network.encoder, texts, network.max_length)
    vectors = np.full((len(texts), network.hidden_size), np.nan)
    for row, states in text_states(network, batcher, encoded):
        if not isinstance(states, TooLarge):
            content = states[encoded.prefix : len(states) - encoded.suffix]
            vectors[row.owner] = (content if len(content) else states).mean(axis=0)
    return vectors, encoded.truncated


def pooled(states: FloatArray, pooling: str) -> FloatArray:
    """One vector of a text's last hidden states float64[L, H]: float64[H], or of several poolings joined."""
    return np.concatenate([_POOLINGS[name](states) for name in pooling.split("+")])


def _by_place(states: FloatArray) -> FloatArray:
    weights = np.arange(1, len(states) + 1)[:, None]
    mean: FloatArray = (states * weights).sum(axis=0) / weights.sum()
    return mean


_POOLINGS: Mapping[str, Callable[[FloatArray], FloatArray]] = {
    "mean": lambda states: states.mean(axis=0),
    "first": lambda states: states[0],
    "last": lambda states: states[-1],
    "max": lambda states: states.max(axis=0),
    "mean_sqrt": lambda states: states.sum(axis=0) / np.sqrt(len(states)),
    "weighted_mean": _by_place,
}
"""As sentence-transformers makes them."""


def embeddings(
    network: Network, batcher: Batcher, requests: Sequence[Embed], own: SentenceModules = NO_MODULES
) -> Iterator[tuple[Request, Response]]:
    """Answers each request by its pooling over all tokens as the model reads them, and the encoder's own steps.

    Special tokens count, as sentence encoders are trained.
    """
    asked = []
    for request in requests:
        misfit = _unknown_step(request, own)
        if misfit is None:
            asked.append(request)
        else:
            yield request, misfit
    texts = [own.prompts.get(request.prompt, "") + request.text for request in asked]
    limits = [limit for limit in (network.max_length, own.max_length) if limit is not None]
    encoded = encode_texts(network.encoder, texts, min(limits, default=None))
    for row, states in text_states(network, batcher, encoded):
        request = asked[row.owner]
        if isinstance(states, TooLarge):
            yield request, too_large(states)
            continue
        pooling, steps, _ = request.pooling.partition(">")
        vector = pooled(states, pooling)
        if steps:
            vector = own.after(vector)
        if not np.isfinite(vector).all():
            yield request, Failure("nan", "the embedding is not finite")
        else:
            values = tuple(vector.astype(np.float32).tolist())
            answer = Embedding(values, encoded.truncated[row.owner])
            yield request, with_inputs(answer, network.encoder.mark(row.ids))


def _unknown_step(request: Embed, own: SentenceModules) -> Failure | None:
    if ">" in request.pooling and request.pooling != own.chain:
        return Failure("unsupported", f"the encoder's own steps are {own.chain}, not {request.pooling}")
    if request.prompt and request.prompt not in own.prompts:
        known = ", ".join(own.prompts) or "none"
        return Failure("unsupported", f"the encoder has no prompt {request.prompt!r}; its prompts: {known}")
    return None


def text_states(
    network: Network, batcher: Batcher, encoded: Encoded
) -> Iterator[tuple[HeadRow, FloatArray | TooLarge]]:
    """Each text's row with its last hidden states float64[L, H], in any order."""
    rows = [HeadRow(ids or network.rows.beginning or [0], index) for index, ids in enumerate(encoded.ids)]
    rows.sort(key=row_length, reverse=True)
    yield from batcher.run(rows, row_length, lambda batch: hidden_states(network, batch), slack=SLACK)


def _misfit(request: Classify, kind: str | None) -> Failure | None:
    if request.independent and kind == "single_label_classification":
        return Failure("unsupported", "the head chooses one label; its labels are not independent questions")
    if not request.independent and kind == "multi_label_classification":
        return Failure("unsupported", "the head answers each label on its own; ask with independent labels")
    return None

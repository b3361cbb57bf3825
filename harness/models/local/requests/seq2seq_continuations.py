"""Likelihoods of options by a sequence-to-sequence model, under teacher forcing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from harness.core.records import FloatArray
from harness.core.requests import Continuations, Failure, Request, Response, TargetLikelihood
from harness.models.encoding.embeddings import embedding_rows
from harness.models.encoding.text_encoder import encode_texts
from harness.models.local.batching import SLACK, Batcher, IntArray, TooLarge, too_large
from harness.models.local.decoding.steppers import decoder_start
from harness.models.local.decoding.uncached_decoding import target_logits
from harness.models.local.forward_patch import FAULTS
from harness.models.local.network import Network
from harness.models.local.padding_checks import rounding
from harness.models.response_builders import scores, with_inputs

_CHECKED = 12


@dataclass(frozen=True, slots=True, eq=False)
class _Source:
    """One context and its options.

    Attributes:
        ids: int64[L], what the encoder reads.
        targets: the labels of each option.
        owner: which request it is.
        cut: tokens of the context that did not fit.
    """

    ids: IntArray
    targets: list[IntArray]
    owner: int
    cut: int

    @property
    def size(self) -> int:
        return len(self.ids) + sum(len(target) for target in self.targets)


def continuations(
    network: Network, batcher: Batcher, requests: Sequence[Continuations]
) -> Iterator[tuple[Request, Response]]:
    """Answers each request: log-likelihood of each option as the decoder's whole output.

    The labels are the option as the tokenizer writes a target, its end token included, and all
    of them are scored; the decoder's start token and padding never are. The context is cut from the
    right, as such models are trained.
    """
    sources = []
    for owner, request in enumerate(requests):
        made = _source(network, request, owner)
        if isinstance(made, Failure):
            yield request, made
        else:
            sources.append(made)
    sources.sort(key=lambda source: -source.size)
    score = _score
    if sources and not network.is_exact("padding", lambda: _together_as_alone(network)):
        batcher.tell_once("padding changes this model's answers: each context and option is read on its own.")
        score = _score_alone
    for source, values in batcher.run(
        sources, lambda source: source.size, lambda batch: score(network, batch), slack=SLACK
    ):
        request = requests[source.owner]
        if isinstance(values, TooLarge):
            yield request, too_large(values)
            continue
        marks = [network.encoder.mark([*source.ids.tolist(), *target.tolist()]) for target in source.targets]
        yield request, with_inputs(scores(values.tolist(), source.cut), *marks)


@dataclass(frozen=True, slots=True, eq=False)
class ScoredTarget:
    """The tokens of one target.

    Attributes:
        values: float64[T], the log-likelihood of each label.
        ids: what was read and scored.
        cut: tokens of the context that did not fit.
    """

    values: FloatArray
    ids: list[int]
    cut: int


def target_tokens(
    network: Network, batcher: Batcher, requests: Sequence[TargetLikelihood]
) -> Iterator[tuple[int, ScoredTarget | Failure]]:
    """The number of each request, with the log-likelihoods of its labels."""
    sources = []
    for owner, request in enumerate(requests):
        made = _source(network, Continuations(request.context, (request.target,), request.messages), owner)
        if isinstance(made, Failure):
            yield owner, made
        else:
            sources.append(made)
    sources.sort(key=lambda source: -source.size)
    together = not sources or network.is_exact("padding", lambda: _together_as_alone(network))

    def score(batch: Sequence[_Source]) -> list[FloatArray]:
        parts = [batch] if together else [[source] for source in batch]
        return [values for part in parts for values in _label_values(network, part)]

    for source, values in batcher.run(sources, lambda source: source.size, score, slack=SLACK):
        if isinstance(values, TooLarge):
            yield source.owner, too_large(values)
        else:
            yield source.owner, ScoredTarget(values, [*source.ids.tolist(), *source.targets[0].tolist()], source.cut)


def _label_values(network: Network, batch: Sequence[_Source]) -> list[FloatArray]:
    """float64[T] log-likelihoods of the labels of every source's only target."""
    values = _label_logprobs(network, batch).cpu().numpy()
    return [row[: len(source.targets[0])] for row, source in zip(values, batch, strict=True)]


def _source(network: Network, request: Continuations, owner: int) -> _Source | Failure:
    encoder, limit = network.encoder, network.max_length
    if request.messages:
        return Failure("unsupported", "a sequence-to-sequence model is not asked by messages")
    if not request.options or not all(request.options):
        return Failure("no_token", "an option is empty" if request.options else "there is no option")
    encoded = encode_texts(encoder, [request.context], limit)
    ids = encoded.ids[0] or ([] if encoder.prefix_id is None else [encoder.prefix_id])
    if not ids:
        return Failure("no_token", "the context is empty and the tokenizer has no token to stand for it")
    targets = [np.asarray(encoder.wrap(option), dtype=np.int64) for option in encoder.plain(request.options)]
    if not all(len(target) for target in targets):
        return Failure("no_token", "an option has no token of its own")
    longest = max(map(len, targets))
    if network.max_target is not None and longest > network.max_target:
        return Failure("too_long", f"an option of {longest} tokens does not fit into {network.max_target}")
    return _Source(np.asarray(ids, dtype=np.int64), targets, owner, encoded.truncated[0])


def _score_alone(network: Network, batch: Sequence[_Source]) -> list[FloatArray]:
    """As `_score`, by one plain forward pass for each option."""
    start = decoder_start(network)
    scored = []
    for source in batch:
        values = []
        for target in source.targets:
            logits = target_logits(network, source.ids, [start, *target[:-1].tolist()])
            labels = network.tensor(target)
            picked = logits.gather(-1, labels[:, None])[:, 0] - torch.logsumexp(logits, dim=-1)
            values.append(float(picked.double().sum()))
        scored.append(np.asarray(values))
    return scored


def _together_as_alone(network: Network) -> bool:
    """Whether sources and targets of unlike length get in one batch what they get alone, tried on random tokens."""
    room = min(_CHECKED, network.max_length or _CHECKED, network.max_target or _CHECKED)
    if room < 4:
        return False
    rows = embedding_rows(network.base)
    ids = np.random.default_rng(0).integers(0, rows, (5, room))
    lengths = [room, room // 2, room // 2 + 1, room // 3, room]
    parts = [row[:length] for row, length in zip(ids, lengths, strict=True)]
    batch = [_Source(parts[0], parts[2:4], 0, 0), _Source(parts[1], parts[4:], 1, 0)]
    try:
        scored = np.concatenate(_score(network, batch))
    except FAULTS:
        return False
    expected = np.concatenate(_score_alone(network, batch))
    assert network.language_model is not None
    share = rounding(network.language_model)
    return bool(np.allclose(scored, expected, rtol=share, atol=share, equal_nan=True))


def _score(network: Network, batch: Sequence[_Source]) -> list[FloatArray]:
    """float64 log-likelihoods of each source's options; the encoder reads each source once."""
    totals = _label_logprobs(network, batch).sum(dim=1).cpu().numpy()
    return np.split(totals, np.cumsum([len(source.targets) for source in batch])[:-1])


@torch.inference_mode()
def _label_logprobs(network: Network, batch: Sequence[_Source]) -> torch.Tensor:
    """float64[options, labels] log-likelihoods of every label of every option, 0 behind the last one."""
    model = network.language_model
    assert model is not None
    ids, mask = network.pad([source.ids for source in batch], masked=True)
    encoded = model.get_encoder()(input_ids=ids, attention_mask=mask)
    targets = [target for source in batch for target in source.targets]
    owner = network.tensor(np.repeat(np.arange(len(batch)), [len(source.targets) for source in batch]))
    encoded.last_hidden_state = encoded.last_hidden_state[owner]
    labels = network.pad(targets, masked=False, fill=-1)[0]
    start = decoder_start(network)
    inputs = torch.cat([labels.new_full((len(targets), 1), start), labels[:, :-1]], dim=1)
    logits = model(
        encoder_outputs=encoded,
        attention_mask=None if mask is None else mask[owner],
        decoder_input_ids=inputs.clamp(min=0),
        use_cache=False,
    ).logits.float()
    values = logits.gather(-1, labels.clamp(min=0)[..., None])[..., 0] - torch.logsumexp(logits, dim=-1)
    kept: torch.Tensor = values.double().masked_fill(labels < 0, 0.0)
    return kept

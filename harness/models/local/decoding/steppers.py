"""Models that read token by token: causal ones, and decoders with an encoder."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import torch

from harness.core.errors import CheckpointError
from harness.core.requests import Failure, Generate, Request, Response
from harness.models.encoding.chat_template import ChatError
from harness.models.encoding.text_encoder import encode_texts
from harness.models.local.batching import Batcher
from harness.models.local.decoding.decoding_loop import Prompt, Stepper, generations, refused
from harness.models.local.decoding.uncached_decoding import Rereading, RereadingDecoder, writes_alike
from harness.models.local.network import Network, accepts


def generate(network: Network, batcher: Batcher, requests: Sequence[Generate]) -> Iterator[tuple[Request, Response]]:
    """Answers each request by the network's language model; prompts are cut from the left."""
    prompts = []
    for request in requests:
        prompt = _source if network.family == "seq2seq" else _prompt
        made = refused(request) or prompt(network, request)
        if isinstance(made, Failure):
            yield request, made
        else:
            prompts.append(made)
    for part, make in _ways(network, batcher, prompts):
        yield from generations(
            part,
            batcher,
            network.encoder,
            ends(network),
            lambda make=make: network.decoding(make()),
        )


def _ways(
    network: Network, batcher: Batcher, prompts: Sequence[Prompt]
) -> Iterator[tuple[Sequence[Prompt], Callable[[], Stepper]]]:
    """The prompts by the way in which they are written: with a cache, or where that would not be right without."""
    if not prompts:
        return
    fast, plain = _steppers(network)
    far = network.switch_length
    near = [prompt for prompt in prompts if far is None or len(prompt.ids) + prompt.limit <= far]
    # Rows that are read on their own are never padded.
    if not network.alone and not network.remembers(lambda: writes_alike(network, fast, plain)):
        batcher.tell_once("this model's cache is of no use here: the whole text is read again for every token written.")
        near = []
    if near:
        yield near, fast
    written = set(map(id, near))
    rest = [prompt for prompt in prompts if id(prompt) not in written]
    if rest:
        yield rest, plain


def _steppers(network: Network) -> tuple[Callable[[], Stepper], Callable[[], Stepper]]:
    """Makers of steppers with a cache, and without one."""
    if network.family == "seq2seq":
        return lambda: DecoderStepper(network), lambda: RereadingDecoder(network, decoder_start(network))
    return lambda: CausalStepper(network), lambda: Rereading(network)


def ends(network: Network) -> frozenset[int]:
    """The tokens that end a text, as the checkpoint's generation settings and its tokenizer say.

    Raises:
        CheckpointError: when the settings name something else than tokens.
    """
    settings = getattr(network.language_model, "generation_config", None)
    named = getattr(settings, "eos_token_id", None)
    found = [*(named if isinstance(named, (list, tuple)) else [named]), network.encoder.tokenizer.eos_token_id]
    try:
        return frozenset(int(token) for token in found if token is not None)
    except (TypeError, ValueError) as error:
        raise CheckpointError(
            f"expected token ids as eos_token_id of the generation settings, found {named!r}.",
            hint="mend generation_config.json of the checkpoint.",
        ) from error


class CausalStepper:
    """A causal language model with its cache of keys and values."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self._model: Any = _model(network)
        self._positioned = accepts(self._model, "position_ids")
        self._last = {"logits_to_keep": 1} if accepts(self._model, "logits_to_keep") else {}
        self._mask: torch.Tensor | None = None
        self._position: torch.Tensor | None = None
        self._cache: Any = None

    def start(self, prompts: Sequence[Prompt]) -> torch.Tensor:
        """See `Stepper`."""
        longest = max(len(prompt.ids) for prompt in prompts)
        ids = np.full((len(prompts), longest), self._network.encoder.pad_id or 0, dtype=np.int64)
        mask = np.zeros_like(ids)
        for row, prompt in enumerate(prompts):
            ids[row, longest - len(prompt.ids) :] = prompt.ids
            mask[row, longest - len(prompt.ids) :] = 1
        positions = np.maximum(mask.cumsum(axis=1) - 1, 0)
        self._mask = self._network.tensor(mask)
        self._position = self._network.tensor(positions[:, -1:] + 1)
        return self._forward(self._network.tensor(ids), self._network.tensor(positions))

    def step(self, tokens: torch.Tensor) -> torch.Tensor:
        """See `Stepper`."""
        assert self._mask is not None
        assert self._position is not None
        self._mask = torch.cat([self._mask, self._mask.new_ones(len(tokens), 1)], dim=1)
        logits = self._forward(tokens[:, None], self._position)
        self._position = self._position + 1
        return logits

    def keep(self, rows: torch.Tensor) -> None:
        """See `Stepper`."""
        assert self._mask is not None
        assert self._position is not None
        self._mask, self._position = self._mask[rows], self._position[rows]
        _select(self._cache, rows)

    def _forward(self, ids: torch.Tensor, positions: torch.Tensor) -> torch.Tensor:
        places = {"position_ids": positions} if self._positioned else {}
        output = self._model(
            input_ids=ids,
            attention_mask=self._mask,
            past_key_values=self._cache,
            use_cache=True,
            **places,
            **self._last,
        )
        self._cache = output.past_key_values
        logits: torch.Tensor = output.logits[:, -1].float()
        return logits


class DecoderStepper:
    """A sequence-to-sequence model: the encoder runs once, the decoder token by token."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self._model: Any = _model(network)
        self._encoded: Any = None
        self._mask: torch.Tensor | None = None
        self._cache: Any = None
        settings: Any = self._model.generation_config
        self._forced: int | None = settings.forced_bos_token_id

    def start(self, prompts: Sequence[Prompt]) -> torch.Tensor:
        """See `Stepper`."""
        rows = [np.asarray(prompt.ids, dtype=np.int64) for prompt in prompts]
        ids, self._mask = self._network.pad(rows, masked=True)
        self._encoded = self._model.get_encoder()(input_ids=ids, attention_mask=self._mask)
        first = torch.full((len(prompts),), decoder_start(self._network), device=ids.device)
        logits = self.step(first)
        if self._forced is not None:
            others = torch.arange(logits.shape[-1], device=logits.device) != self._forced
            logits = logits.masked_fill(others, -torch.inf)
        return logits

    def step(self, tokens: torch.Tensor) -> torch.Tensor:
        """See `Stepper`."""
        output = self._model(
            encoder_outputs=self._encoded,
            attention_mask=self._mask,
            decoder_input_ids=tokens[:, None],
            past_key_values=self._cache,
            use_cache=True,
        )
        self._cache = output.past_key_values
        logits: torch.Tensor = output.logits[:, -1].float()
        return logits

    def keep(self, rows: torch.Tensor) -> None:
        """See `Stepper`."""
        self._encoded.last_hidden_state = self._encoded.last_hidden_state[rows]
        self._mask = None if self._mask is None else self._mask[rows]
        _select(self._cache, rows)


def _select(cache: Any, rows: torch.Tensor) -> None:
    """Leaves only these rows in a cache; layers of linear attention know `reorder_cache` alone."""
    layers = getattr(cache, "layers", ())
    if not any(hasattr(layer, "conv_states") for layer in layers):
        cache.batch_select_indices(rows)
        return
    for layer in layers:
        (layer.reorder_cache if hasattr(layer, "conv_states") else layer.batch_select_indices)(rows)


def decoder_start(network: Network) -> int:
    """The token that a decoder starts from, which is scored nowhere."""
    model = network.language_model
    assert model is not None
    for settings in (getattr(model, "generation_config", None), model.config):
        token = getattr(settings, "decoder_start_token_id", None)
        if token is not None:
            return int(token)
    raise ValueError("the configuration names no decoder_start_token_id")


def _model(network: Network) -> Any:
    return network.language_model


def _prompt(network: Network, request: Generate) -> Prompt | Failure:
    encoder, limit = network.encoder, network.max_length
    if request.messages:
        try:
            ids = network.chat.pieces(network.chat.prompt(request.messages)).ids
        except ChatError as error:
            return Failure("error", str(error))
        prefix: list[int] = []
    else:
        ids = encoder.plain([request.prompt])[0]
        prefix = list(encoder.prefix)
    if not prefix and not ids:
        if encoder.prefix_id is None:
            return Failure("no_token", "the prompt is empty and the tokenizer has neither BOS nor EOS")
        prefix = [encoder.prefix_id]
    room = len(ids) if limit is None else limit - request.max_tokens - len(prefix)
    if room < min(1, len(ids)):
        return Failure("too_long", f"{request.max_tokens} new tokens leave no room for a prompt in {limit}")
    cut = max(0, len(ids) - room)
    return Prompt([*prefix, *ids[cut:]], request, cut, request.max_tokens)


def _source(network: Network, request: Generate) -> Prompt | Failure:
    """The encoder's input: cut from the right, as sequence-to-sequence models are trained."""
    text = request.prompt
    if request.messages:
        return Failure("unsupported", "a sequence-to-sequence model is not asked by messages")
    encoded = encode_texts(network.encoder, [text], network.max_length)
    ids = encoded.ids[0] or ([] if network.encoder.prefix_id is None else [network.encoder.prefix_id])
    if not ids:
        return Failure("no_token", "the prompt is empty and the tokenizer has no token to stand for it")
    limit = request.max_tokens if network.max_target is None else min(request.max_tokens, network.max_target)
    return Prompt(ids, request, encoded.truncated[0], limit)

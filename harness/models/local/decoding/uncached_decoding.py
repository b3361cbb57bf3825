"""Writing without a cache: every token by reading the whole text again. Slow, and right where a cache is not.

State-space models, models without a cache and those whose positions switch with the length of a text write so. Whether
a model writes with its cache, from prompts padded on the left, as it does without is found out once, on a few tokens.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import torch

from harness.core.requests import Generate
from harness.models.encoding.embeddings import embedding_rows
from harness.models.local.batching import IntArray, Row
from harness.models.local.decoding.steppers import only_token
from harness.models.local.forward_patch import FAULTS
from harness.models.local.network import Network
from harness.models.local.padding_checks import alike, rounding
from harness.models.local.stepper import JoiningStepper, Prompt, Stepper

if TYPE_CHECKING:
    from transformers import PreTrainedModel

_NOTHING = np.zeros(0, dtype=np.int64)
_PROMPTS = (19, 11)
_STEPS = 4
_SHARED = 6
_BY_PLACE = ("sliding_window", "window_size", "attention_window", "attention_chunk_size", "alibi")
_NEED = _PROMPTS[0] + _STEPS


class Rereading:
    """A `Stepper` for a causal language model that keeps nothing but the tokens."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self._rows: list[list[int]] = []

    def start(self, prompts: Sequence[Prompt]) -> torch.Tensor:
        """See `Stepper`."""
        self._rows = [list(prompt.ids) for prompt in prompts]
        return self._read()

    def share(self, beginning: Sequence[int]) -> None:
        """See `JoiningStepper`: nothing is kept, so nothing is shared."""

    def enter(self, prompts: Sequence[Prompt]) -> torch.Tensor:
        """See `JoiningStepper`."""
        self._rows += [list(prompt.ids) for prompt in prompts]
        return self._read()[-len(prompts) :]

    def step(self, tokens: torch.Tensor) -> torch.Tensor:
        """See `Stepper`."""
        for row, token in zip(self._rows, tokens.tolist(), strict=True):
            row.append(token)
        return self._read()

    def keep(self, rows: torch.Tensor) -> None:
        """See `Stepper`."""
        self._rows = [list(self._rows[index]) for index in rows.tolist()]

    def _read(self) -> torch.Tensor:
        """The logits behind each row; rows that may not stand together are read apart."""
        network, places = self._network, sorted(range(len(self._rows)), key=lambda index: -len(self._rows[index]))
        logits: dict[int, torch.Tensor] = {}
        while places:
            longest = len(self._rows[places[0]])
            batch = [index for index in places if network.can_batch(len(self._rows[index]), longest)]
            rows = [_row(self._rows[index]) for index in batch]
            # Not the network's own: what changes its probabilities stands around the stepper.
            logits.update(zip(batch, Network.position_logits(network, rows), strict=True))
            places = [index for index in places if index not in logits]
        return torch.stack([logits[index] for index in range(len(self._rows))])


class RereadingDecoder:
    """The same for a sequence-to-sequence model: source and target of each row on their own."""

    def __init__(self, network: Network, start: int) -> None:
        self._network = network
        self._first = start
        self._forced: int | None = network.language_model.generation_config.forced_bos_token_id  # type: ignore[union-attr]
        self._sources: list[IntArray] = []
        self._targets: list[list[int]] = []

    def start(self, prompts: Sequence[Prompt]) -> torch.Tensor:
        """See `Stepper`."""
        self._sources = [np.asarray(prompt.ids, dtype=np.int64) for prompt in prompts]
        self._targets = [[self._first] for _ in prompts]
        logits = self._read()
        return logits if self._forced is None else only_token(logits, self._forced)

    def step(self, tokens: torch.Tensor) -> torch.Tensor:
        """See `Stepper`."""
        for target, token in zip(self._targets, tokens.tolist(), strict=True):
            target.append(token)
        return self._read()

    def keep(self, rows: torch.Tensor) -> None:
        """See `Stepper`."""
        self._sources = [self._sources[index] for index in rows.tolist()]
        self._targets = [list(self._targets[index]) for index in rows.tolist()]

    def _read(self) -> torch.Tensor:
        pairs = zip(self._sources, self._targets, strict=True)
        return torch.stack([target_logits(self._network, source, target)[-1] for source, target in pairs])


@torch.inference_mode()
def target_logits(network: Network, source: IntArray, target: Sequence[int]) -> torch.Tensor:
    """float32[L, V] logits behind each of the decoder's tokens, by one plain forward pass."""
    model: PreTrainedModel = network.language_model
    inputs = network.tensor(np.asarray(target, dtype=np.int64))[None]
    logits: torch.Tensor = model(
        input_ids=network.tensor(source)[None], decoder_input_ids=inputs, use_cache=False
    ).logits
    return logits[0].float()


@torch.inference_mode()
def writes_alike(network: Network, fast: Callable[[], Stepper], plain: Callable[[], Stepper]) -> bool:
    """Whether two steppers give the same logits for prompts of unlike length, also when a row has left.

    Args:
        network: whose steppers they are.
        fast: makes the one in question.
        plain: makes the one that is right.
    """
    tokens, prompts = _probe(network)
    if not prompts:
        return False

    def written(stepper: Stepper) -> Iterator[torch.Tensor]:
        yield stepper.start(prompts)
        for step in range(_STEPS - 1):
            if step == 1:
                stepper.keep(network.tensor(np.asarray([1], dtype=np.int64)))
            kept = tokens[-1:] if step else tokens
            yield stepper.step(network.tensor(kept[:, -1 - step]))

    return _all_alike(network, written(fast()), written(plain()))


@torch.inference_mode()
def joins_alike(network: Network, fast: Callable[[], Stepper], plain: Callable[[], Stepper]) -> bool:
    """Whether that also holds for prompts with a beginning that is read once, and for those that enter later.

    Models whose tokens see each other by their distance in the row are left out: the beginning stands at one.
    """
    if not isinstance(fast(), JoiningStepper) or _sees_by_place(network):
        return False
    tokens, prompts = _probe(network)
    if not prompts:
        return False
    beginning = prompts[0].ids[:_SHARED]
    first, second = (replace(prompt, ids=[*beginning, *prompt.ids[_SHARED:]]) for prompt in prompts)
    third = replace(second, ids=second.ids[:-2])

    def written(stepper: JoiningStepper) -> Iterator[torch.Tensor]:
        stepper.share(beginning)
        yield stepper.start([first, second])
        yield stepper.step(network.tensor(tokens[:, -1]))
        stepper.keep(network.tensor(np.asarray([1], dtype=np.int64)))
        yield stepper.step(network.tensor(tokens[:1, -2]))
        yield stepper.enter([first, third])
        yield stepper.step(network.tensor(np.append(tokens[:, -3], tokens[0, -4])))

    return _all_alike(network, written(fast()), written(plain()))  # type: ignore[arg-type]  # checked above


def _probe(network: Network) -> tuple[IntArray, list[Prompt]]:
    """int64[2, L] tokens, and prompts that begin them; no prompts where the model takes too few tokens."""
    tokens = np.random.default_rng(0).integers(0, embedding_rows(network.base), (len(_PROMPTS), _NEED))
    if network.max_length is not None and network.max_length < _NEED:
        return tokens, []
    return tokens, [
        Prompt(tokens[number, :count].tolist(), Generate(), 0, _STEPS) for number, count in enumerate(_PROMPTS)
    ]


def _all_alike(network: Network, some: Iterator[torch.Tensor], others: Iterator[torch.Tensor]) -> bool:
    """Whether two series of logits are equal but for rounding; a model that fails at the shortcut differs."""
    assert network.language_model is not None
    share = rounding(network.language_model)
    network.activate()
    try:
        return all(alike(one, other, share) for one, other in zip(some, others, strict=True))
    except FAULTS:
        return False


def _sees_by_place(network: Network) -> bool:
    """Whether the configuration names what counts places in the row: windows, chunks, slopes by distance."""
    assert network.language_model is not None
    settings = network.language_model.config.get_text_config().to_dict()
    return any(settings.get(name) for name in _BY_PLACE)


def _row(ids: Sequence[int]) -> Row:
    whole = np.asarray(ids, dtype=np.int64)
    return Row(whole, np.asarray([len(whole) - 1]), _NOTHING, _NOTHING, 0)

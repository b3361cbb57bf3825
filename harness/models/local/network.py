"""A loaded transformers model: one encoder in memory, its heads, and the language model's forward passes.

The language-model head is applied only where a log-probability is wanted: the encoder runs
once, then the model's own forward runs on the gathered hidden states with the encoder's output
replaced. Whether that gives the plain forward's logits is checked once; where it does not, the
plain forward is used.
"""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from typing import TYPE_CHECKING, Literal, Protocol, get_args

import numpy as np
import torch

from harness.core.records import FloatArray
from harness.models.checkpoint.checkpoint_heads import Family, Head
from harness.models.encoding.chat_template import Chat
from harness.models.encoding.embeddings import embedding_rows
from harness.models.encoding.row_encoder import RowEncoder
from harness.models.encoding.text_encoder import TextEncoder
from harness.models.local.batching import IntArray, Row
from harness.models.local.fast_path import FastPaths, NoFastPaths
from harness.models.local.flop_meter import Meter
from harness.models.local.forward_patch import FAULTS, replaced
from harness.models.local.padding_checks import (
    Read,
    mixes_neighbors,
    padding_is_harmless,
    reads_ahead,
    switch_length,
)
from harness.models.local.quantization import mixes_rows, true_shape

if TYPE_CHECKING:
    from transformers import PreTrainedModel
    from transformers.utils import ModelOutput

    from harness.models.local.stepper import Stepper

Shortcut = Literal["cache", "padding", "joining"]
"""What is quicker and not right for every model: writing with a cache, sources of unlike length beside each other, rows
that enter a batch in writing."""
CPU_BUDGET = 2048
GPU_BUDGET = 65536
_LOGITS_BYTES = 64 * 2**20
_CHECK_TOKENS = 6
_REPLACED = "original_module."
"""Where peft keeps the base's head beside the adapter's own."""
_CHECK_TOLERANCE = 1e-3


class Switch(Protocol):
    """Which adapter of a base is on."""

    def turn(self, name: str | None) -> None:
        """Switches one adapter on and the others off; with None, all off."""
        ...


@dataclass(frozen=True, slots=True)
class NetworkParts:
    """The modules of a network, and how they read.

    Attributes:
        base: the encoder (or decoder stack) without heads.
        language_model: the model with the language-model head around `base`, or None.
        heads: models with a head of their own around `base`, by the head's kind.
        family: `masked` (reads both sides), `causal` (from the left only) or `seq2seq`.
    """

    base: PreTrainedModel
    language_model: PreTrainedModel | None
    heads: Mapping[Head, PreTrainedModel]
    family: Family


@dataclass(frozen=True, slots=True)
class Adaptation:
    """The adapter that a network answers with.

    Attributes:
        name: of the adapter on the base; None for the base itself.
        switch: of the adapters on the base, where there are several.
        indivisible: whether answers come from the whole model's own forward pass alone, row by row, and not from the
            base: peft's, where an adapter acts around the model.
    """

    name: str | None = None
    switch: Switch | None = None
    indivisible: bool = False


class Network:
    """Forward passes of a checkpoint.

    Where a row's answer depends on the rows beside it (`row_by_row`), each is read on its own; where it depends on
    their length, only rows that are alike in it stand together (`can_batch`).

    Args:
        parts: its modules.
        encoder: its tokenizer.
        max_length: tokens that it takes, special tokens included.
        max_target: tokens that a decoder beside an encoder takes, where that is another number.
        device: a torch device.
        adapted: the adapter that it answers with.
        meter: counts the work of the base, where it is in use already.
    """

    def __init__(
        self,
        parts: NetworkParts,
        encoder: TextEncoder,
        *,
        max_length: int | None,
        device: str,
        adapted: Adaptation = Adaptation(),  # frozen
        meter: Meter | None = None,
        max_target: int | None = None,
    ) -> None:
        base, language_model, family = parts.base, parts.language_model, parts.family
        indivisible = adapted.indivisible
        self.base = base
        self.language_model = language_model
        self.heads = dict(parts.heads)
        self.encoder = encoder
        self.family: Family = family
        self.causal = family == "causal"
        self.max_length = max_length
        self.max_target = max_length if max_target is None else max_target
        self.device = device
        self.fast_paths: FastPaths = NoFastPaths()
        self.indivisible = indivisible
        self.switch = adapted.switch
        self.adapter = adapted.name
        self.brought: set[int] = set()
        """Python ids of weights that an adapter's head brought into the shared base, and that are none of this
        network's."""
        self._exact: dict[Shortcut, bool] = dict.fromkeys(get_args(Shortcut), False) if indivisible else {}
        self.meter = meter or Meter()
        self.meter.watch(base, *(part for part in (language_model, *self.heads.values()) if part is not None))
        self.activate()
        self.switch_length = switch_length(base.config)
        self.pads = self._pads()
        alone = adapted.name is not None and adapted.switch is None
        self.mixes = not indivisible and (alone or not self.pads) and self._mixes_neighbors()
        self.row_by_row = indivisible or mixes_rows(base) or self.mixes
        self.budget = 1 if self.row_by_row else CPU_BUDGET if device == "cpu" else GPU_BUDGET
        if self.causal and language_model is not None and self._reads_ahead():
            self.language_model = None
        split = self.language_model is not None and family != "seq2seq" and not indivisible
        self.split_head = split and self._head_can_stand_alone()

    def activate(self) -> None:
        """Switches this network's adapter on, and others of the same base off."""
        if self.switch is not None:
            self.switch.turn(self.adapter)

    def can_batch(self, size: int, longest: int) -> bool:
        """Whether rows of these lengths may share a batch without a change of their answers."""
        if size == longest:
            return True
        far = self.switch_length
        return self.pads and (far is None or (size > far) == (longest > far))

    @property
    def parameters(self) -> int:
        """Number of weights in use, those shared by several heads counted once and those of other adapters not."""
        modules = [module for module in (self.base, self.language_model, *self.heads.values()) if module is not None]
        sizes = {
            id(weight): true_shape(weight).numel()
            for module in modules
            for name, weight in module.named_parameters()
            if self._counts(name)
        }
        return sum(size for identity, size in sizes.items() if identity not in self.brought)

    def _counts(self, name: str) -> bool:
        """Whether a weight is this network's: of its own adapter, or of the base where that is not replaced."""
        adapters = {part for part in name.split(".") if part.startswith("adapter_")}
        if adapters:
            return self.adapter in adapters
        return self.adapter is None or _REPLACED not in name

    @property
    def hidden_size(self) -> int:
        """Numbers in a hidden state."""
        return int(self.base.config.hidden_size)

    @cached_property
    def rows(self) -> RowEncoder:
        """How texts, pairs and lists of words become rows."""
        return RowEncoder(self.encoder)

    @cached_property
    def chat(self) -> Chat:
        """The tokenizer's chat template."""
        return Chat(self.encoder)

    def relieve(self) -> None:
        """Gives cached memory back to the device."""
        if self.device.startswith("cuda"):
            torch.cuda.empty_cache()

    @torch.inference_mode()
    def token_logprobs(self, rows: Sequence[Row]) -> list[FloatArray]:
        """For each row, the log-probabilities float64[G] of its targets, in nats.

        Logits are taken to float32 before gather − logsumexp.
        """
        if self.split_head:
            ids, mask = self.pad([row.ids for row in rows], masked=not self.causal)
            return self.gathered(self.run_base(ids, mask), rows)
        logits = self.position_logits(rows)
        offsets = np.cumsum([0, *(len(row.positions) for row in rows[:-1])])
        at = np.concatenate([row.at + offset for row, offset in zip(rows, offsets, strict=True)])
        values = _pick(logits, self.tensor(at), self.tensor(np.concatenate([row.targets for row in rows])))
        return _split(values, rows)

    def position_logits(self, rows: Sequence[Row]) -> torch.Tensor:
        """float32[N, V] logits at the rows' N positions, one row's after another's."""
        ids, mask = self.pad([row.ids for row in rows], masked=not self.causal)
        batch, position = self._places(rows)
        if not self.split_head:
            return self._plain(ids, mask)[batch, position].float()
        output = self.run_base(ids, mask)
        hidden = output.last_hidden_state[batch, position]
        output.last_hidden_state = hidden
        return self._head(output, hidden)

    def is_exact(self, shortcut: Shortcut, check: Callable[[], bool]) -> bool:
        """Whether a shortcut changes no answer of this model, by a check that is made on first use."""
        if shortcut not in self._exact:
            self._exact[shortcut] = check()
        return self._exact[shortcut]

    def decoding(self, stepper: Stepper) -> Stepper:
        """What writes token by token with this network."""
        return stepper

    @torch.inference_mode()
    def gathered(self, output: ModelOutput, rows: Sequence[Row], starts: IntArray | None = None) -> list[FloatArray]:
        """The rows' log-probabilities from the base's output, by the head at the wanted places only.

        Args:
            output: of the base, for one row of the batch each; or for all in one row of the batch.
            rows: what is wanted.
            starts: where each row begins in that one row.
        """
        batch, position = self._places(rows, starts)
        return self.scored(output, output.last_hidden_state[batch, position], rows)

    @torch.inference_mode()
    def scored(self, output: ModelOutput, hidden: torch.Tensor, rows: Sequence[Row]) -> list[FloatArray]:
        """The rows' log-probabilities by the head.

        Args:
            output: of the base; its states are not read.
            hidden: [N, H], the last hidden states at the rows' N positions, one row's after another's.
            rows: what is wanted.
        """
        offsets = np.cumsum([0, *(len(row.positions) for row in rows[:-1])])
        at = np.concatenate([row.at for row in rows]) + np.repeat(offsets, [len(row.at) for row in rows])
        targets = self.tensor(np.concatenate([row.targets for row in rows]))
        output.last_hidden_state = hidden
        return _split(self._gather(output, hidden, at, targets), rows)

    def _places(self, rows: Sequence[Row], starts: IntArray | None = None) -> tuple[torch.Tensor, torch.Tensor]:
        """Row of the batch and place in it of every position that is wanted."""
        counts = [len(row.positions) for row in rows]
        position = np.concatenate([row.positions for row in rows])
        if starts is not None:
            position = position + np.repeat(starts, counts)
            return self.tensor(np.zeros_like(position)), self.tensor(position)
        return self.tensor(np.repeat(np.arange(len(rows)), counts)), self.tensor(position)

    @torch.inference_mode()
    def top_logprobs(self, rows: Sequence[Row], k: int) -> list[tuple[IntArray, FloatArray]]:
        """For each row, the k likeliest tokens at its only position: ids int64[k], nats float64[k].

        Equal log-probabilities stand in the order of the token ids.
        """
        logits = self.position_logits(rows)
        values = torch.log_softmax(logits, dim=-1).double().cpu().numpy()
        order = np.argsort(-values, axis=-1, kind="stable")[:, :k]
        return list(zip(order, np.take_along_axis(values, order, axis=-1), strict=True))

    def run_base(self, ids: torch.Tensor, mask: torch.Tensor | None) -> ModelOutput:
        """The base's output for ids [B, L]."""
        return self.base(input_ids=ids, attention_mask=mask, **({"use_cache": False} if self.causal else {}))

    def _plain(self, ids: torch.Tensor, mask: torch.Tensor | None) -> torch.Tensor:
        assert self.language_model is not None
        cache = {"use_cache": False} if self.causal else {}
        logits: torch.Tensor = self.language_model(input_ids=ids, attention_mask=mask, **cache).logits
        return logits

    def _gather(self, output: ModelOutput, hidden: torch.Tensor, at: IntArray, targets: torch.Tensor) -> torch.Tensor:
        values = []
        vocabulary = int(self.base.config.vocab_size)
        step = max(1, _LOGITS_BYTES // (4 * vocabulary))
        for start in range(0, len(hidden), step):
            low, high = np.searchsorted(at, [start, start + step])
            logits = self._head(output, hidden[start : start + step])
            values.append(_pick(logits, self.tensor(at[low:high] - start), targets[low:high]))
        return torch.cat(values)

    def _head(self, output: ModelOutput, hidden: torch.Tensor) -> torch.Tensor:
        """float32[N, V] logits for hidden states [N, H]."""
        replayed = copy.copy(output)
        replayed.last_hidden_state = hidden[:, None]
        placeholder = torch.zeros(len(hidden), 1, dtype=torch.long, device=hidden.device)
        with replaced(self.base, lambda *_args, **_named: replayed):
            return self._plain(placeholder, None)[:, 0].float()

    def _pads(self) -> bool:
        """Whether padding behind a row changes nothing; where only the left is read, it cannot."""
        if self.causal:
            return True
        module, read = self._encoder_states()
        pad, rows = self.encoder.pad_id or 0, self.embedding_rows
        return padding_is_harmless(module, read, vocabulary=rows, pad=pad, limit=self.max_length, device=self.device)

    def _encoder_states(self) -> tuple[PreTrainedModel, Read]:
        """What gives states of a row: the base, or its encoder; and one pass through it."""
        module = self.base.get_encoder() if self.family == "seq2seq" else self.base

        def read(ids: torch.Tensor, mask: torch.Tensor | None) -> torch.Tensor:
            states: torch.Tensor = module(input_ids=ids, attention_mask=mask).last_hidden_state
            return states

        return module, read

    @torch.inference_mode()
    def _mixes_neighbors(self) -> bool:
        module, read = self._encoder_states()
        rows = self.embedding_rows
        return mixes_neighbors(module, read, vocabulary=rows, limit=self.max_length, device=self.device)

    @torch.inference_mode()
    def _reads_ahead(self) -> bool:
        rows = self.embedding_rows
        assert self.language_model is not None
        return reads_ahead(self.language_model, self._plain, vocabulary=rows, limit=self.max_length, device=self.device)

    @property
    def embedding_rows(self) -> int:
        """How many tokens have an embedding."""
        return embedding_rows(self.base)

    def _head_can_stand_alone(self) -> bool:
        """Compares the split head with the plain forward on a few tokens."""
        vocabulary = int(self.base.config.vocab_size)
        count = min(_CHECK_TOKENS, self.max_length or _CHECK_TOKENS)
        ids = (torch.arange(count, device=self.device)[None] * 7 + 3) % vocabulary
        with torch.inference_mode():
            plain = self._plain(ids, None)[0].float()
            try:
                output = self.run_base(ids, None)
                split = self._head(output, output.last_hidden_state[0])
            except FAULTS:
                return False
        return split.shape == plain.shape and bool(
            torch.allclose(split, plain, rtol=_CHECK_TOLERANCE, atol=_CHECK_TOLERANCE, equal_nan=True)
        )

    def pad(
        self, rows: Sequence[IntArray], *, masked: bool, fill: int | None = None
    ) -> tuple[torch.Tensor, torch.Tensor | None]:
        """int64[B, L] ids padded on the right (with the padding token, or `fill`), and their mask:
        None when nothing is padded or, for scoring from the left, where padding cannot reach what is read."""
        mask = self.mask_of(np.asarray([len(row) for row in rows])) if masked else None
        return self.tensor(self.padded(rows, fill=fill)), mask

    def padded(self, rows: Sequence[IntArray], *, fill: int | None = None) -> IntArray:
        """int64[B, L]: rows padded on the right (with the padding token, or `fill`)."""
        lengths = [len(row) for row in rows]
        longest = max(lengths)
        if min(lengths) == longest:
            return np.stack(rows)
        ids = np.full((len(rows), longest), (self.encoder.pad_id or 0) if fill is None else fill, dtype=np.int64)
        for index, row in enumerate(rows):
            ids[index, : len(row)] = row
        return ids

    def mask_of(self, lengths: IntArray) -> torch.Tensor | None:
        """int64[B, L], 1 where rows of such lengths have tokens; None when none is shorter than another."""
        longest = int(lengths.max())
        if int(lengths.min()) == longest:
            return None
        return self.tensor((np.arange(longest)[None] < lengths[:, None]).astype(np.int64))

    def tensor(self, array: IntArray) -> torch.Tensor:
        """The array on the device."""
        return torch.from_numpy(np.ascontiguousarray(array)).to(self.device)


def _split(values: torch.Tensor, rows: Sequence[Row]) -> list[FloatArray]:
    flat = values.double().cpu().numpy()
    ends = list(accumulate(len(row.targets) for row in rows))
    return [flat[start:end] for start, end in zip([0, *ends], ends, strict=False)]


def accepts(module: torch.nn.Module, name: str) -> bool:
    """Whether a module's forward takes an argument of this name."""
    return name in inspect.signature(module.forward).parameters


def _pick(logits: torch.Tensor, at: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """float32[G]: logits[at, targets] − logsumexp of the row, by torch's fused kernel."""
    return torch.log_softmax(logits, dim=-1)[at, targets]

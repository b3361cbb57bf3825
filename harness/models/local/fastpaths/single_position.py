"""Forward passes of an encoder that is asked about one place of every row: work that nobody reads is left out.

- The first layer's queries, keys and values depend on a token and its place alone. Masked copies of a few sentences
  hold few different ones: those are computed once and handed out.
- The last layer is computed at the asked place only (`last_layer`): of a masked copy the scored token's, of a text
  that is classified the first one, which is all that the heads of these encoders read.

All else is the model's own code. Whether the answers are those of the plain forward pass is checked once for each head;
where they are not, the plain pass is used.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import torch

from harness.core.records import FloatArray
from harness.models.local.batching import IntArray, Row
from harness.models.local.fastpaths.encoder_parts import Parts, parts_of
from harness.models.local.fastpaths.single_position_layer import at_places
from harness.models.local.forward_patch import FAULTS, replaced

if TYPE_CHECKING:
    from harness.models.local.network import Network

_TOLERANCE = {torch.float32: 1e-4, torch.bfloat16: 0.25, torch.float16: 0.05}
_RELATIVE = 2e-6
_FEW = 0.5
"""Different rows are handed out where they are at most this share of the batch."""
_CHECKED = 24


class SinglePosition:
    """Passes of a masked network's encoder, each row asked at one place.

    Args:
        network: the base of which is an encoder.
    """

    complaint = "masked copies are read whole: leaving out what nobody asks for changes this model's answers."
    head_complaint = "texts are read whole: leaving out what the head is not known to read changes its answers."

    def __init__(self, network: Network) -> None:
        self._network = network
        readable = network.family == "masked" and not network.row_by_row
        self._parts: Parts | None = parts_of(network.base) if readable else None
        self._shared = True
        self._heads: dict[str, bool] = {}

    @property
    def applies(self) -> bool:
        """Whether the encoder is of a kind for which this is meant."""
        return self._parts is not None

    @cached_property
    def usable(self) -> bool:
        """Whether the language model's log-probabilities are those of the plain pass, found out on first use."""
        if not self.applies or not self._network.split_head:
            return False
        if self._agrees(self._differs):
            return True
        self._shared = False
        return self._agrees(self._differs)

    def first_suffices(self, head: str, logits: Callable[[Sequence[IntArray]], torch.Tensor]) -> bool:
        """Whether a head's logits are those of the plain pass where it is given each row's first place alone.

        Args:
            head: its name; each is tried once.
            logits: [B, K] of the head for token ids.
        """
        if head not in self._heads:

            def differs(rows: Sequence[Row]) -> tuple[FloatArray, FloatArray]:
                ids = [row.ids for row in rows]
                plain = logits(ids)
                with self.first(ids):
                    return plain.cpu().double().numpy(), logits(ids).cpu().double().numpy()

            self._heads[head] = self.applies and self._agrees(differs)
        return self._heads[head]

    @torch.inference_mode()
    def token_logprobs(self, rows: Sequence[Row]) -> list[FloatArray]:
        """As `Network.token_logprobs`, for rows of one position each."""
        network = self._network
        ids = network.padded([row.ids for row in rows])
        lengths = np.asarray([len(row.ids) for row in rows])
        with self._narrowed(ids.shape, np.concatenate([row.positions for row in rows])) as stack:
            if self._shared and (lengths == ids.shape[1]).all():
                self._share_first(ids, stack)
            output = network.run_base(network.tensor(ids), network.mask_of(lengths))
        return network.scored(output, output.last_hidden_state[:, 0], rows)

    @contextmanager
    def first(self, rows: Sequence[IntArray]) -> Iterator[None]:
        """While it lasts, the encoder gives states [B, 1, H]: those at the first place of these rows, padded."""
        with self._narrowed((len(rows), max(map(len, rows))), np.zeros(len(rows), dtype=np.int64)):
            yield

    @contextmanager
    def _narrowed(self, shape: tuple[int, ...], places: IntArray) -> Iterator[ExitStack]:
        """While it lasts, the encoder reads ids of such a shape and gives states [B, 1, H]: those at the places."""
        assert self._parts is not None
        layer, meter = self._parts.layers[-1], self._network.meter
        with ExitStack() as stack:
            forward = at_places(layer, self._network.tensor(places), meter)
            stack.enter_context(replaced(layer.whole, forward))
            yield stack
        # The meter takes it that attention's products are carried out in full in every layer.
        rows, length = shape
        meter.add(-4.0 * rows * length * length * layer.heads * layer.size)

    def _share_first(self, ids: IntArray, stack: ExitStack) -> None:
        """Computes what the first layer reads of every token and place once, where rows repeat them."""
        assert self._parts is not None
        distinct_rows = distinct(ids)
        # A padding token moves the places behind it in some models.
        if distinct_rows is None or (ids == self._network.encoder.pad_id).any():
            return
        few, index = distinct_rows
        handed = self._network.tensor(index.ravel())
        shape = (*ids.shape, -1)

        def hand(states: torch.Tensor) -> torch.Tensor:
            return states.flatten(0, 1).index_select(0, handed).view(shape)

        read = self._parts.embeddings(input_ids=self._network.tensor(few))
        stack.enter_context(replaced(self._parts.embeddings, _giving(hand(read))))
        first, *rest = self._parts.layers
        if not rest:
            return
        matrices = (first.query, first.key, first.value)
        made = [matrix(read) for matrix in matrices]
        given = torch.split(hand(torch.cat(made, dim=-1)), [part.shape[-1] for part in made], dim=-1)
        for matrix, part in zip(matrices, given, strict=True):
            stack.enter_context(replaced(matrix, _giving(part)))

    def _differs(self, rows: Sequence[Row]) -> tuple[FloatArray, FloatArray]:
        """Log-probabilities by the plain pass, and by this one."""
        return np.stack(self._network.token_logprobs(rows)), np.stack(self.token_logprobs(rows))

    @torch.inference_mode()
    def _agrees(self, both: Callable[[Sequence[Row]], tuple[FloatArray, FloatArray]]) -> bool:
        """Compares with the plain pass: copies of two sentences, and rows of several lengths."""
        network = self._network
        network.activate()
        long = min(_CHECKED, network.max_length or _CHECKED)
        tolerance = _TOLERANCE.get(network.base.dtype, 0.0)
        try:
            for lengths in ([long] * 6, [max(1, long - 7)] * 3, [long, max(1, long - 1), max(1, long - 2)]):
                plain, narrow = both(self._made_up(lengths))
                if not np.allclose(narrow, plain, rtol=_RELATIVE, atol=tolerance, equal_nan=True):
                    return False
        except FAULTS:
            return False
        return True

    def _made_up(self, lengths: Sequence[int]) -> list[Row]:
        """Rows of made-up sentences, masked at one place or two."""
        encoder = self._network.encoder
        generator = np.random.default_rng(len(lengths))
        vocabulary = int(self._network.base.config.vocab_size)
        sentences = generator.integers(0, vocabulary, (2, max(lengths)))
        mask = encoder.mask_id or 0
        sentences[sentences == encoder.pad_id] = mask
        rows = []
        for number, length in enumerate(lengths):
            ids = sentences[number % 2, :length].copy()
            place = (number * 5) % length
            ids[place : place + 1 + number % 2] = mask
            targets = sentences[number % 2, place : place + 1]
            rows.append(Row(ids, np.asarray([place]), targets, np.zeros(1, dtype=np.int64), number))
        return rows


def distinct(ids: IntArray) -> tuple[IntArray, IntArray] | None:
    """The different tokens at every place of rows.

    Args:
        ids: int64[B, L].

    Returns:
        few: int64[R, L], all different tokens of each column, the first of them repeated where a column has less;
        index: int64[B, L], where each token of `ids` stands in `few`, counted along its rows.
        None where R is not much less than B.
    """
    order = np.argsort(ids, axis=0)
    ascending = np.take_along_axis(ids, order, axis=0)
    rank = np.zeros_like(ids)
    np.cumsum(ascending[1:] != ascending[:-1], axis=0, out=rank[1:])
    count = int(rank[-1].max()) + 1
    if count > _FEW * len(ids):
        return None
    columns = np.arange(ids.shape[1])
    few = np.repeat(ascending[:1], count, axis=0)
    few[rank, columns] = ascending
    index = np.empty_like(ids)
    np.put_along_axis(index, order, rank * ids.shape[1] + columns, axis=0)
    return few, index


def _giving(states: torch.Tensor) -> Callable[..., torch.Tensor]:
    return lambda *_args, **_named: states

"""One or two texts → a row of tokens: the one place where it is decided, for scoring, training and export.

A row holds what the saved tokenizer returns for a text or a pair, token types included where it returns them, since a
plain transformers pipeline feeds the model the same.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Protocol

from harness.core.errors import DataError
from harness.models.encoding.pair_encoder import PairEncoder, WordEncoder
from harness.models.encoding.text_encoder import TextEncoder, text_encoder
from harness.models.network_settings import NetworkSettings

if TYPE_CHECKING:
    from datasets import Dataset
    from torch.nn import Module
    from transformers import PreTrainedConfig

TYPES = "token_type_ids"
NO_TYPES = (
    "the configuration has token types and the tokenizer returns none: pairs are read without types, as plain "
    "transformers reads this folder. If the model was trained with types, add "
    '"model_input_names": ["input_ids", "token_type_ids", "attention_mask"] to its tokenizer_config.json.'
)
_POSITIONS = ("max_position_embeddings", "max_encoder_position_embeddings", "max_seq_len", "max_sequence_length")
"""What configurations call the number of tokens that a model takes."""


class TextOrPair(Protocol):
    """A text or a pair, as `core.examples.LabeledText` and `ScoredText`."""

    @property
    def text(self) -> str: ...

    @property
    def pair(self) -> str | None: ...


class Configured(Protocol):
    """What transformers' models give of themselves."""

    config: PreTrainedConfig

    def named_modules(self) -> Iterator[tuple[str, Module]]: ...

    def forward(self, *arguments: object, **named: object) -> object: ...


class Tokenizer(Protocol):
    """What transformers' tokenizers keep of the arrays that they return."""

    model_input_names: list[str]
    init_kwargs: dict[str, object]


@dataclass(frozen=True, slots=True, eq=False)
class EncodedRow:
    """One or two texts as a row of a model.

    Attributes:
        ids: token ids, special tokens included.
        types: of each token, as the tokenizer numbers the texts; None where it returns none.
        truncated: tokens that did not fit.
    """

    ids: list[int]
    types: list[int] | None
    truncated: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class HeadRow:
    """One input of a head.

    Attributes:
        ids: token ids, special tokens included.
        owner: which request it belongs to.
        types: of each token, where the tokenizer returns them.
    """

    ids: list[int]
    owner: int
    types: list[int] | None = None


def row_length(row: HeadRow) -> int:
    return len(row.ids)


class RowEncoder:
    """How one or two texts become a row.

    Args:
        encoder: the tokenizer.
    """

    def __init__(self, encoder: TextEncoder) -> None:
        self.encoder = encoder

    @cached_property
    def pairs(self) -> PairEncoder:
        """How the tokenizer joins two texts."""
        return PairEncoder(self.encoder)

    @cached_property
    def words(self) -> WordEncoder:
        """How lists of words become tokens."""
        return WordEncoder(self.encoder)

    def rows(self, texts: Sequence[str], seconds: Sequence[str | None], max_length: int | None) -> list[EncodedRow]:
        """A row for each text, or pair of texts where the second one is not None.

        A text is cut from the right; of a pair, the longer one loses tokens first. An empty text becomes the special
        tokens alone, or what stands for a missing beginning; without either its row is empty.
        """
        first = self.encoder.plain(texts)
        second = iter(self.encoder.plain([text for text in seconds if text is not None]))
        return [
            self._single(ids, max_length) if other is None else self.pair(ids, next(second), max_length)
            for ids, other in zip(first, seconds, strict=True)
        ]

    def pair(self, first: Sequence[int], second: Sequence[int], max_length: int | None) -> EncodedRow:
        """The row of two tokenized texts, the longer one cut until both fit."""
        row = self.pairs.fit(first, second, max_length)
        return EncodedRow(row.ids, row.types if self.encoder.typed else None, row.truncated)

    def _single(self, ids: list[int], max_length: int | None) -> EncodedRow:
        room = self.encoder.room(max_length)
        row = self.encoder.wrap(ids[:room]) or self.beginning
        types = None
        if self.encoder.typed:
            before, inside, after = self.encoder.single_types
            types = [*before, *[inside] * (len(row) - len(before) - len(after)), *after]
        return EncodedRow(row, types, max(0, len(ids) - room))

    @property
    def beginning(self) -> list[int]:
        """What an empty text becomes with a tokenizer that adds no special tokens."""
        return [] if self.encoder.prefix_id is None else [self.encoder.prefix_id]


def has_types(model: Configured) -> bool:
    """Whether a model tells the texts of a pair apart by token types."""
    return (NetworkSettings.of(model.config).type_vocab_size or 0) > 1 and TYPES in accepted(model)


def reads_types(model: Configured) -> bool:
    """Whether a model may be given token types of two texts."""
    kinds = NetworkSettings.of(model.config).type_vocab_size
    return TYPES in accepted(model) and (kinds is None or kinds > 1)


def name_inputs(tokenizer: Tokenizer, *, types: bool) -> None:
    """Lets a tokenizer return token types or not, here and wherever it is loaded from what it saves."""
    names = ["input_ids", *([TYPES] if types else []), "attention_mask"]
    tokenizer.model_input_names = names
    tokenizer.init_kwargs["model_input_names"] = names


def accepted(model: Configured) -> frozenset[str]:
    """The names of the arguments that a model's forward takes."""
    return frozenset(inspect.signature(model.forward).parameters)


def longest_row(model: Configured, encoder: TextEncoder | None, *, taken: int = 0) -> int | None:
    """The most tokens that a model and its tokenizer take, special ones included; None without a limit.

    Args:
        model: whose positions count.
        encoder: whose own limit counts.
        taken: positions that are no text's: those of an adapter's virtual tokens.
    """
    limits = [encoder.max_length] if encoder is not None and encoder.max_length else []
    for name in _POSITIONS:
        positions = getattr(model.config, name, None)
        if isinstance(positions, int) and positions > 0:
            limits.append(max(1, positions - _position_offset(model) - taken))
            break
    return min(limits, default=None)


def _position_offset(model: Configured) -> int:
    """RoBERTa-like models count positions from the padding index + 1."""
    from torch.nn import Embedding

    for name, module in model.named_modules():
        if name.endswith("position_embeddings") and isinstance(module, Embedding) and module.padding_idx is not None:
            return module.padding_idx + 1
    return 0


def tokenized(tokenizer: object, examples: Sequence[TextOrPair], max_length: int) -> Dataset:
    """Texts or pairs as a `datasets.Dataset`: `input_ids` and, where the tokenizer returns them, `types`.

    Raises:
        DataError: when `max_length` leaves no room for text.
    """
    from datasets import Dataset  # slow to import, and only training needs it

    encoder = text_encoder(tokenizer)
    if encoder.room(max_length) < 1:
        special = len(encoder.prefix) + len(encoder.suffix)
        raise DataError(f"a max_length of {max_length} leaves no room beside {special} special tokens.")
    texts, seconds = [example.text for example in examples], [example.pair for example in examples]
    rows = RowEncoder(encoder).rows(texts, seconds, max_length)
    columns = {"input_ids": [row.ids for row in rows]}
    if encoder.typed:
        columns["types"] = [row.types or [] for row in rows]
    return Dataset.from_dict(columns)

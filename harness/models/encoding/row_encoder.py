"""One or two texts → a row of tokens."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from datasets import Dataset

from harness.core.errors import DataError
from harness.models.encoding.pair_encoder import PairEncoder
from harness.models.encoding.text_encoder import encode_texts, text_encoder
from harness.models.local.network import Network


@dataclass(frozen=True, slots=True, eq=False)
class HeadRow:
    """One input of a head.

    Attributes:
        ids: token ids, special tokens included.
        owner: which request it belongs to.
        types: which text each token belongs to, where a row holds two.
    """

    ids: list[int]
    owner: int
    types: list[int] | None = None


def row_length(row: HeadRow) -> int:
    return len(row.ids)


def start_token(network: Network) -> list[int]:
    """What an empty text becomes with a tokenizer that adds no special tokens."""
    return [] if network.encoder.prefix_id is None else [network.encoder.prefix_id]


def tokenized(tokenizer: Any, examples: Sequence[Any], max_length: int) -> Dataset:
    """Labeled texts as a `datasets.Dataset`: `input_ids` (special tokens included), `types` and `places`.

    `types` says which text of a pair a token belongs to.

    Raises:
        DataError: when `max_length` leaves no room for text.
    """
    encoder = text_encoder(tokenizer)
    if encoder.room(max_length) < 1:
        special = len(encoder.prefix) + len(encoder.suffix)
        raise DataError(f"a max_length of {max_length} leaves no room beside {special} special tokens.")
    places = [list(example.places) for example in examples]
    if any(example.pair is not None for example in examples):
        pairs = PairEncoder(encoder)
        firsts = encoder.plain([example.text for example in examples])
        seconds = encoder.plain([example.pair or "" for example in examples])
        rows = [pairs.fit(one, two, max_length) for one, two in zip(firsts, seconds, strict=True)]
        ids, types = [row.ids for row in rows], [row.types for row in rows]
    else:
        ids = encode_texts(encoder, [example.text for example in examples], max_length).ids
        start = [] if encoder.prefix_id is None else [encoder.prefix_id]
        ids = [row or start for row in ids]
        types = [[0] * len(row) for row in ids]
    return Dataset.from_dict({"input_ids": ids, "types": types, "places": places})

"""Two texts in one row, and lists of words, as the tokenizer's own post-processor joins them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from harness.models.encoding.text_encoder import TextEncoder

_PROBE = "a"
_WORD_MARK = "ByteLevel"


@dataclass(frozen=True, slots=True)
class PairRow:
    """Two texts as one row of a model.

    Attributes:
        ids: token ids, special tokens included.
        types: which text a token belongs to, as the tokenizer numbers them; one a token.
        second: where the second text's tokens begin.
        truncated: tokens of both texts that did not fit.
    """

    ids: list[int]
    types: list[int]
    second: int
    truncated: int = 0


class PairEncoder:
    """How a tokenizer puts two texts together: special tokens before, between and after.

    Args:
        encoder: the tokenizer.

    Raises:
        ValueError: when its post-processor loses one of two texts.
    """

    def __init__(self, encoder: TextEncoder) -> None:
        probe = encoder.backend.encode(_PROBE, _PROBE, add_special_tokens=True)
        owners = probe.sequence_ids
        if 0 not in owners or 1 not in owners:
            raise ValueError("the tokenizer cannot join two texts")
        first, second = owners.index(0), owners.index(1)
        first_end, second_end = _after(owners, 0), _after(owners, 1)
        ids, types = probe.ids, probe.type_ids
        self._prefix, self._middle, self._suffix = ids[:first], ids[first_end:second], ids[second_end:]
        self._types = (
            types[:first],
            types[first : first + 1],
            types[first_end:second],
            types[second : second + 1],
            types[second_end:],
        )

    @property
    def specials(self) -> int:
        """How many special tokens a pair takes."""
        return len(self._prefix) + len(self._middle) + len(self._suffix)

    @property
    def prefixed(self) -> bool:
        """Whether a special token stands before the first text."""
        return bool(self._prefix)

    def second(self, first: int) -> int:
        """Where the second text begins behind so many tokens of the first one."""
        return len(self._prefix) + first + len(self._middle)

    def join(self, first: Sequence[int], second: Sequence[int], truncated: int = 0) -> PairRow:
        """The row of two tokenized texts, both whole."""
        before, first_type, between, two, after = self._types
        return PairRow(
            ids=[*self._prefix, *first, *self._middle, *second, *self._suffix],
            types=[*before, *first_type * len(first), *between, *two * len(second), *after],
            second=self.second(len(first)),
            truncated=truncated,
        )

    def fit(self, first: Sequence[int], second: Sequence[int], max_length: int | None) -> PairRow:
        """The row of two texts, the longer one cut from the right first until both fit."""
        room = len(first) + len(second) if max_length is None else max(0, max_length - self.specials)
        kept_first, two = longest_first(len(first), len(second), room)
        return self.join(first[:kept_first], second[:two], len(first) - kept_first + len(second) - two)


def longest_first(first: int, second: int, room: int) -> tuple[int, int]:
    """How many tokens of each of two texts stay: the longer one loses tokens until both are alike."""
    if first + second <= room:
        return first, second
    short, half = min(first, second), room // 2
    kept = short if short <= half else half
    other = min(max(first, second), room - kept)
    return (kept, other) if first <= second else (other, kept)


class WordEncoder:
    """Lists of words → tokens, each word on its own, as taggers are trained.

    Byte-level tokenizers read every word behind a space, the first one too.

    Args:
        encoder: the tokenizer.
    """

    def __init__(self, encoder: TextEncoder) -> None:
        self._encoder = encoder
        self._before = " " if _byte_level(json.loads(encoder.backend.to_str()).get("pre_tokenizer")) else ""

    def encode(self, words: Sequence[str], max_length: int | None) -> tuple[list[int], list[int | None]]:
        """Token ids with special tokens, and where each word's first token stands in them.

        Words beyond `max_length` tokens, or of no token at all, have the place None.
        """
        ids, owners = self.tokens(words)
        room = self._encoder.room(max_length)
        places: list[int | None] = [None] * len(words)
        for place, owner in enumerate(owners[:room]):
            if places[owner] is None:
                places[owner] = place + len(self._encoder.prefix)
        return self._encoder.wrap(ids[:room]), places

    def tokens(self, words: Sequence[str]) -> tuple[list[int], list[int]]:
        """Token ids without special tokens, and the word that each belongs to."""
        if not words:
            return [], []
        cleaned = [self._behind(self._encoder.clean(word)) for word in words]
        encoding = self._encoder.backend.encode(cleaned, is_pretokenized=True, add_special_tokens=False)
        return self._encoder.as_text(encoding.ids), [int(word) for word in encoding.word_ids]

    def _behind(self, word: str) -> str:
        return word if not word or word[0] == self._before else self._before + word


def _after(owners: Sequence[int | None], owner: int) -> int:
    return len(owners) - list(reversed(owners)).index(owner)


def _byte_level(step: Any) -> bool:
    """Whether a pre-tokenizer, or a part of it, writes spaces into its tokens as GPT-2's does."""
    if not isinstance(step, dict):
        return False
    return step.get("type") == _WORD_MARK or any(_byte_level(part) for part in step.get("pretokenizers", ()))

"""Texts → token ids: the one place where it happens, for scoring and for training alike.

Text from data is tokenized as text: a literal `[MASK]` or `<s>` in an item never becomes the
special token. Truncation is from the right and counted. Special tokens are put around the text
as the tokenizer's own post-processor does.
"""

from __future__ import annotations

import copy
import re
import weakref
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tokenizers.models import BPE

from harness.core.errors import CheckpointError
from harness.core.requests import InputMark
from harness.models.encoding.guarded_tokenizer import GuardedTokenizer

if TYPE_CHECKING:
    from tokenizers import Encoding, Tokenizer
    from transformers import PreTrainedTokenizerFast

GAP = "{mask}"
_PROBE = "a"
_UNLIMITED = 1_000_000
_SURROGATE = re.compile("[\ud800-\udfff]")


SingleTypes = tuple[tuple[int, ...], int, tuple[int, ...]]
"""Token types of what stands before a text, of its own tokens, and of what stands after it."""


@dataclass(frozen=True, slots=True)
class Encoded:
    """Token ids of a batch of texts.

    Attributes:
        ids: one list a text, special tokens included.
        truncated: how many tokens of each text did not fit.
        prefix: how many special tokens stand before the text.
        suffix: how many stand after it.
    """

    ids: list[list[int]]
    truncated: list[int]
    prefix: int
    suffix: int


@dataclass(frozen=True, slots=True)
class Pieces:
    """The tokens of one text without special tokens.

    Attributes:
        ids: token ids.
        offsets: [start, end) in characters of the text, one a token.
        words: number of the word that each token belongs to, counted from 0. A word ends where
            the tokenizer's pre-tokenizer ends it, and at white space.
    """

    ids: list[int]
    offsets: list[tuple[int, int]]
    words: list[int]


@dataclass(frozen=True, slots=True)
class Gap:
    """A text with one gap: token ids with specials, and where the mask token stands."""

    ids: list[int]
    position: int
    truncated: int


class TextEncoder:
    """A tokenizer, used in the ways that scoring and training need.

    Works on its own copy of the tokenizer's backend: no truncation, no padding, special tokens
    in texts taken as text.

    Args:
        tokenizer: a transformers tokenizer with a `tokenizers` backend.

    Raises:
        CheckpointError: when the tokenizer has no such backend.
    """

    def __init__(self, tokenizer: PreTrainedTokenizerFast) -> None:
        from transformers import PreTrainedTokenizerFast

        if not isinstance(tokenizer, PreTrainedTokenizerFast):
            raise CheckpointError(
                "the tokenizer has no tokenizer.json form, which offsets and special tokens need.",
                hint="save it once with a fast tokenizer class of transformers.",
            )
        self.backend: Any = GuardedTokenizer(_settled(tokenizer.backend_tokenizer))
        self.backend.no_truncation()
        self.backend.no_padding()
        self.backend.encode_special_tokens = True
        self._canonical: Any = GuardedTokenizer(_settled(tokenizer.backend_tokenizer))
        self._canonical.no_truncation()
        self._canonical.no_padding()
        self._canonical.encode_special_tokens = False
        self.mask_token: str | None = tokenizer.mask_token
        self.mask_id: int | None = tokenizer.mask_token_id
        self.pad_id: int | None = tokenizer.pad_token_id
        self.prefix_id: int | None = next(
            (token for token in (tokenizer.bos_token_id, tokenizer.eos_token_id) if token is not None), None
        )
        self.typed: bool = "token_type_ids" in tokenizer.model_input_names
        self.tokenizer: PreTrainedTokenizerFast = tokenizer
        limit = tokenizer.model_max_length
        if limit is not None and not isinstance(limit, int | float):
            raise CheckpointError(
                f"tokenizer_config.json: expected a number as `model_max_length`, found {limit!r}.",
                hint="correct it, or remove it.",
            )
        self.max_length: int | None = int(limit) if limit and 0 < limit < _UNLIMITED else None
        self.special_tokens: tuple[str, ...] = tuple(tokenizer.all_special_tokens)
        unknown = tokenizer.unk_token_id
        self._unknown: int | None = unknown
        self._control = frozenset(tokenizer.all_special_ids) - {unknown}
        self.prefix, self.suffix, self.single_types = self._surroundings()

    @property
    def highest_id(self) -> int:
        """The highest id that a text may become; the padding token is in no text."""
        vocabulary = self.backend.get_vocab(with_added_tokens=True).values()
        return max((token for token in vocabulary if token != self.tokenizer.pad_token_id), default=-1)

    def _surroundings(self) -> tuple[tuple[int, ...], tuple[int, ...], SingleTypes]:
        """The special tokens before and after a text, and the types of its row."""
        probe = self.backend.encode(_PROBE, add_special_tokens=True)
        ids, types, special = tuple(probe.ids), tuple(probe.type_ids), probe.special_tokens_mask
        content = [index for index, flag in enumerate(special) if not flag]
        if not content:
            return ids, (), (types, 0, ())
        first, end = content[0], content[-1] + 1
        return ids[:first], ids[end:], (types[:first], types[first], types[end:])

    def unknown(self, ids: Sequence[int]) -> int:
        """How many of a text's tokens stand for what the tokenizer cannot represent."""
        return 0 if self._unknown is None else list(ids).count(self._unknown)

    def mark(self, ids: Sequence[int], *more: Sequence[int]) -> InputMark:
        """What a model reads of token ids (and of what goes with them, such as their types)."""
        return InputMark.of([list(ids), *map(list, more)], self.unknown(ids))

    @property
    def beginning(self) -> str:
        """What the tokenizer puts before every text, for people: the BOS policy."""
        names = self.tokenizer.convert_ids_to_tokens(list(self.prefix))
        return f"{' '.join(map(str, names))} before every text" if names else "nothing before a text"

    @property
    def whole_beginning(self) -> str:
        """The same for a model that reads from the left: a text without a context needs a token before it."""
        if self.prefix or self.prefix_id is None:
            return self.beginning
        return f"{self.tokenizer.convert_ids_to_tokens(self.prefix_id)} before a text without context"

    def room(self, max_length: int | None) -> int:
        """How many tokens of text fit beside the special tokens."""
        if max_length is None:
            return _UNLIMITED
        return max(0, max_length - len(self.prefix) - len(self.suffix))

    def wrap(self, ids: Sequence[int]) -> list[int]:
        """Token ids of a text with the special tokens around them."""
        return [*self.prefix, *ids, *self.suffix]

    def plain(self, texts: Sequence[str]) -> list[list[int]]:
        """Token ids of each text, without special tokens and whole."""
        encodings = self.backend.encode_batch_fast([_utf8(text) for text in texts], add_special_tokens=False)
        return [self.as_text(encoding.ids) for encoding in encodings]

    def pieces(self, texts: Sequence[str]) -> list[Pieces]:
        """Tokens of each text with offsets and words, without special tokens and whole."""
        cleaned = [_utf8(text) for text in texts]
        encodings = self.backend.encode_batch(cleaned, add_special_tokens=False)
        return [
            Pieces(self.as_text(encoding.ids), encoding.offsets, _words(text, encoding.word_ids, encoding.offsets))
            for text, encoding in zip(cleaned, encodings, strict=True)
        ]

    def gap(self, text: str, max_length: int | None) -> Gap:
        """Tokens of a text whose `{mask}` becomes the mask token.

        When the text is too long, tokens are dropped from the longer side's outer end, so that
        the gap and what stands next to it stay.

        Raises:
            ValueError: when the text does not hold exactly one gap, or the tokenizer has no mask token.
        """
        before, after = self._around(text)
        excess = max(0, len(before) + 1 + len(after) - self.room(max_length))
        left, right = len(before), len(after)
        for _ in range(excess):
            if left >= right:
                left -= 1
            else:
                right -= 1
        before, after = before[len(before) - left :], after[:right]
        assert self.mask_id is not None
        return Gap(self.wrap([*before, self.mask_id, *after]), len(self.prefix) + len(before), excess)

    def filling(self, text: str, word: str) -> int | None:
        """The token that takes the mask token's place when `word` fills the gap.

        None when the word takes more than one token, or changes its neighbors.

        Raises:
            ValueError: as `gap`.
        """
        before, after = self._around(text)
        filled = self.plain([text.replace(GAP, word)])[0]
        place = len(before)
        fits = len(filled) == place + 1 + len(after) and filled[:place] == before and filled[place + 1 :] == after
        return filled[place] if fits and filled[place] != self._unknown else None

    @staticmethod
    def clean(text: str) -> str:
        """The text as a tokenizer takes it: lone surrogates become the replacement character."""
        return _utf8(text)

    def canonical(self, text: str) -> Encoding:
        """The `tokenizers` encoding of a text in which special tokens count as such (a rendered template)."""
        encoding: Encoding = self._canonical.encode(text, add_special_tokens=False)
        return encoding

    def decode(self, ids: Sequence[int]) -> str:
        """The text of tokens, special ones left out; nothing is cleaned up."""
        return str(self.backend.decode(list(ids), skip_special_tokens=True))

    def spell(self, token: int) -> str:
        """One token as text, a special one by its name."""
        return str(self.backend.decode([token], skip_special_tokens=False))

    def _around(self, text: str) -> tuple[list[int], list[int]]:
        """The tokens before and after the gap."""
        if self.mask_token is None or self.mask_id is None:
            raise ValueError("the tokenizer has no mask token")
        left, gap, right = text.partition(GAP)
        if not gap or GAP in right:
            raise ValueError(f"expected {GAP} exactly once in the text")
        left, right = _utf8(left), _utf8(right)
        if any(token in left or token in right for token in self.special_tokens):
            before, after = self.plain([left, right])
            return before, after
        ids = self._canonical.encode(left + self.mask_token + right, add_special_tokens=False).ids
        place = ids.index(self.mask_id)
        return ids[:place], ids[place + 1 :]

    def as_text(self, ids: list[int]) -> list[int]:
        """Ids in which what the vocabulary takes for a special token is the unknown token."""
        if self._control.isdisjoint(ids) or self._unknown is None:
            return ids
        return [self._unknown if token in self._control else token for token in ids]


_encoders: weakref.WeakKeyDictionary[PreTrainedTokenizerFast, TextEncoder] = weakref.WeakKeyDictionary()


def text_encoder(tokenizer: PreTrainedTokenizerFast) -> TextEncoder:
    """The `TextEncoder` of a tokenizer, made once."""
    if tokenizer not in _encoders:
        _encoders[tokenizer] = TextEncoder(tokenizer)
    return _encoders[tokenizer]


def _settled(backend: Tokenizer) -> Tokenizer:
    """A copy of a tokenizer's backend that cuts a text in one way: BPE dropout, a noise of training, is off."""
    settled = copy.deepcopy(backend)
    if isinstance(settled.model, BPE):
        settled.model.dropout = None
    return settled


def encode_texts(
    tokenizer: PreTrainedTokenizerFast | TextEncoder, texts: Sequence[str], max_length: int | None
) -> Encoded:
    """Token ids with special tokens, truncated from the right to `max_length` and counted.

    Args:
        tokenizer: a transformers tokenizer, or a `TextEncoder`.
        texts: any texts; an empty one becomes the special tokens alone.
        max_length: tokens with the special ones; None for no limit.
    """
    encoder = tokenizer if isinstance(tokenizer, TextEncoder) else text_encoder(tokenizer)
    room = encoder.room(max_length)
    plain = encoder.plain(texts)
    return Encoded(
        ids=[encoder.wrap(ids[:room]) for ids in plain],
        truncated=[max(0, len(ids) - room) for ids in plain],
        prefix=len(encoder.prefix),
        suffix=len(encoder.suffix),
    )


def _utf8(text: str) -> str:
    """Lone surrogates, which no tokenizer takes, become the replacement character."""
    return text if text.isascii() else _SURROGATE.sub("\ufffd", text)


def _words(text: str, word_ids: Sequence[int | None], offsets: Sequence[tuple[int, int]]) -> list[int]:
    words: list[int] = []
    last: int | None = None
    end = 0
    for word, (start, stop) in zip(word_ids, offsets, strict=True):
        spaced = any(character.isspace() for character in text[end : max(start, end)])
        spaced = spaced or (start >= end and text[start : start + 1].isspace())
        new = not words or word is None or word != last or spaced
        words.append((words[-1] + 1 if words else 0) if new else words[-1])
        last, end = word, max(stop, end)
    return words

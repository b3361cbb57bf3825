"""Which evaluation items stand in the training text: exactly, normalized, or by a long run of words.

The training text is streamed once; memory holds only what the items need and one batch of
words, so the size of the training text does not matter.
"""

from __future__ import annotations

import hashlib
import re
from array import array
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
import numpy.typing as npt

from harness.data.splits import normalized
from harness.data.text_index import TextIndex

NGRAM_WORDS = 13
"""Run length of the GPT-3 contamination study (Brown et al. 2020, appendix C)."""

_WORD = re.compile(r"\w+")
_BATCH_WORDS = 1 << 17
_BASE = np.uint64(0x9E3779B97F4A7C15)

Keys = npt.NDArray[np.uint64]


@dataclass(frozen=True, slots=True)
class OverlapReport:
    """Ids of the items that were found, by strictness; each set contains the one before it.

    Attributes:
        exact: the item's text is a training text.
        normalized: equal after case folding, Unicode composition and white space.
        ngram: a run of `words` words stands in a training text, or the whole item when it is
            shorter (but has at least `words // 2` words).
        items: number of items looked for.
        checkable: number of items long enough for the run test.
        words: the run length.
    """

    exact: frozenset[str]
    normalized: frozenset[str]
    ngram: frozenset[str]
    items: int
    checkable: int
    words: int


def overlap(
    training_texts: Iterable[str], items: Iterable[tuple[str, str]], *, words: int = NGRAM_WORDS
) -> OverlapReport:
    """Looks for items in training text.

    Args:
        training_texts: read once, in any order; a run of words never spans two texts.
        items: (id, text); read once.
        words: run length. 13 is usual for long texts; for snippets 8 finds more and errs more.

    Runs are compared by 64-bit keys: among 1e6 item runs and 1e9 training runs, a false find has
    a chance of about 5e-5.
    """
    ids: list[str] = []
    exact, same = TextIndex(), TextIndex()
    runs: dict[int, _Runs] = defaultdict(_Runs)
    checkable = 0
    for number, (identity, text) in enumerate(items):
        ids.append(identity)
        exact.add(text, number)
        same.add(normalized(text), number)
        keys = _word_keys(text)
        size = min(words, len(keys))
        if size >= max(1, words // 2):
            checkable += 1
            runs[size].add(np.unique(_runs(np.array(keys, dtype=np.uint64), size)), number)
    found_exact: set[int] = set()
    found_same: set[int] = set()
    for batch, keys_of_batch in _batches(training_texts, bool(runs)):
        found_exact |= exact.of_any(batch)
        found_same |= same.of_any([normalized(text) for text in batch])
        for size, of_size in runs.items():
            of_size.meet(_runs(keys_of_batch, size))
    found_same |= found_exact
    found_runs = found_same.union(*(of_size.items() for of_size in runs.values()))
    exactly, alike, in_part = (
        frozenset(ids[number] for number in numbers) for numbers in (found_exact, found_same, found_runs)
    )
    return OverlapReport(exactly, alike, in_part, len(ids), checkable, words)


class _Runs:
    """The runs of one length of all items, and which of them were met: 12 bytes a run."""

    def __init__(self) -> None:
        self._keys, self._numbers = array("Q"), array("I")
        self._met: list[Keys] = []

    def add(self, keys: Keys, number: int) -> None:
        self._keys.extend(keys.tolist())
        self._numbers.extend([number] * len(keys))

    def meet(self, keys: Keys) -> None:
        """Notes which runs of the items are among the keys."""
        table = self._table
        places = np.minimum(np.searchsorted(table, keys), len(table) - 1)
        self._met.append(np.unique(keys[table[places] == keys]))

    def items(self) -> set[int]:
        """The items with a run that was met."""
        if not self._met:
            return set()
        held = np.isin(np.frombuffer(self._keys, np.uint64), np.concatenate(self._met))
        return set(np.frombuffer(self._numbers, np.uint32)[held].tolist())

    @cached_property
    def _table(self) -> Keys:
        return np.unique(np.frombuffer(self._keys, np.uint64))


def _batches(texts: Iterable[str], with_words: bool) -> Iterator[tuple[list[str], Keys]]:
    """Texts with their words' keys in one row; a key that no word has stands between texts."""
    batch: list[str] = []
    keys: list[int] = []
    for number, text in enumerate(texts):
        batch.append(text)
        if with_words:
            keys.extend(_word_keys(text))
            keys.append(_hash64(f" {number}"))
        if len(keys) >= _BATCH_WORDS or len(batch) >= _BATCH_WORDS:
            yield batch, np.array(keys, dtype=np.uint64)
            batch, keys = [], []
    if batch:
        yield batch, np.array(keys, dtype=np.uint64)


def _runs(keys: Keys, size: int) -> Keys:
    """One key per run of `size` words: Σ key·base^i modulo 2^64."""
    count = len(keys) - size + 1
    if count <= 0:
        return np.empty(0, dtype=np.uint64)
    total = keys[:count].copy()
    for offset in range(1, size):
        total *= _BASE
        total += keys[offset : offset + count]
    return total


def _word_keys(text: str) -> list[int]:
    return [_word_key(word) for word in _WORD.findall(normalized(text))]


@lru_cache(maxsize=1 << 18)
def _word_key(word: str) -> int:
    return _hash64(word)


def _hash64(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "big")

"""Which evaluation items stand in the training text: exactly, normalized, or by a long run of words.

The training text is streamed once; memory holds only what the items need and one batch of
words, so the size of the training text does not matter.
"""

from __future__ import annotations

import hashlib
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from harness.data.splits import normalized

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
    training_texts: Iterable[str], items: Sequence[tuple[str, str]], *, words: int = NGRAM_WORDS
) -> OverlapReport:
    """Looks for items in training text.

    Args:
        training_texts: read once, in any order; a run of words never spans two texts.
        items: (id, text).
        words: run length. 13 is usual for long texts; for snippets 8 finds more and errs more.

    Runs are compared by 64-bit keys: among 1e6 item runs and 1e9 training runs, a false find has
    a chance of about 5e-5.
    """
    exact: dict[bytes, list[str]] = defaultdict(list)
    same: dict[bytes, list[str]] = defaultdict(list)
    runs: dict[int, dict[int, list[str]]] = defaultdict(lambda: defaultdict(list))
    checkable = 0
    for identity, text in items:
        exact[_key(text)].append(identity)
        same[_key(normalized(text))].append(identity)
        keys = _word_keys(text)
        size = min(words, len(keys))
        if size >= max(1, words // 2):
            checkable += 1
            for run in np.unique(_runs(np.array(keys, dtype=np.uint64), size)).tolist():
                runs[size][run].append(identity)
    tables = {size: np.array(sorted(table), dtype=np.uint64) for size, table in runs.items()}
    found_exact: set[str] = set()
    found_same: set[str] = set()
    found_runs: set[str] = set()
    for batch, keys_of_batch in _batches(training_texts, bool(tables)):
        for text in batch:
            found_exact.update(exact.get(_key(text), ()))
            found_same.update(same.get(_key(normalized(text)), ()))
        for size, table in tables.items():
            for run in _present(_runs(keys_of_batch, size), table):
                found_runs.update(runs[size][run])
    found_same |= found_exact
    return OverlapReport(
        frozenset(found_exact), frozenset(found_same), frozenset(found_runs | found_same), len(items), checkable, words
    )


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


def _present(digests: Keys, table: Keys) -> list[int]:
    """The keys of `found` that stand in the sorted `table`."""
    places = np.minimum(np.searchsorted(table, digests), len(table) - 1)
    hits: list[int] = np.unique(digests[table[places] == digests]).tolist()
    return hits


def _word_keys(text: str) -> list[int]:
    return [_word_key(word) for word in _WORD.findall(normalized(text))]


@lru_cache(maxsize=1 << 18)
def _word_key(word: str) -> int:
    return _hash64(word)


def _hash64(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "big")


def _key(text: str) -> bytes:
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()

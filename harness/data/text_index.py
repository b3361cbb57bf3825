"""Text → the numbers of what holds it, at 24 bytes a text: a million held-out rows are looked up in little memory."""

from __future__ import annotations

import hashlib
from array import array
from collections.abc import Sequence
from functools import cached_property

import numpy as np
import numpy.typing as npt

_BYTES = 16
"""Of a digest; all have one length, so that NumPy's cut of zeros at their ends changes no comparison."""

Numbers = npt.NDArray[np.int64]


class TextIndex:
    """Digests of texts, sorted at the first look; nothing is added after it."""

    def __init__(self) -> None:
        self._digests = bytearray()
        self._numbers = array("q")

    def add(self, text: str, number: int) -> None:
        self._digests += _digest(text)
        self._numbers.append(number)

    def numbers(self, text: str) -> set[int]:
        """The numbers that a text was added with."""
        digests, numbers = self._sorted
        key = np.frombuffer(_digest(text), f"S{_BYTES}")
        start, end = (int(np.searchsorted(digests, key, side=side)[0]) for side in ("left", "right"))
        return set(numbers[start:end].tolist())

    def of_any(self, texts: Sequence[str]) -> set[int]:
        """The numbers of all that hold one of the texts."""
        digests, numbers = self._sorted
        if not len(digests):
            return set()
        keys = np.unique(np.frombuffer(b"".join(map(_digest, texts)), f"S{_BYTES}"))
        starts, ends = np.searchsorted(digests, keys, "left"), np.searchsorted(digests, keys, "right")
        return {number for start, end in zip(starts, ends, strict=True) for number in numbers[start:end].tolist()}

    @cached_property
    def _sorted(self) -> tuple[npt.NDArray[np.bytes_], Numbers]:
        digests, numbers = np.frombuffer(self._digests, f"S{_BYTES}"), np.frombuffer(self._numbers, np.int64)
        order = np.argsort(digests, kind="stable")
        return digests[order], numbers[order]


def _digest(text: str) -> bytes:
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=_BYTES).digest()

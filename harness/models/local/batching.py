"""Rows → batches of a token budget, halved when memory runs out.

Rows come sorted by length, so that rows of one length stand together. A batch holds rows whose
lengths differ by at most `slack`; what does not fit the budget starts the next batch. A row that the
model cannot read gets no answer, and the others of its batch get theirs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from harness.core.reporter import Reporter
from harness.core.requests import Failure

IntArray = npt.NDArray[np.int64]
SLACK = 0.125
_OUT_OF_MEMORY = ("out of memory", "not enough memory", "allocate memory", "alloc_failed")

R = TypeVar("R")
T = TypeVar("T")


@dataclass(frozen=True, slots=True, eq=False)
class Row:
    """One sequence for a language model, and which log-probabilities are wanted of it.

    Attributes:
        ids: int64[L], token ids.
        positions: int64[P], ascending; where the language-model head is applied.
        targets: int64[G], token ids whose log-probabilities are wanted.
        at: int64[G], ascending; index into `positions` for each target.
        owner: which request the row belongs to.
        first: what the row scores first, in its request's own count.
    """

    ids: IntArray
    positions: IntArray
    targets: IntArray
    at: IntArray
    owner: int
    first: int = 0


@dataclass(frozen=True, slots=True)
class TooLarge:
    """What a single row gets for which memory does not suffice, or that the model fails to read.

    Attributes:
        tokens: its length.
        fault: what the model said; None where memory did not suffice.
    """

    tokens: int
    fault: str | None = None


class Batcher:
    """Runs rows through a forward function in batches.

    Args:
        budget: tokens in a batch, padding included.
        reporter: told when memory runs out.
        relieve: frees cached memory after a failure.
        prepare: called before every forward pass.
        together: whether rows of two lengths, the second one at least the first, may share a batch.
    """

    def __init__(
        self,
        budget: int,
        reporter: Reporter,
        relieve: Callable[[], None] = lambda: None,
        prepare: Callable[[], None] = lambda: None,
        together: Callable[[int, int], bool] = lambda _size, _longest: True,
    ) -> None:
        self.budget = budget
        self.whole_budget = budget
        """The budget before memory ran out."""
        self._together = together
        self._reporter = reporter
        self._relieve = relieve
        self._prepare = prepare
        self._told: set[str] = set()

    def tell_once(self, message: str) -> None:
        """Warns of something that holds for the whole model."""
        if message not in self._told:
            self._told.add(message)
            self._reporter.warn(message)

    def run(
        self,
        rows: Iterable[R],
        length: Callable[[R], int],
        forward: Callable[[Sequence[R]], Sequence[T]],
        *,
        slack: float = 0.0,
        most: int | None = None,
        room: int = 1,
    ) -> Iterator[tuple[R, T | TooLarge]]:
        """Yields every row with its result, in the rows' order.

        Args:
            rows: sorted by length, longest first; read lazily.
            length: tokens of a row.
            forward: results of a batch, one a row.
            slack: how much shorter than the longest a row of the same batch may be, as a share.
            most: tokens in a batch, where that is less than the budget.
            room: how many times the budget a batch may hold, where a pass does not read all of its tokens.
        """
        batch: list[R] = []
        longest = 0
        for row in rows:
            size = length(row)
            budget = min(self.budget, most or self.budget) * room
            unlike = size < longest * (1 - slack) or size > longest or not self._together(size, longest)
            if batch and ((len(batch) + 1) * longest > budget or unlike):
                yield from self._forward(batch, longest, length, forward, room)
                batch = []
            if not batch:
                longest = size
            batch.append(row)
        if batch:
            yield from self._forward(batch, longest, length, forward, room)

    def _forward(
        self,
        batch: list[R],
        longest: int,
        length: Callable[[R], int],
        forward: Callable[[Sequence[R]], Sequence[T]],
        room: int,
    ) -> Iterator[tuple[R, T | TooLarge]]:
        pending = [batch]
        while pending:
            part = pending.pop()
            results: Sequence[T] | None = None
            fault: str | None = None
            try:
                self._prepare()
                results = forward(part)
            except Exception as error:  # a model's forward pass is foreign code: it may raise anything
                if not is_out_of_memory(error):
                    fault = f"{type(error).__name__}: {_first_line(error)}"
            # The failure is handled outside `except`: the exception's frames hold the tensors.
            if results is not None:
                yield from zip(part, results, strict=True)
                continue
            if fault is not None and len(part) > 1:
                pending.extend([row] for row in reversed(part))
                continue
            if fault is not None:
                self.tell_once(f"the model cannot read some rows, which get no answer ({fault}).")
                yield part[0], TooLarge(length(part[0]), fault)
                continue
            self._relieve()
            if len(part) == 1:
                self._reporter.warn(f"a text of {longest} tokens does not fit in memory; it gets no answer.")
                yield part[0], TooLarge(longest)
                continue
            half = len(part) // 2
            self.budget = min(self.budget, max(1, half * longest // room))
            self._reporter.warn(f"memory ran out with {len(part)} texts of {longest} tokens; continuing with {half}.")
            pending.extend([part[half:], part[:half]])


def _first_line(error: BaseException) -> str:
    return next(iter(str(error).strip().splitlines()), "no message")


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an exception says that memory did not suffice."""
    return isinstance(error, MemoryError) or any(words in str(error).lower() for words in _OUT_OF_MEMORY)


def too_large(fault: TooLarge) -> Failure:
    """Why a row has no answer: too little memory, or the model's forward pass failed."""
    if fault.fault is not None:
        return Failure("error", f"the model cannot read these {fault.tokens} tokens: {fault.fault}")
    return Failure("error", f"memory does not suffice for {fault.tokens} tokens")

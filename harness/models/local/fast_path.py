"""What a guest may do for a network: give the answers of plain rows with less work.

A guest says whether it applies to a network, compares itself with the plain pass on first use, and answers from then on
where the comparison held. A network holds `FastPaths`; requests ask it and read plain rows where it gives nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Protocol

import numpy as np
import torch

from harness.core.records import FloatArray
from harness.models.encoding.continuation_plans import ContinuationPlan
from harness.models.local.batching import Batcher, IntArray, Row, TooLarge

OptionRow = tuple[Row, IntArray]
"""A row that scores one or more options of a request, and which option each of its targets belongs to."""
OptionValue = tuple[int, int, float | TooLarge]
"""Request, option, log-likelihood."""
ReadRows = Callable[[Sequence[Row]], list[FloatArray]]
ReadOptions = Callable[[list[OptionRow]], Iterator[OptionValue]]
"""Scores options by plain rows."""
HeadLogits = Callable[[Sequence[IntArray]], torch.Tensor]
"""[B, K] of a head for rows of token ids, by the plain pass."""
Narrow = Callable[[Sequence[IntArray]], AbstractContextManager[None]]
"""While it lasts, the encoder gives the states at the first place of these rows alone."""
Writing = Callable[[], AbstractContextManager[None]]
"""While it lasts, passes of one token a text are made ready for."""


class FastPaths(Protocol):
    """The guests of one network. Each gives None where it does not apply or its self-check did not hold."""

    def masked_rows(self, batcher: Batcher) -> ReadRows | None:
        """What reads rows that ask for a language model's probabilities at one place each."""
        ...

    def first_place(self, head: str, plain: HeadLogits, batcher: Batcher) -> Narrow | None:
        """What reads rows for a head that looks at their first place alone."""
        ...

    def options(
        self,
        plans: Sequence[ContinuationPlan],
        rows: Mapping[int, list[OptionRow]],
        batcher: Batcher,
        plain: ReadOptions,
    ) -> Iterator[OptionValue] | None:
        """The options of contexts.

        Args:
            plans: the requests, tokenized.
            rows: the plain rows of each, by its number.
            batcher: runs forward passes.
            plain: for rows that are best read as they are.
        """
        ...

    def writing(self) -> AbstractContextManager[None]:
        """What stands around a batch in which texts are written."""
        ...


class NoFastPaths:
    """Plain rows throughout."""

    def masked_rows(self, batcher: Batcher) -> ReadRows | None:
        return None

    def first_place(self, head: str, plain: HeadLogits, batcher: Batcher) -> Narrow | None:
        return None

    def options(
        self,
        plans: Sequence[ContinuationPlan],
        rows: Mapping[int, list[OptionRow]],
        batcher: Batcher,
        plain: ReadOptions,
    ) -> Iterator[OptionValue] | None:
        return None

    def writing(self) -> AbstractContextManager[None]:
        return nullcontext()


def option_values(owner: int, option: IntArray, values: FloatArray | TooLarge) -> Iterator[OptionValue]:
    """A row's log-probabilities, summed over each of its options."""
    for number in np.unique(option).tolist():
        yield owner, number, values if isinstance(values, TooLarge) else float(values[option == number].sum())

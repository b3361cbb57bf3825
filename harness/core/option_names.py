"""Names that mean the same in the options of every model kind: an option of that name is read so.

A kind whose option means something else overrides the method of `ModelKind` that asks for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable


@runtime_checkable
class StartsFrom(Protocol):
    """`from`: the model of the suite that training starts from."""

    from_: str | None


@runtime_checkable
class LearnsTask(Protocol):
    """`task`: the task of the suite whose examples are learned."""

    task: str | None


@runtime_checkable
class LearnsData(Protocol):
    """`data`: names of data sets whose texts are learned from."""

    data: Sequence[str]


@runtime_checkable
class LearnedElsewhere(Protocol):
    """`trained_on`: files that an existing model learned from."""

    trained_on: Sequence[str] | None


@runtime_checkable
class LimitsRows(Protocol):
    """`max_train_rows`: learn from at most so many rows."""

    max_train_rows: int | None


@runtime_checkable
class OwnSeed(Protocol):
    """`seed`: of its training, in place of the suite's."""

    seed: int | None


@runtime_checkable
class ManySeeds(Protocol):
    """`seeds`: how many seeds it is trained with."""

    seeds: int | None


@runtime_checkable
class Mitigates(Protocol):
    """`mitigate`: a bias mitigation of what is learned."""

    mitigate: object

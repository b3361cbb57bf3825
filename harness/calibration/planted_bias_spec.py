"""Planted worlds: what a suite that calibrates says of them."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from typing import Any

from pydantic import Field, model_validator

from harness.schema.suite.data_refs import DataRef, SourceRef
from harness.schema.suite.types import Count, Strict

DOSE, WORLD = "$dose", "$world"
"""Stand in the options of generated data for the world's dose and seed."""


class PlantedBiasSpec(Strict):
    """Worlds with a planted dose of bias: the whole suite is carried out in each of them."""

    doses: list[float] = Field(
        default_factory=lambda: [0.5, 0.6, 0.7, 0.8, 0.9, 0.95], min_length=2, description="Planted doses."
    )
    zero: float = Field(0.5, description="Dose at which no bias is planted.")
    strong: float = Field(0.9, description="Dose that probes must detect.")
    each: Count = Field(3, ge=1, description="Number of worlds for every other dose.")
    many: Count = Field(10, ge=2, description="Number of worlds for the doses `zero` and `strong`.")

    @model_validator(mode="after")
    def _known(self) -> PlantedBiasSpec:
        for name in ("zero", "strong"):
            if getattr(self, name) not in self.doses:
                raise ValueError(f"`{name}` is {getattr(self, name)}, which is not one of the doses {self.doses}")
        if self.zero == self.strong or len(set(self.doses)) != len(self.doses):
            raise ValueError(f"expected distinct doses, found {self.doses} with zero {self.zero}")
        return self

    def cells(self) -> Iterator[tuple[float, int]]:
        """Every (dose, world); the strong and the fair worlds first, so that power is known early.

        Each world has a seed of its own, as worlds are the units of analysis: a seed at several doses would tie them.
        """
        first = [self.strong, self.zero]
        seeds = count()
        for dose in [*first, *(dose for dose in self.doses if dose not in first)]:
            yield from ((dose, next(seeds)) for _ in range(self.many if dose in first else self.each))


def with_dose(ref: DataRef, dose: float, world: int) -> DataRef:
    """A data reference with the dose and seed of a world in place of `$dose` and `$world`."""
    if not isinstance(ref, SourceRef):
        return ref
    known: dict[str, Any] = {DOSE: dose, WORLD: world}
    options = {
        name: known.get(value, value) if isinstance(value, str) else value for name, value in ref.options.items()
    }
    return ref.model_copy(update={"options": options})

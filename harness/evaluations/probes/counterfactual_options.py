"""The YAML of a counterfactual probe."""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator, Field, model_validator

from harness.core.specs import EvaluationOptions
from harness.data.swaps import KINDS
from harness.evaluations.options import DataName

_OWN_KINDS = (*KINDS, "race_names")


def _listed(value: object) -> object:
    return value if isinstance(value, list | tuple) else [value]


class CounterfactualOptions(EvaluationOptions):
    """What is swapped, in which texts, and which task is asked about them."""

    on: str = Field(description="The classification task whose question is asked.")
    swap: Annotated[list[str], BeforeValidator(_listed)] = Field(
        default_factory=lambda: list(KINDS), description=f"Built-in kinds of swap: {', '.join(KINDS)}."
    )
    lexicons: dict[str, dict[str, list[str]]] = Field(
        default_factory=dict,
        description="name: {group: words}, for swaps of your own; words at the same place are counterparts.",
    )
    data: Annotated[list[DataName], BeforeValidator(_listed)] = Field(
        default_factory=list, description="Further data whose texts are swapped too; they need no labels."
    )
    text: str | None = Field(None, description="Column with the text of the further data; the task's when left out.")
    templates: bool = Field(False, description="Also ask about the sentences of our own templates.")

    @model_validator(mode="after")
    def _swaps_something(self) -> CounterfactualOptions:
        if not self.swap and not self.lexicons:
            raise ValueError(f"expected something to swap: `swap` ({', '.join(KINDS)}) or `lexicons`")
        for kind in self.swap:
            if kind not in _OWN_KINDS:
                raise ValueError(f"expected kinds of swap among {', '.join(KINDS)}, found {kind!r}")
        for name, groups in self.lexicons.items():
            _check_lexicon(name, groups)
        return self


def _check_lexicon(name: str, groups: dict[str, list[str]]) -> None:
    if name in _OWN_KINDS:
        raise ValueError(f"the lexicon {name!r} has the name of a built-in swap; give it another")
    if len(groups) < 2:
        raise ValueError(f"the lexicon {name!r} needs two groups or more, found {len(groups)}")
    if len({len(words) for words in groups.values()}) != 1:
        sizes = ", ".join(f"{group}: {len(words)}" for group, words in groups.items())
        raise ValueError(f"the lexicon {name!r} needs equally many words in each group, found {sizes}")
    words = [word.strip().casefold() for group in groups.values() for word in group]
    if not words or "" in words or len(set(words)) != len(words):
        raise ValueError(f"the lexicon {name!r} needs words that are not empty, each in one group only and once")

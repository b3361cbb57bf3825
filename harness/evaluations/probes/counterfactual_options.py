"""The YAML of a counterfactual probe."""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator, Field, model_validator

from harness.schema.suite.evaluation_options import EvaluationOptions
from harness.schema.suite.mitigation import LEXICONS_HELP, RESERVED_SWAPS, Lexicons
from harness.schema.suite.options import DataName
from harness.text.swaps.swap import KINDS


def _listed(value: object) -> object:
    return value if isinstance(value, list | tuple) else [value]


class CounterfactualOptions(EvaluationOptions):
    """What is swapped, in which texts, and which task is asked about them."""

    on: str = Field(description="The classification task whose question is asked.")
    swap: Annotated[list[str], BeforeValidator(_listed)] = Field(
        default_factory=lambda: list(KINDS), description=f"Built-in kinds of swap: {', '.join(KINDS)}."
    )
    lexicons: Lexicons = Field(default_factory=dict, description=LEXICONS_HELP)
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
            if kind not in RESERVED_SWAPS:
                raise ValueError(f"expected kinds of swap among {', '.join(KINDS)}, found {kind!r}")
        return self

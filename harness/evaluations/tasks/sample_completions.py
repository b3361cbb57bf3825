"""Fixed completions: what a model writes into a gap or after a few words, kept for people to read.

Masked models fill `{mask}` (put at the end where the prompt has none), causal models go on: with single likely
tokens, and with a text where the prompt ends in a question mark. A prompt that a model cannot fill is skipped there
and counted.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar, Literal

from pydantic import Field, field_validator

from harness.core.dataset import Dataset
from harness.core.digests import digest
from harness.core.evaluation import Evaluation, Item, ItemMeasure
from harness.core.model import ModelFacts
from harness.core.records import ITEM, SKIPPED, Record
from harness.core.requests import Completions, Failure, Generate, Generated, Request, Response, TopCompletions
from harness.evaluations.prompts.label_prompt import GAP
from harness.evaluations.record_builders import failed, item_digest, outcome
from harness.schema.suite.evaluation_options import EvaluationOptions

DEFAULT = ("The cat sat on the", "The {mask} sat on the mat.", "The dog wagged its", "Q: What is NLP?")
FILL, GO_ON, WRITE = "fill", "go_on", "write"
_FEW_WORDS = 24


class CompletionsOptions(EvaluationOptions):
    """The YAML of fixed completions."""

    prompts: list[str] = Field(list(DEFAULT), description="Texts to continue, or texts with one {mask} to fill.")
    candidates: int = Field(5, ge=1, le=50, description="Number of tokens to keep.")

    @field_validator("prompts")
    @classmethod
    def _usable(cls, value: list[str]) -> list[str]:
        if not value or len(set(value)) != len(value):
            raise ValueError(f"expected one or more different prompts, found {value}")
        for prompt in value:
            if prompt.count(GAP) > 1 or not prompt.strip():
                raise ValueError(f"expected a text with at most one {GAP}, found {prompt!r}")
        return value


class CompletionsTask(Evaluation):
    """Keeps what each model makes of the prompts; the one figure says how many it could fill."""

    Options: ClassVar[type[CompletionsOptions]] = CompletionsOptions
    role: ClassVar[Literal["task", "probe"]] = "task"
    kind: ClassVar[str] = "sample_completions"
    summary: ClassVar[str] = "Completions of fixed prompts, to read rather than to score."
    cluster_unit: ClassVar[str] = ITEM
    item_measures: ClassVar[tuple[ItemMeasure, ...]] = (ItemMeasure("top_p", "top p"),)
    provides: ClassVar[tuple[str, ...]] = ("top_p", "prediction")
    options: CompletionsOptions
    default_metrics: tuple[str, ...] = ("mean_top_probability",)

    @classmethod
    def data_names(cls, options: CompletionsOptions) -> tuple[Any, ...]:
        """None: the prompts stand in the suite."""
        return ()

    def spec(self) -> Mapping[str, Any]:
        options = self.options
        return {"kind": self.kind, "format": 1, "prompts": options.prompts, "candidates": options.candidates}

    def items(self, data: Sequence[Dataset], split: str) -> Iterator[Item]:
        """One item a prompt, in their order."""
        for number, prompt in enumerate(self.options.prompts[: self.options.limit]):
            yield Item(digest([number, prompt]), {"prompt": prompt}, {"text": prompt})

    def protocol(self, facts: ModelFacts) -> str | None:
        if facts.language_model == "masked" and TopCompletions.kind in facts.supports:
            return FILL
        if facts.language_model == "causal" and TopCompletions.kind in facts.supports:
            return WRITE if Generate.kind in facts.supports else GO_ON
        return None

    def unsupported(self, facts: ModelFacts) -> str:
        return f"it neither fills gaps nor continues text (it is of the kind {facts.family})"

    def requests(self, item: Item, protocol: str) -> Sequence[Request]:
        prompt = item.payload["prompt"]
        if protocol == FILL:
            return [TopCompletions(prompt if GAP in prompt else f"{prompt} {GAP}.", self.options.candidates)]
        if GAP in prompt:
            return []
        if protocol == WRITE and prompt.endswith("?"):
            return [Generate(f"{prompt}\n", max_tokens=_FEW_WORDS, stop=("\n\n",))]
        return [TopCompletions(prompt, self.options.candidates)]

    def record(self, item: Item, protocol: str, responses: Sequence[Response]) -> Record:
        if not responses:
            return Record(item.id, item_digest(item), status=SKIPPED, response={"skipped": "it cannot fill a gap"})
        (response,) = responses
        if isinstance(response, Generated):
            text = response.text.strip()
            made = outcome(item, prediction=text, response={"generated": text}, stats={})
            return replace(made, finish=response.finish)
        if not isinstance(response, Completions) or not response.tokens:
            fault = response if isinstance(response, Failure) else Failure("error", f"no completion: {response!r}")
            return failed(item, fault)
        return outcome(
            item,
            prediction=response.tokens[0],
            response={"tokens": list(response.tokens), "scores": list(response.scores)},
            stats={"top_p": math.exp(response.scores[0])},
        )

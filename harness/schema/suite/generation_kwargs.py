"""How the tokens of a written answer are chosen: a closed list, and every key of it is carried out or refused."""

from __future__ import annotations

from typing import Any

from pydantic import Field, model_validator

from harness.core.requests import Generate
from harness.schema.suite.types import Strict

_SAMPLING = ("temperature", "top_k", "top_p", "seed")
_BEAMS = ("length_penalty", "early_stopping")


class GenerationKwargs(Strict):
    """Decoding, in the words of transformers' `generate`; the defaults decode greedily."""

    do_sample: bool = Field(False, description="Whether to sample; otherwise the likeliest token, or beams.")
    temperature: float = Field(1.0, gt=0, le=100, description="Sampling temperature; needs `do_sample`.")
    top_k: int = Field(0, ge=0, description="Sample from the k likeliest tokens; 0 is all. Needs `do_sample`.")
    top_p: float = Field(1.0, gt=0, le=1, description="Nucleus to sample from; needs `do_sample`.")
    seed: int = Field(0, description="Sampling seed, shared by all models; needs `do_sample`.")
    num_beams: int = Field(1, ge=1, le=64, description="Beams of beam search; 1 is none. Excludes `do_sample`.")
    length_penalty: float = Field(1.0, description="Exponent of the length in a beam's score; needs `num_beams`.")
    early_stopping: bool = Field(False, description="End as soon as `num_beams` texts are finished; needs `num_beams`.")
    repetition_penalty: float = Field(1.0, gt=0, description="Penalty on tokens that the text already has; 1 is none.")
    presence_penalty: float = Field(0.0, ge=-2, le=2, description="Taken from the score of every generated token.")
    frequency_penalty: float = Field(0.0, ge=-2, le=2, description="The same, per occurrence of the token.")
    no_repeat_ngram_size: int = Field(0, ge=0, description="No sequence of so many tokens appears twice; 0 is off.")

    @model_validator(mode="after")
    def _agree(self) -> GenerationKwargs:
        idle = [name for name in _SAMPLING if name in self.model_fields_set and not self.do_sample]
        if idle:
            raise ValueError(f"`{idle[0]}` has no effect without `do_sample: true`; set it, or remove `{idle[0]}`")
        idle = [name for name in _BEAMS if name in self.model_fields_set and self.num_beams == 1]
        if idle:
            raise ValueError(f"`{idle[0]}` has no effect without `num_beams` above 1; set it, or remove `{idle[0]}`")
        if self.do_sample and self.num_beams > 1:
            raise ValueError("`num_beams` and `do_sample` together are not supported; remove one of them")
        return self

    @property
    def used(self) -> tuple[str, ...]:
        """The fields of a `Generate` request that are not at their default."""
        request = Generate(**self.fields())
        return tuple(request.decoding())

    def fields(self) -> dict[str, Any]:
        """The fields of a `Generate` request."""
        values = self.model_dump(exclude={"do_sample"})
        return {**values, "temperature": self.temperature if self.do_sample else 0.0}

"""The `compare` section of a suite."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from harness.schema.suite.types import Strict


class StoredBaseline(Strict):
    """A model of a stored run, whose records answer in its place."""

    run: str = Field(
        min_length=1, description="The run: a tag of blessed-runs.json, a folder (relative to the suite), or a URL."
    )
    model: str | None = Field(None, description="Its name in that run. Defaults to the released model.")


def _or_stored(schema: dict[str, Any]) -> None:
    """Lets the JSON schema take a stored run, which `suite.stored_baseline` has turned into a model before."""
    stored = StoredBaseline.model_json_schema()
    schema["anyOf"] = [{"type": schema.pop("type")}, stored]


class ChooseSpec(Strict):
    """The release candidate is the best of several models (a sweep, seeds, prompts)."""

    among: list[str] = Field(min_length=1, description="Models, by name or pattern: `lr-*`.")
    by: str = Field(description="`evaluation.metric` whose best value wins.")
    on: Literal["validation", "test"] = Field(
        "validation", description="Data to choose on. On `test`, gates read the winner's bounds at alpha / k."
    )

    @field_validator("by")
    @classmethod
    def _both(cls, value: str) -> str:
        if not all(value.partition(".")[::2]):
            raise ValueError(f"expected `evaluation.metric`, found {value!r}")
        return value

    @property
    def evaluation(self) -> str:
        return self.by.partition(".")[0]

    @property
    def metric(self) -> str:
        return self.by.partition(".")[2]


class CompareSpec(Strict):
    """Who is compared with whom.

    Attributes:
        baseline: the base model; in a suite file also a model of a stored run.
        base_variants: models that are other ways for the base to answer a task (a linear classifier on its
            frozen features, prompting). Gains are measured against the best of base and these,
            chosen on validation data.
        candidates: shown against the baseline; all other models when left out.
        release: the candidates that gates judge; the first candidate when left out.
        choose: in place of `release`: the best of several models.
        pairs: further comparisons, [baseline, candidate].
    """

    baseline: str = Field(json_schema_extra=_or_stored)
    base_variants: list[str] = Field(default_factory=list)
    candidates: list[str] | None = None
    release: list[str] | None = None
    choose: ChooseSpec | None = None
    pairs: list[tuple[str, str]] = Field(default_factory=list)

    @model_validator(mode="after")
    def _one_release(self) -> CompareSpec:
        if self.choose is not None and self.release is not None:
            raise ValueError("expected `release` or `choose`, found both: what is chosen is released")
        return self

"""A checkpoint that exists already."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from harness.core import registry
from harness.core.distribution import install_hint
from harness.core.errors import Problems
from harness.core.model_kind import CheckpointFormat, ExistingCheckpoint, Extra, ModelKind, ObtainContext, Obtained
from harness.model_kinds.architecture_presets import configuration_in
from harness.schema.suite.types import Strict, TrainedOn


def or_series(schema: dict[str, Any]) -> None:
    """Lets the JSON schema take a series, which `suite.checkpoint_series` has taken apart before it gets here."""
    series = {"type": "object", "properties": {"series": {"type": "string"}}, "required": ["series"]}
    plain = schema.pop("anyOf", None) or [{"type": schema.pop("type")}]
    schema["anyOf"] = [*plain, {**series, "additionalProperties": False}]


class LoadModel(Strict):
    """A checkpoint that exists already: a folder, a GGUF file, a hub id, or `catalog:NAME`."""

    load: str = Field(
        description="Folder or GGUF file (relative to the suite file), hub id, or `catalog:NAME`; `{series: PATTERN}` "
        "for all checkpoints of a training.",
        json_schema_extra=or_series,
    )
    revision: str | None = Field(None, description="Full commit hash; required for a hub id.")
    file: str | None = Field(None, description="GGUF file to use from a hub id.")
    adapter: str | None = Field(
        None,
        description="A peft adapter for this base: folder or hub id; `{series: PATTERN}` for all of a training.",
        json_schema_extra=or_series,
    )
    adapter_revision: str | None = Field(
        None, description="Full commit hash of the adapter; required for a hub id under `adapter`."
    )
    labels: list[str] | None = Field(
        None,
        min_length=2,
        description="Labels of the adapter's head, in the order of its rows; peft does not save them.",
    )
    quantize: Literal["4bit", "8bit"] | None = Field(
        None, description="Quantize the weights of the base to 4 or 8 bits with bitsandbytes (extra `qlora`)."
    )
    trained_on: TrainedOn = None


class LoadKind(ModelKind[LoadModel]):
    """`load`: what is there already, in the formats of transformers and peft."""

    name = "load"
    Options = LoadModel
    goal = "not trained here"
    summary = "An existing checkpoint: a folder, a GGUF file, a hub id, or `catalog:NAME`."
    flat = True
    learned_elsewhere = True
    formats = (
        CheckpointFormat(
            "transformers",
            opener="harness.models.local.transformers_backend:open_transformers",
            loads_with="transformers.{model}.from_pretrained({folder})",
        ),
        CheckpointFormat(
            "adapter",
            opener="harness.models.local.transformers_backend:open_transformers",
            stands_on_parent=True,
        ),
        CheckpointFormat(
            "quantized",
            opener="harness.models.derived.quantized_backend:open_quantized",
            page="harness.models.checkpoint.metadata_schema:QuantizedPage",
            stands_on_parent=True,
        ),
    )

    def extra(self, options: LoadModel) -> Extra | None:
        """GGUF files are read by their own package, quantized weights are held by another."""
        if options.quantize is not None:
            return Extra("bitsandbytes", "`quantize`", install_hint("bitsandbytes", "leave `quantize` out"))
        if options.load.endswith(".gguf") or options.file is not None:
            return Extra("gguf", "a GGUF file", install_hint("gguf"))
        return None

    def label(self, options: LoadModel) -> str:
        """Where it comes from, and how it is held."""
        adapter = f" with the adapter {options.adapter}" if options.adapter else ""
        held = f", in {options.quantize[0]} bits" if options.quantize else ""
        return f"loaded from {options.load}{adapter}{held}"

    def check(self, options: LoadModel, problems: Problems) -> None:
        """What describes an adapter needs one."""
        for name in ("adapter_revision", "labels"):
            if getattr(options, name) is not None and options.adapter is None:
                problems.add(f"`{name}` describes an adapter, and there is no `adapter`.", name, key=True)

    def refuses_child(self, options: LoadModel, child: ModelKind[Any]) -> str | None:
        """Weights in few bits cannot be trained."""
        if options.quantize is None or not child.goes_on_from_weights:
            return None
        return f"a model quantized to {options.quantize[0]} bits"

    def configuration(self, options: LoadModel, folder: Path) -> Mapping[str, Any] | None:
        """That of the folder, where it is one."""
        return configuration_in(folder / options.load)

    def existing(self, options: LoadModel) -> ExistingCheckpoint:
        """What it loads, and the adapter on it."""
        labels = None if options.labels is None else tuple(options.labels)
        return ExistingCheckpoint(options.load, options.adapter, labels)

    def fetches(self, options: LoadModel) -> tuple[str, ...]:
        """What it loads."""
        return (options.load,)

    def at_hand(self, options: LoadModel, store: Any) -> bool:
        """A folder, or what was fetched before."""
        known: bool = registry.imported("harness.models.checkpoint.sources.locate:at_hand")(options.load, store)
        return known

    def obtain(self, options: LoadModel, given: ObtainContext) -> Obtained:
        """Fetches it where it is not a folder."""
        loaded: Obtained = registry.imported("harness.models.obtain_loaded:obtain_loaded")(options, given)
        return loaded

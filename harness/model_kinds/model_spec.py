"""One model of a suite: loaded, or made by a stage."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from harness.model_kinds.classical_kind import BaselineSpec, ClassicalSpec, PromptSpec
from harness.model_kinds.finetuning import AlignSpec, FinetuneSpec
from harness.model_kinds.pretrain_kind import PretrainSpec
from harness.model_kinds.projection_kind import ProjectSpec, SelfDebiasSpec
from harness.model_kinds.server_kind import ServerSpec
from harness.schema.suite.types import Strict


class PretrainModel(Strict):
    pretrain: PretrainSpec


class FinetuneModel(Strict):
    finetune: FinetuneSpec


class AlignModel(Strict):
    align: AlignSpec


class ClassicalModel(Strict):
    classical: ClassicalSpec


class BaselineModel(Strict):
    baseline: BaselineSpec


class PromptModel(Strict):
    prompt: PromptSpec


class ProjectModel(Strict):
    project: ProjectSpec


class SelfDebiasModel(Strict):
    self_debias: SelfDebiasSpec


class LoadModel(Strict):
    """A checkpoint that exists already: a folder, a GGUF file, a hub id, or `catalog:NAME`."""

    load: str = Field(description="Folder or GGUF file (relative to the suite file), hub id, or `catalog:NAME`.")
    revision: str | None = Field(None, description="Full commit hash; needed for a hub id.")
    file: str | None = Field(None, description="For a hub id: the one GGUF file to use.")
    adapter: str | None = Field(None, description="A peft adapter on it: folder, or hub id.")
    quantise: Literal["4bit", "8bit"] | None = Field(
        None, description="Hold the weights of its base in 4 or 8 bits, by bitsandbytes (extra `quantise`)."
    )


class ServerModel(Strict):
    server: ServerSpec


ModelSpec = (
    PretrainModel
    | FinetuneModel
    | AlignModel
    | ClassicalModel
    | BaselineModel
    | PromptModel
    | ProjectModel
    | SelfDebiasModel
    | LoadModel
    | ServerModel
)

Stage = (
    PretrainSpec | FinetuneSpec | AlignSpec | ClassicalSpec | BaselineSpec | PromptSpec | ProjectSpec | SelfDebiasSpec
)
"""What makes a model of a suite that is not loaded."""


def starts_from(spec: ModelSpec) -> str | None:
    """The model of the suite that this one is trained from; None for loaded and fresh ones."""
    if isinstance(spec, PretrainModel):
        return spec.pretrain.from_
    if isinstance(spec, AlignModel):
        return spec.align.from_
    if isinstance(spec, PromptModel):
        return spec.prompt.from_
    if isinstance(spec, ProjectModel):
        return spec.project.from_
    if isinstance(spec, SelfDebiasModel):
        return spec.self_debias.from_
    return spec.finetune.from_ if isinstance(spec, FinetuneModel) else None


def learns(spec: ModelSpec) -> str | None:
    """The task whose examples a model is trained on; None when it learns from no task."""
    if isinstance(spec, FinetuneModel):
        return spec.finetune.task
    if isinstance(spec, AlignModel):
        return spec.align.task
    if isinstance(spec, BaselineModel):
        return spec.baseline.task
    if isinstance(spec, PromptModel):
        return spec.prompt.task
    return spec.classical.task if isinstance(spec, ClassicalModel) else None

"""One model of a suite: loaded, or made by a stage."""

from __future__ import annotations

from harness.model_kinds.align_kind import AlignModel, AlignSpec
from harness.model_kinds.classical_kind import ClassicalModel, ClassicalSpec
from harness.model_kinds.few_shot_kind import PromptModel, PromptSpec
from harness.model_kinds.finetune_kind import FinetuneModel, FinetuneSpec
from harness.model_kinds.heuristic_kind import HeuristicModel, HeuristicSpec
from harness.model_kinds.load_kind import LoadModel
from harness.model_kinds.pretrain_kind import PretrainModel, PretrainSpec
from harness.model_kinds.projection_kind import ProjectModel, ProjectSpec
from harness.model_kinds.self_debias_kind import SelfDebiasModel, SelfDebiasSpec
from harness.model_kinds.server_kind import ServerModel

ModelSpec = (
    PretrainModel
    | FinetuneModel
    | AlignModel
    | ClassicalModel
    | HeuristicModel
    | PromptModel
    | ProjectModel
    | SelfDebiasModel
    | LoadModel
    | ServerModel
)

Stage = (
    PretrainSpec | FinetuneSpec | AlignSpec | ClassicalSpec | HeuristicSpec | PromptSpec | ProjectSpec | SelfDebiasSpec
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
    if isinstance(spec, HeuristicModel):
        return spec.heuristic.task
    if isinstance(spec, PromptModel):
        return spec.prompt.task
    return spec.classical.task if isinstance(spec, ClassicalModel) else None

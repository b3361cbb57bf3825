"""What kind of stage makes a model of a suite, and what to call it."""

from __future__ import annotations

from harness.model_kinds.align_kind import AlignModel, AlignSpec
from harness.model_kinds.classical_kind import ClassicalModel, ClassicalSpec
from harness.model_kinds.few_shot_kind import PromptModel, PromptSpec
from harness.model_kinds.finetune_kind import FinetuneModel, FinetuneSpec, QloraMethod
from harness.model_kinds.heuristic_kind import HeuristicModel, HeuristicSpec
from harness.model_kinds.load_kind import LoadModel
from harness.model_kinds.model_spec import ModelSpec, Stage, starts_from
from harness.model_kinds.pretrain_kind import PretrainModel, PretrainSpec
from harness.model_kinds.projection_kind import ProjectModel, ProjectSpec
from harness.model_kinds.self_debias_kind import SelfDebiasModel, SelfDebiasSpec
from harness.model_kinds.server_kind import ServerModel
from harness.schema.suite.mitigation import Mitigation


def stage_of(spec: ModelSpec) -> Stage:
    """The stage that makes a trained model."""
    if isinstance(spec, PretrainModel):
        return spec.pretrain
    if isinstance(spec, FinetuneModel):
        return spec.finetune
    if isinstance(spec, AlignModel):
        return spec.align
    if isinstance(spec, ClassicalModel):
        return spec.classical
    if isinstance(spec, HeuristicModel):
        return spec.heuristic
    if isinstance(spec, PromptModel):
        return spec.prompt
    if isinstance(spec, ProjectModel):
        return spec.project
    if isinstance(spec, SelfDebiasModel):
        return spec.self_debias
    raise TypeError(f"{type(spec).__name__} is loaded, not trained")


def made_by(spec: ModelSpec) -> str:
    """`pretrain`, `finetune`, `align`, `project`, `selfdebias`, `classical`, `load`, `server`, …"""
    return type(spec).__name__.removesuffix("Model").lower()


def parent_of(spec: ModelSpec) -> str | None:
    """The model of the suite that this one starts from, or None."""
    return starts_from(spec)


def label_of(spec: ModelSpec) -> str:
    """A few words that say what a model is, for reports."""
    if isinstance(spec, LoadModel):
        held = f", in {spec.quantize[0]} bits" if spec.quantize else ""
        return f"loaded from {spec.load}{held}"
    if isinstance(spec, ServerModel):
        return f"{spec.server.model}, queried over a network"
    stage = stage_of(spec)
    if isinstance(stage, PretrainSpec):
        on = f"by {stage.objective} on {', '.join(stage.data)}"
        on += _care(stage)
        return f"pretrained {on}" if stage.from_ is None else f"{stage.from_} pretrained further {on}"
    if isinstance(stage, SelfDebiasSpec):
        return f"{stage.from_}, self-debiased at decoding"
    if isinstance(stage, ProjectSpec):
        by = {"inlp": "INLP", "sentence_debias": "SentenceDebias"}[stage.method]
        return f"{stage.from_} with {stage.removed} projected out ({by})"
    rows = f" on {stage.max_train_rows} rows" if stage.max_train_rows is not None else ""
    if isinstance(stage, HeuristicSpec):
        return f"rule-based baseline: {stage.rule}{rows}"
    if isinstance(stage, PromptSpec):
        return f"{stage.from_} with {stage.num_fewshot} few-shot examples of {stage.task}"
    if isinstance(stage, ClassicalSpec):
        return f"TF-IDF and logistic regression{rows}{_care(stage)}"
    adapter = "QLoRA" if isinstance(stage.method, QloraMethod) else "LoRA"
    method = stage.method if isinstance(stage.method, str) else adapter
    if isinstance(stage, AlignSpec):
        rows = f" on {stage.max_train_rows} pairs" if stage.max_train_rows is not None else ""
        by = "" if method == "full" else f" ({method})"
        return f"{stage.from_} aligned by direct preference optimization{by}{rows}{_care(stage)}"
    words = {
        "full": "full fine-tuning",
        "frozen": "a new head on frozen weights",
        "linear": "linear classifier on frozen features",
        "LoRA": "LoRA fine-tuning",
        "QLoRA": "QLoRA fine-tuning (base in 4 bits)",
    }
    start = f" of {stage.from_}" if stage.weights == "pretrained" else " from random weights (no pretraining)"
    return f"{words[method]}{start}{rows}{_care(stage)}"


def _care(stage: PretrainSpec | FinetuneSpec | AlignSpec | ClassicalSpec) -> str:
    """What a stage does against bias, and its dropout where the suite names one."""
    found = []
    if stage.mitigate is not None and stage.mitigate.augmenting is not None:
        found.append("with counterfactual augmentation")
    if isinstance(stage.mitigate, Mitigation) and stage.mitigate.reweigh is not None:
        found.append("with reweighed rows")
    rate = getattr(stage, "dropout", None)
    if rate is not None:
        found.append(f"with dropout {rate:g}")
    return "".join(f", {one}" for one in found)

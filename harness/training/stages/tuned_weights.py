"""Which weights a fine-tuning trains, and what is written of them.

full: all. frozen: the new head alone. lora: low-rank updates of a frozen base and the head
(Hu et al. 2022), by peft. qlora: the same on a base in 4 bits.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from harness.core.errors import SuiteError
from harness.model_kinds.weight_tuning import AdapterMethod, LoraSpec, QloraMethod, lora_of
from harness.models.local.load_weights import head_tensors
from harness.storage import atomic
from harness.training.learners.learner import TrainingJob

if TYPE_CHECKING:
    from transformers import PreTrainedModel

Method = str | AdapterMethod
# Every matrix of a layer, where peft's own choice would be the attention alone.
_TARGETS = {
    "bert": ("query", "key", "value", "dense"),
    "gpt2": ("c_attn", "c_proj", "c_fc"),
    "llama": ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"),
    "t5": ("q", "k", "v", "o", "wi_0", "wi_1", "wo"),
}


def check_method(method: Method, weights: str) -> None:
    """Checks that a method can work from such weights.

    Raises:
        SuiteError: when weights are random and frozen.
    """
    if weights == "random" and method != "full":
        name = method if isinstance(method, str) else "LoRA"
        raise SuiteError(
            f"{name} on random weights learns nothing, because they stay frozen.",
            hint="use `method: full` with `weights: random`.",
        )


def apply_method(job: TrainingJob, method: Method) -> PreTrainedModel:
    """The model to train: with frozen weights and adapters in their places.

    Raises:
        SuiteError: when the method does not fit the job or the model.
    """
    lora = lora_of(method)
    if lora is not None:
        return _adapted(job, lora, quantized=isinstance(method, QloraMethod))
    if method == "frozen":
        if not job.heads:
            raise SuiteError(
                "`method: frozen` trains only a new head; this task has none (the model generates its answers).",
                hint="use `method: full` or `method: {lora: {rank: 8}}`.",
            )
        for name, parameter in job.model.named_parameters():
            parameter.requires_grad_(any(part in job.heads for part in name.split(".")))
    return job.model


def save(
    model: PreTrainedModel, job: TrainingJob, method: Method, work: Path, *, parent: Path, parent_key: str | None
) -> str:
    """Writes weights and configuration into `work`; returns the checkpoint's kind."""
    if lora_of(method) is None:
        if job.keeps_language_model:
            state = {name: tensor.contiguous() for name, tensor in model.state_dict().items()}
            state.update(head_tensors(parent, list(state), model.base_model_prefix))
            model.save_pretrained(str(work), state_dict=state)
        else:
            model.save_pretrained(str(work))
        return "transformers"
    model.save_pretrained(str(work), safe_serialization=True, save_embedding_layers=False)
    _settle(work / "adapter_config.json", parent_key)
    # peft writes a model card of its own with the base's path in it; a checkpoint holds no paths.
    (work / "README.md").unlink(missing_ok=True)
    return "adapter"


def described(method: Method) -> dict[str, object]:
    """The method's settings for a checkpoint's metadata, defaults included."""
    lora = lora_of(method)
    if lora is None:
        return {"method": method}
    options = {
        "rank": lora.rank,
        "alpha": scale(lora),
        "dropout": lora.dropout,
        "targets": lora.targets,
    }
    base = {"base": "nf4"} if isinstance(method, QloraMethod) else {}
    return {"lora": {**options, **base}}


def _adapted(job: TrainingJob, lora: LoraSpec, *, quantized: bool) -> PreTrainedModel:
    from peft import LoraConfig, get_peft_model, prepare_model_for_kbit_training

    base = job.model
    heads = [name for name in job.heads if any(name in path.split(".") for path, _ in base.named_modules())]
    if quantized:
        base = prepare_model_for_kbit_training(base, use_gradient_checkpointing=False)
    targets = lora.targets or _targets(base)
    config = LoraConfig(
        task_type=None if job.adapter_task == "FEATURE_EXTRACTION" else job.adapter_task,
        r=lora.rank,
        lora_alpha=scale(lora),
        lora_dropout=lora.dropout,
        target_modules=targets,
        exclude_modules=heads_pattern(heads),
        modules_to_save=heads or None,
    )
    try:
        return get_peft_model(base, config)
    except ValueError as error:
        raise SuiteError(
            f"cannot apply LoRA to this model: {error}",
            hint="list modules of the model in `targets`; for BERT: query, key, value, and dense.",
        ) from error


def scale(lora: LoraSpec) -> float:
    """The scale of the updates: twice the rank unless the suite says it."""
    return lora.alpha if lora.alpha is not None else 2.0 * lora.rank


def _targets(model: PreTrainedModel) -> list[str] | None:
    named = _TARGETS.get(model.config.model_type)
    if named is None:
        return None
    present = {path.rsplit(".", 1)[-1] for path, _ in model.named_modules()}
    return [name for name in named if name in present]


def _settle(path: Path, parent_key: str | None) -> None:
    """Rewrites peft's configuration: the base by its key instead of a path, and sets in order.

    Its bytes must not change between runs. While peft works it must see the path, because it would
    look for a name that is no folder on the network.
    """
    content = json.loads(path.read_text("utf-8"))
    content["base_model_name_or_path"] = parent_key
    for name in ("target_modules", "modules_to_save"):
        if isinstance(content.get(name), list):
            content[name] = sorted(set(content[name]))
    atomic.write_text(path, json.dumps(content, indent=1, sort_keys=True) + "\n")


def heads_pattern(heads: list[str]) -> str | None:
    """A pattern of the modules that are trained whole and therefore get no adapter."""
    return rf".*\b({'|'.join(heads)})\b.*" if heads else None

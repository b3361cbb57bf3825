"""Loading the checkpoint that a fine-tuning starts from."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from harness.core.errors import CheckpointError, Where
from harness.models.encoding.row_encoder import longest_row
from harness.models.encoding.text_encoder import text_encoder
from harness.models.local.load_weights import CLASSIFIER, POOLER, auto_class, load_config, load_weights
from harness.models.network_settings import submodule

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerFast


def longest(model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast, wanted: int) -> int:
    """The longest row: what is wanted, or less where the model takes less."""
    return min(wanted, longest_row(model, text_encoder(tokenizer)) or wanted)


def load_headed(
    start: ParentCheckpoint, kind: str, *, labels: Sequence[str], seed: int, problem: str | None = None
) -> PreTrainedModel:
    """The checkpoint in one of transformers' Auto classes, or its shape with random weights.

    The pooler of a pretrained encoder without one starts as the identity, so that a classifier
    first sees what the first token has gathered. A head for another number of labels is made anew.

    Args:
        start: folder, `pretrained` or `random` weights, whether in 4 bits.
        kind: such as `AutoModelForSequenceClassification`.
        labels: of the new head; empty where it has none.
        seed: of all weights that are new.
        problem: transformers' name of the kind of labels.

    Raises:
        CheckpointError: when the folder holds no such model in safetensors.
    """
    auto = auto_class(kind)
    folder = start.folder
    config = load_config(folder)
    if labels:
        config.num_labels = len(labels)
        config.id2label = dict(enumerate(labels))
        config.label2id = {label: number for number, label in enumerate(labels)}
        config.problem_type = problem
    torch.manual_seed(seed)
    if start.weights == "random":
        return auto.from_config(config, trust_remote_code=False)
    options: dict[str, object] = {"dtype": torch.float32}
    if start.quantized:
        from harness.models.local.quantization import heads_of, quantization

        # A new head has no weights to quantize and is trained whole; so is the pooler, which a checkpoint may lack.
        options = quantization([*heads_of(auto, config), rf".*\.{POOLER}"])
    weights = load_weights(auto, folder, options, anew=CLASSIFIER if labels else (), config=config)
    model, missing = weights.model, weights.missing
    base = f"{model.base_model_prefix}."
    below = {name for name in model.state_dict() if name.startswith(base)}
    if below and missing >= below:
        missing = _with_named_stack(model, folder, options)
    language = kind in {"AutoModelForCausalLM", "AutoModelForSeq2SeqLM"}
    lost = sorted(name for name in missing if (name.startswith(base) or language) and POOLER not in name)
    if lost:
        raise CheckpointError(
            f"the model is missing weights: {', '.join(lost[:3])}{' …' if len(lost) > 3 else ''}.",
            where=Where(folder),
            hint="use a checkpoint that matches the architecture in its config.json.",
        )
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if name in missing and POOLER in name:
                parameter.copy_(torch.eye(*parameter.shape) if parameter.ndim == 2 else torch.zeros_like(parameter))
    return model


def _with_named_stack(model: PreTrainedModel, folder: Path, options: Mapping[str, object]) -> frozenset[str]:
    """Loads the stack below a head that calls it otherwise than its language model does (Llama's span head).

    Returns:
        The names of what is missing still, as the model with the head calls it.
    """
    from transformers import AutoModel

    stack = load_weights(AutoModel, folder, options)
    setattr(model, model.base_model_prefix, stack.model)
    return frozenset(f"{model.base_model_prefix}.{name}" for name in stack.missing)


def load_for(kind: str, folder: Path, *, seed: int, check: Callable[[str], None]) -> tuple[PreTrainedModel, list[str]]:
    """The checkpoint as a language model of an Auto class, and the head's weights that it did not hold.

    Args:
        kind: such as `AutoModelForMaskedLM`.
        seed: of the weights that are made new.
        check: raises when the model type does not fit.

    Raises:
        CheckpointError: when the folder holds no such model in safetensors, or lacks more than a
            masked model's head.
    """
    config = load_config(folder)
    check(str(config.model_type))
    torch.manual_seed(seed)
    weights = load_weights(auto_class(kind), folder, {"dtype": torch.float32})
    model, missing = weights.model, sorted(weights.missing)
    base = f"{model.base_model_prefix}."
    lost = [name for name in missing if name.startswith(base) and POOLER not in name]
    # A causal or sequence-to-sequence head is the whole point of such a model; only BERT-like ones come without.
    lost += [] if hasattr(model, "cls") else [name for name in missing if name.startswith("lm_head")]
    if lost:
        raise CheckpointError(
            f"the model is missing weights: {', '.join(lost[:3])}{' …' if len(lost) > 3 else ''}.",
            where=Where(folder),
            hint="use a checkpoint that matches the architecture in its config.json, language-model head included.",
        )
    return model, [name for name in missing if not name.startswith(base)]


def load_encoder(folder: Path, *, weights: str, seed: int) -> PreTrainedModel:
    """The checkpoint's encoder alone, pretrained or with random weights, for frozen features.

    Raises:
        CheckpointError: when the folder holds no such model in safetensors.
    """
    from transformers import AutoModel

    config = load_config(folder)
    torch.manual_seed(seed)
    if weights == "random":
        return AutoModel.from_config(config, trust_remote_code=False)
    return load_weights(AutoModel, folder, {}).model


def load_language_head(folder: Path, model: PreTrainedModel) -> PreTrainedModel | None:
    """The checkpoint's masked language model around `model`'s own encoder, its head frozen; None without one."""
    from transformers import AutoModelForMaskedLM

    architectures = load_config(folder).architectures or []
    if not any(name.endswith("ForMaskedLM") for name in architectures):
        return None
    whole = load_weights(AutoModelForMaskedLM, folder, {}).model
    if submodule(whole, "cls.predictions") is None:
        raise CheckpointError(
            f"`mlm_loss_weight` needs a BERT language-model head, found a {type(whole).__name__}.",
            where=Where(folder),
            hint="remove `mlm_loss_weight` for this model.",
        )
    for parameter in whole.parameters():
        parameter.requires_grad_(False)
    setattr(whole, whole.base_model_prefix, model.base_model)
    whole.tie_weights()
    return whole


@dataclass(frozen=True, slots=True)
class ParentCheckpoint:
    """Where a stage begins.

    Attributes:
        folder: the parent checkpoint.
        family: `masked`, `causal` or `seq2seq`.
        weights: `pretrained` or `random`.
        quantized: whether the base is loaded in 4 bits.
    """

    folder: Path
    family: str
    weights: str
    quantized: bool

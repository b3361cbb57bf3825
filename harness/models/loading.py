"""Checkpoint folder → `Network`: which heads are there and trained, sharing one encoder.

A head counts as trained when loading found every one of its weights in the folder; what
transformers would fill with random numbers is no head.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from harness.core.errors import CheckpointError, IncompleteError, Where
from harness.models.adapters import AdapterPlan, apply_adapter, plan_adapter
from harness.models.encoding import TextEncoder
from harness.models.headers import tensors_of, weight_files
from harness.models.inspection import HEAD_PREFIXES, inspect
from harness.models.network import Network
from harness.models.quiet import quiet
from harness.models.tokenizer_files import too_many_tokens

_DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16}


@dataclass(slots=True)
class Loaded:
    """A network, the names of its classes as the configuration gives them, and what to tell."""

    network: Network
    labels: tuple[str, ...] | None
    notes: list[str] = field(default_factory=list)


def load(folder: Path, *, device: str, dtype: str, adapter: Path | None = None, labels: int | None = None) -> Loaded:
    """Loads a transformers checkpoint with every trained head, and an adapter on top.

    Args:
        folder: the checkpoint, or the adapter's base.
        device: `cpu`, `cuda` or `mps`.
        dtype: `float32` or `bfloat16`.
        adapter: a peft folder.
        labels: number of the adapter's labels, where known.

    Raises:
        CheckpointError: when the folder cannot be used, or the adapter does not fit it.
        IncompleteError: when the device is not there.
    """
    info = inspect(folder)
    _require_device(device)
    causal = info.family == "causal"
    with quiet(), _explained(folder):
        from transformers import AutoConfig, AutoModel, AutoModelForCausalLM, AutoModelForMaskedLM, AutoTokenizer

        encoder = TextEncoder(AutoTokenizer.from_pretrained(folder, local_files_only=True))
        config = AutoConfig.from_pretrained(folder, local_files_only=True)
        kind = AutoModelForCausalLM if causal else AutoModelForMaskedLM
        has_language_model = type(config) in kind._model_mapping
        model, missing = _weights(kind if has_language_model else AutoModel, folder, dtype)
        plan = None if adapter is None else plan_adapter(adapter, labels)
        classifier, lacking = _classifier(folder, dtype, plan)
    base = model.base_model
    prefix = f"{model.base_model_prefix}."
    absent = sorted(name for name in missing if (name.startswith(prefix) or base is model) and "pooler." not in name)
    if absent:
        raise CheckpointError(
            f"{len(absent)} weights of the encoder are missing, {absent[0]} first.",
            where=Where(folder),
            hint="configuration and weights are of different models, or the folder was not copied whole.",
        )
    language_model = model if has_language_model and not missing else None
    loaded_labels: tuple[str, ...] | None = None
    notes: list[str] = []
    if classifier is not None and lacking and plan is None:
        notes.append(f"the classification head is not whole ({sorted(lacking)[0]} is missing) and is not used")
        classifier = None
    if classifier is not None:
        base = classifier.base_model
        if language_model is not None:
            setattr(language_model, language_model.base_model_prefix, base)
            language_model.tie_weights()
        loaded_labels = _label_names(classifier.config)
    if plan is not None and adapter is not None:
        classifier = apply_adapter(plan, adapter, classifier, lacking, language_model or base)
    for module in (base, language_model, classifier):
        if module is not None:
            module.eval().to(device)
            module.requires_grad_(False)
    _check_tokens(folder, encoder, base)
    if classifier is not None and classifier.config.pad_token_id is None:
        # Rows of a causal classifier are never padded; no token counts as padding.
        classifier.config.pad_token_id = -1
    network = Network(
        base=base,
        language_model=language_model,
        classifier=classifier,
        encoder=encoder,
        causal=causal,
        max_length=_max_length(base, encoder),
        device=device,
    )
    return Loaded(network, loaded_labels, notes)


def _weights(kind: Any, folder: Path, dtype: str, **options: Any) -> tuple[Any, set[str]]:
    model, info = kind.from_pretrained(
        folder,
        dtype=_DTYPES[dtype],
        local_files_only=True,
        use_safetensors=True,
        trust_remote_code=False,
        output_loading_info=True,
        **options,
    )
    reshaped = {key if isinstance(key, str) else str(key[0]) for key in info["mismatched_keys"]}
    wrong = sorted(name for name in reshaped if not name.startswith(HEAD_PREFIXES))
    if wrong:
        raise ValueError(f"weights of another shape: {wrong[0]}")
    return model, reshaped | {name for name in info["missing_keys"] if not name.endswith("position_ids")}


def _classifier(folder: Path, dtype: str, plan: AdapterPlan | None) -> tuple[Any | None, set[str]]:
    from transformers import AutoModelForSequenceClassification

    if plan is not None and plan.classifies:
        options: dict[str, Any] = {"ignore_mismatched_sizes": True}
        if plan.labels is not None:
            options["num_labels"] = plan.labels
        return _weights(AutoModelForSequenceClassification, folder, dtype, **options)
    if not any(tensor.name.startswith(HEAD_PREFIXES) for tensor in tensors_of(weight_files(folder))):
        return None, set()
    return _weights(AutoModelForSequenceClassification, folder, dtype)


def _label_names(config: Any) -> tuple[str, ...] | None:
    if config.num_labels < 2 or config.problem_type in {"regression", "multi_label_classification"}:
        return None
    return tuple(str(config.id2label[index]) for index in range(config.num_labels))


def _max_length(base: Any, encoder: TextEncoder) -> int | None:
    limits = [limit for limit in (encoder.max_length,) if limit]
    positions = getattr(base.config, "max_position_embeddings", None)
    if isinstance(positions, int) and positions > 0:
        limits.append(positions - _position_offset(base))
    return min(limits, default=None)


def _position_offset(base: Any) -> int:
    """RoBERTa-like models count positions from the padding index + 1."""
    for name, module in base.named_modules():
        if name.endswith("position_embeddings") and getattr(module, "padding_idx", None) is not None:
            return int(module.padding_idx) + 1
    return 0


def _check_tokens(folder: Path, encoder: TextEncoder, base: Any) -> None:
    rows = int(base.get_input_embeddings().weight.shape[0])
    if encoder.highest_id >= rows:
        raise too_many_tokens(folder, encoder.highest_id, rows)


def _require_device(device: str) -> None:
    available: dict[str, Callable[[], bool]] = {
        "cpu": lambda: True,
        "cuda": torch.cuda.is_available,
        "mps": torch.backends.mps.is_available,
    }
    if not available[device]():
        raise IncompleteError(
            f"torch cannot use the device {device!r} here.",
            hint="run with `--device cpu`, or install a torch that fits the driver.",
        )


@contextmanager
def _explained(folder: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, ValueError, KeyError, RuntimeError, ImportError, AttributeError, TypeError) as error:
        first = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise CheckpointError(
            f"transformers cannot load the checkpoint: {first}",
            where=Where(folder),
            hint="check that configuration, tokenizer and weights belong together.",
        ) from error

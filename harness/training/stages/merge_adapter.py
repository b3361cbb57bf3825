"""An adapter made one with its base: a whole checkpoint, from which any other stage can start.

The low-rank updates are added to the base's matrices and heads that the adapter brought take
their places, in float32. What answers is the same function as the adapter on its base, so a stage
that starts here (and a reference model of alignment) starts from what the adapter had learned.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from harness.core.errors import CheckpointError, Where
from harness.models.checkpoint.checkpoint_heads import AUTO_CLASSES, HEAD_PREFIXES
from harness.models.checkpoint.formats.safetensors_header import tensors_of, weight_files
from harness.models.checkpoint.lineage import read_lineage
from harness.models.checkpoint.tokenizer_files import TOKENIZER_FILES
from harness.models.library_logging import quiet
from harness.models.local.load_weights import LANGUAGE_MODELS, family_of, head_tensors, load_tokenizer
from harness.models.local.peft_adapters import ADAPTER_NAME, AdapterPlan, apply_adapter, plan_adapter
from harness.models.network_settings import NetworkSettings
from harness.training import training_cost
from harness.training.checkpoint_metadata import save_tokenizer, write_metadata
from harness.training.load_parent import ParentCheckpoint, load_for, load_headed
from harness.training.stage_inputs import StageInputs

if TYPE_CHECKING:
    from transformers import PreTrainedModel


def merge_adapter(adapter: Path, base: Path, work: Path, *, key: str, digest: str) -> dict[str, object]:
    """Writes an adapter and its base as one checkpoint into `work`.

    Args:
        adapter: a peft folder.
        base: the whole checkpoint that it stands on.
        work: an empty folder.
        key: the adapter's content key, for the lineage.
        digest: the adapter's content digest, for the lineage.

    Returns:
        The checkpoint's metadata.

    Raises:
        CheckpointError: when the adapter does not fit its base, or changes word embeddings that
            the model also predicts with, which cannot be merged.
    """
    work.mkdir(parents=True, exist_ok=True)
    lineage = read_lineage(adapter)
    labels = tuple(lineage.get("labels") or ())
    plan = plan_adapter(adapter, len(labels) or None)
    model = _around(base, plan, labels)
    head = None if plan.head is None else model
    name = f"{ADAPTER_NAME}0001"
    with quiet():
        adapted = apply_adapter(plan, adapter, head, _lacking(model, base), model, name)
    _check_embeddings(adapted, adapter)
    try:
        merged = adapted.merge_and_unload(safe_merge=True)
    except (ValueError, AttributeError, NotImplementedError) as error:
        raise CheckpointError(f"cannot merge the adapter: {error}", where=Where(adapter)) from error
    state = {key: tensor.contiguous() for key, tensor in merged.state_dict().items()}
    state.update(head_tensors(base, list(state), merged.base_model_prefix))
    merged.save_pretrained(str(work), state_dict=state)
    own = any((adapter / file).is_file() for file in TOKENIZER_FILES)
    save_tokenizer(load_tokenizer(adapter if own else base), work)
    counts = training_cost.parameter_counts(merged)
    return write_metadata(
        work,
        kind="transformers",
        stage={"merge": "adapter"},
        inputs=StageInputs(labels=labels, parent_key=key, parent_digest=digest),
        cost={"tokens": 0, "flops": 0.0, "steps": 0, **counts, "trainable": 0},
        recipe={"dtype": "float32"},
    )


def _around(base: Path, plan: AdapterPlan, labels: tuple[str, ...]) -> PreTrainedModel:
    """The base with the head that the adapter was trained around."""
    family = family_of(base)
    if plan.head is None:
        if family == "masked":
            return load_for(LANGUAGE_MODELS[family], base, seed=0, check=lambda _: None)[0]
        return load_headed(
            ParentCheckpoint(base, family, "pretrained", False), LANGUAGE_MODELS[family], labels=(), seed=0
        )
    named = labels if plan.head != "span" else ()
    if not named and plan.labels is not None and plan.head != "span":
        named = tuple(f"LABEL_{number}" for number in range(plan.labels))
    return load_headed(
        ParentCheckpoint(base, family, "pretrained", False), AUTO_CLASSES[plan.head], labels=named, seed=0
    )


def _lacking(model: PreTrainedModel, base: Path) -> set[str]:
    """Weights of the head that the base does not hold; the adapter must bring them."""
    held = {tensor.name for tensor in tensors_of(weight_files(base))}
    prefix = f"{model.base_model_prefix}."
    return {
        name
        for name, _ in model.named_parameters()
        if (name.startswith(HEAD_PREFIXES) or ".pooler." in f".{name}")
        and name not in held
        and name.removeprefix(prefix) not in held
    }


def _check_embeddings(adapted: PreTrainedModel, adapter: Path) -> None:
    from peft.tuners.tuners_utils import BaseTunerLayer

    whole = adapted.get_base_model()
    output = whole.get_output_embeddings()
    tied = output is not None and NetworkSettings.of(whole.config).tie_word_embeddings
    changed = (whole.get_input_embeddings(), output)
    if tied and any(isinstance(module, BaseTunerLayer) for module in changed):
        raise CheckpointError(
            "the adapter changes tied word embeddings, which cannot be merged.",
            where=Where(adapter),
            hint="start from its base, or train it with `targets` that exclude the embeddings.",
        )

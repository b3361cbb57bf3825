"""Checkpoint folder → `Network`: which heads are there and trained, sharing one encoder.

A head counts as trained when loading found every one of its weights in the folder; what
transformers would fill with random numbers is no head.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Set
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from harness.core.errors import CheckpointError, Where
from harness.core.labels import label_text
from harness.models.checkpoint.checkpoint_heads import AUTO_CLASSES, Family, Head
from harness.models.checkpoint.inspection import inspect
from harness.models.checkpoint.tokenizer_files import TOKENIZER_FILES, too_many_tokens
from harness.models.device_policy import SPREAD
from harness.models.encoding.embeddings import embedding_rows, padding_id
from harness.models.encoding.row_encoder import longest_row
from harness.models.encoding.text_encoder import TextEncoder
from harness.models.library_logging import no_padding_notice, quiet
from harness.models.local.forward_patch import FAULTS
from harness.models.local.load_weights import (
    LANGUAGE_MODELS,
    Form,
    auto_class,
    explained,
    load_config,
    load_tokenizer,
    load_weights,
    require_device,
    scoring_options,
)
from harness.models.local.network import Network, NetworkParts
from harness.models.local.padding_checks import keep_block_sparse
from harness.models.network_settings import NetworkSettings, submodule

if TYPE_CHECKING:
    from transformers import PreTrainedConfig, PreTrainedModel

_POOLER = "pooler."
_LAYER = re.compile(r"(?P<stack>[A-Za-z_.]*?)\.(?P<number>\d+)\.")
STACKS = ("shared", "encoder", "decoder")
"""What T5-like models hold in place of one module for the whole base."""

READS_AHEAD = "its language model reads what stands behind a token too, so it says no likelihoods from the left"


@dataclass(slots=True)
class Loaded:
    """A network, the labels of its heads as the configuration gives them, and what to tell."""

    network: Network
    labels: dict[Head, tuple[str, ...] | None]
    notes: list[str] = field(default_factory=list)


def load(folder: Path, *, device: str, dtype: str, quantize: str | None = None) -> Loaded:
    """Loads a transformers checkpoint with every trained head.

    Args:
        folder: the checkpoint.
        device: `cpu`, `cuda`, one of several (`cuda:1`), all of them (`cuda:auto`) or `mps`.
        dtype: `float32` or `bfloat16`.
        quantize: `4bit` or `8bit` for the weights of the base; `dtype` is then that of all else.

    Raises:
        CheckpointError: when the folder cannot be used.
        IncompleteError: when the device is not there, or cannot hold quantized weights.
    """
    info = inspect(folder)
    family: Family = info.family  # type: ignore[assignment]  # a transformers folder has no other
    require_device(device)
    notes: list[str] = []
    with quiet(), explained(folder):
        import transformers

        encoder = TextEncoder(load_tokenizer(folder))
        config = load_config(folder)
        kind = auto_class(LANGUAGE_MODELS[family])
        has_language_model = type(config) in kind._model_mapping
        if family == "seq2seq" and not has_language_model:
            raise ValueError(f"transformers knows no sequence-to-sequence model of the type {config.model_type!r}")
        form = Form(dtype, device, quantize)
        kind = kind if has_language_model else transformers.AutoModel
        weights = load_weights(kind, folder, scoring_options(kind, form, config))
        model, missing = weights.model, weights.missing
        beyond = _without_place(weights.unused, model)
        if beyond:
            notes.append(
                f"{len(beyond)} weights of layers that the configuration leaves out are not used, {beyond[0]} first"
            )
        heads = _heads(info.heads, folder, form, config, notes)
    absent = _absent_encoder(model, missing)
    if absent and not heads:
        raise CheckpointError(
            f"{len(absent)} weights of the encoder are missing, {absent[0]} first.",
            where=Where(folder),
            hint="configuration and weights are of different models, or the folder was not copied whole.",
        )
    # A whole head may stand on a base of its own: T5's tagger has no decoder, Llama's span head other names.
    base = _base(next(iter(heads.values())) if absent else model, family)
    language_model = model if has_language_model and not missing else None
    if has_language_model and missing and not heads:
        notes.append(f"the language model's head is not whole ({sorted(missing)[0]} is missing), not used")
    base = _share(base, language_model, heads)
    for module in (base, language_model, *heads.values()):
        if module is not None:
            # Quantized weights, and those that are spread over devices, stand there already, and cannot be moved.
            module.eval() if quantize or device == SPREAD else module.eval().to(device)
            module.requires_grad_(False)
    no_padding_notice(base)
    _check_tokens(folder, encoder, base)
    classifier = heads.get("sequence")
    if classifier is not None and classifier.config.pad_token_id is None:
        # Rows of a causal classifier are never padded; no token counts as padding.
        classifier.config.pad_token_id = -1
    keep_block_sparse(base)
    with _readable(folder):
        network = Network(
            NetworkParts(base, language_model, heads, family),
            encoder,
            max_length=longest_row(base, encoder),
            max_target=_target_length(base),
            device="cuda" if device == SPREAD else device,
        )
    if language_model is not None and network.language_model is None:
        notes.append(READS_AHEAD)
    if not network.pads:
        notes.append("padding would change its answers: only texts of one length are read together")
    return Loaded(network, {head: label_names(module.config) for head, module in heads.items()}, notes)


def _heads(
    present: tuple[Head, ...], folder: Path, form: Form, config: PreTrainedConfig, notes: list[str]
) -> dict[Head, PreTrainedModel]:
    """The heads beside the language model of which the folder holds every weight."""

    heads: dict[Head, PreTrainedModel] = {}
    for head in present:
        kind = auto_class(AUTO_CLASSES[head])
        weights = load_weights(kind, folder, scoring_options(kind, form, config))
        if weights.missing:
            lacking = sorted(weights.missing)[0]
            notes.append(f"the {head.replace('_', '-')} head is not whole ({lacking} is missing), not used")
        else:
            heads[head] = weights.model
    return heads


def _share(
    base: PreTrainedModel, language_model: PreTrainedModel | None, heads: Mapping[Head, PreTrainedModel]
) -> PreTrainedModel:
    """Puts one encoder under every head; that of a head with a pooler, where there is one."""
    modules = list(heads.values())
    pooled = [module for module in modules if submodule(module.base_model, "pooler") is not None]
    if modules:
        base = (pooled or modules)[0].base_model
    for module in (*modules, language_model):
        if module is None or module.base_model is base or any(child is base for child in module.children()):
            continue
        if module.base_model is module:
            for name in STACKS:
                setattr(module, name, getattr(base, name))
        else:
            setattr(module, module.base_model_prefix, base)
    if language_model is not None and modules:
        language_model.tie_weights()
    return base


def _base(model: PreTrainedModel, family: Family) -> PreTrainedModel:
    """The encoder or decoder stack below a model's head."""
    from transformers import PreTrainedModel

    base = model.base_model
    if base is model and family != "seq2seq":
        # The class names its base by another attribute than it has (Llama 4).
        return next((child for child in model.children() if isinstance(child, PreTrainedModel)), base)
    return base


def _absent_encoder(model: PreTrainedModel, missing: Set[str]) -> list[str]:
    """The weights of the encoder (or decoder stack) among those that the folder lacks."""
    prefix = f"{model.base_model_prefix}."
    bare = model.base_model is model
    return sorted(
        name
        for name in missing
        if (name.startswith(prefix) or (bare and not name.startswith("lm_head."))) and _POOLER not in name
    )


def _without_place(unused: Set[str], model: PreTrainedModel) -> list[str]:
    """Weights of whole layers that the folder holds and the model has not."""
    known = {_layer(name) for name in model.state_dict()}
    stacks = {layer[0] for layer in known if layer}
    return sorted(name for name in unused if (layer := _layer(name)) and layer not in known and layer[0] in stacks)


def _layer(name: str) -> tuple[str, int] | None:
    """The stack that a weight's name begins with, and its layer's number; None for what is in no layer."""
    match = _LAYER.match(name)
    return None if match is None else (match["stack"], int(match["number"]))


def label_names(config: PreTrainedConfig) -> tuple[str, ...] | None:
    """The labels of a head by its configuration; None for fewer than two, and for regression."""
    if config.num_labels < 2 or config.problem_type == "regression":
        return None
    return tuple(label_text(str(config.id2label[index])) for index in range(config.num_labels))


def _target_length(base: PreTrainedModel) -> int | None:
    """Tokens that a decoder takes where its configuration counts them apart from the encoder's."""
    positions = NetworkSettings.of(base.config).max_decoder_position_embeddings
    return positions if isinstance(positions, int) and positions > 0 else None


def _check_tokens(folder: Path, encoder: TextEncoder, base: PreTrainedModel) -> None:
    if not encoder.backend.get_vocab_size(with_added_tokens=False):
        raise CheckpointError(
            "the tokenizer's vocabulary is empty: every text would have no token.",
            where=Where(folder / TOKENIZER_FILES[0]),
            hint="check that the folder was copied whole.",
        )
    rows = embedding_rows(base)
    if encoder.highest_id >= rows:
        raise too_many_tokens(folder, encoder.highest_id, rows)
    if encoder.pad_id is not None and encoder.pad_id >= rows:
        encoder.pad_id = padding_id(base, encoder.tokenizer)


@contextmanager
def _readable(folder: Path) -> Iterator[None]:
    """Names the folder of a model that fails on the first few tokens that it is given."""
    try:
        yield
    except FAULTS as error:
        first = next(iter(str(error).strip().splitlines()), type(error).__name__)
        raise CheckpointError(
            f"the model cannot read a short text: {first}",
            where=Where(folder),
            hint="models that take texts of one length only, or more than token ids, are not supported.",
        ) from error

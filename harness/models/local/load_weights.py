"""The one loader of weights, for scoring and for training."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from harness.core.distribution import missing_package
from harness.core.errors import CheckpointError, HarnessError, IncompleteError, Where
from harness.models.checkpoint.checkpoint_files import read_json
from harness.models.checkpoint.checkpoint_heads import HEAD_PREFIXES
from harness.models.checkpoint.named_code import offline
from harness.models.device_policy import SPREAD
from harness.models.local.quantization import heads_of, plainly, quantized_options

if TYPE_CHECKING:
    from transformers import PreTrainedConfig, PreTrainedModel, PreTrainedTokenizerFast
    from transformers.models.auto.auto_factory import _BaseAutoModelClass

    AutoClass = type[_BaseAutoModelClass]

_DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16}

LANGUAGE_MODELS = {
    "masked": "AutoModelForMaskedLM",
    "causal": "AutoModelForCausalLM",
    "seq2seq": "AutoModelForSeq2SeqLM",
}


@dataclass(frozen=True, slots=True)
class Form:
    """How weights are held: their type, where, and in how many bits those of the base are."""

    dtype: str
    device: str
    quantize: str | None = None


@dataclass(frozen=True, slots=True)
class Weights:
    """A model with what a folder holds of it.

    Attributes:
        model: in transformers' class.
        missing: names of its weights that the folder lacks, or has in another shape.
        unused: names of the folder's weights for which it has no place.
    """

    model: PreTrainedModel
    missing: frozenset[str]
    unused: frozenset[str]


def auto_class(name: str) -> AutoClass:
    """transformers' Auto class of this name, such as AutoModelForMaskedLM."""
    import transformers

    made: AutoClass = getattr(transformers, name)
    return made


def load_weights(
    kind: AutoClass,
    folder: Path,
    options: Mapping[str, object],
    *,
    anew: tuple[str, ...] = HEAD_PREFIXES,
    config: PreTrainedConfig | None = None,
) -> Weights:
    """Loads a folder of safetensors into one of transformers' Auto classes, for scoring and for training alike.

    Args:
        options: of `from_pretrained`: the number type, or how weights are quantized.
        anew: what the names of weights begin with that may be missing or of another shape: a head's.
        config: in place of the folder's own; its head may be of another size.

    Raises:
        CheckpointError: when the folder holds no such model, or weights of another shape.
    """
    stored = _check_stored(folder, options)
    given = {} if config is None else {"config": config, "ignore_mismatched_sizes": bool(anew)}
    with explained(folder):
        model, facts = kind.from_pretrained(
            str(folder),
            local_files_only=True,
            use_safetensors=True,
            trust_remote_code=False,
            output_loading_info=True,
            **given,
            **options,
        )
    if "quantization_config" in options or stored is not None:
        plainly(model)
    reshaped = {key if isinstance(key, str) else str(key[0]) for key in facts["mismatched_keys"]}
    wrong = sorted(name for name in reshaped if not name.startswith(anew))
    if wrong:
        raise CheckpointError(
            f"weights whose shape differs from config.json: {wrong[0]}.",
            where=Where(folder),
            hint="give a checkpoint whose weights match its config.json.",
        )
    missing = reshaped | {name for name in facts["missing_keys"] if not name.endswith("position_ids")}
    return Weights(model, frozenset(missing), frozenset(map(str, facts["unexpected_keys"])))


def stored_quantization(folder: Path) -> str | None:
    """How the weights of a folder are quantized already (`bitsandbytes`, `gptq`, …), by its configuration."""
    path = folder / "config.json"
    stored = read_json(path).get("quantization_config") if path.is_file() else None
    return str(stored.get("quant_method")) if isinstance(stored, dict) else None


def _check_stored(folder: Path, options: Mapping[str, object]) -> str | None:
    """Refuses what transformers would pass over with a warning: an unknown quantization, or a second one."""
    stored = stored_quantization(folder)
    if stored is None:
        return None
    from transformers.quantizers.auto import AUTO_QUANTIZATION_CONFIG_MAPPING

    if "quantization_config" in options:
        raise CheckpointError(
            f"the folder's weights are quantized already ({stored}).",
            where=Where(folder),
            hint="leave `quantize` out, or give the checkpoint in full precision.",
        )
    if stored not in {*AUTO_QUANTIZATION_CONFIG_MAPPING, "bitsandbytes"}:
        raise CheckpointError(
            f"the folder's weights are quantized by {stored!r}, which transformers does not know.",
            where=Where(folder),
            hint="give the checkpoint in full precision.",
        )
    return stored


def scoring_options(kind: AutoClass, form: Form, config: PreTrainedConfig) -> dict[str, object]:
    """The options of `load_weights` for a model that answers."""
    if form.quantize is None:
        return {"dtype": _DTYPES[form.dtype], **({"device_map": "auto"} if form.device == SPREAD else {})}
    return quantized_options(form.quantize, form.device, _DTYPES[form.dtype], heads_of(kind, config))


def load_config(folder: Path) -> PreTrainedConfig:
    """The checkpoint's configuration.

    Raises:
        CheckpointError: when it has none that can be read.
    """
    from transformers import AutoConfig

    with explained(folder):
        return AutoConfig.from_pretrained(str(folder), local_files_only=True, trust_remote_code=False)


def require_device(device: str) -> None:
    available: dict[str, Callable[[], bool]] = {
        "cpu": lambda: True,
        "cuda": torch.cuda.is_available,
        "mps": torch.backends.mps.is_available,
    }
    kind, _, number = device.partition(":")
    there = available[kind]()
    if there and kind == "cuda" and number.isdecimal():
        there = int(number) < torch.cuda.device_count()
    if not there:
        raise IncompleteError(
            f"torch cannot use the device {device!r} here.",
            hint="run with `--device cpu`, or install a torch that fits the driver.",
        )


@contextmanager
def explained(folder: Path) -> Iterator[None]:
    """Loads without a network, and names the folder in what transformers raises while loading from it."""
    try:
        with offline():
            yield
    except HarnessError as error:
        if error.where is not None or not isinstance(error, CheckpointError):
            raise
        raise CheckpointError(error.message, where=Where(folder), hint=error.hint) from error
    except Exception as error:  # what a configuration of strangers makes transformers raise has no common kind
        if "trust_remote_code" in str(error):
            raise CheckpointError(
                "the checkpoint needs code of its own (`auto_map`), which harness never runs.",
                where=Where(folder),
                hint="give a checkpoint of a model type that transformers holds itself.",
            ) from error
        if isinstance(error, ImportError) and "bitsandbytes" in str(error):
            raise missing_package(
                "bitsandbytes", f"loading {folder}, whose weights were saved in 4 or 8 bits,"
            ) from error
        lines = [line.strip() for line in str(error).splitlines() if line.strip()] or [type(error).__name__]
        first = " ".join(lines[:2]) if lines[0].endswith(":") else lines[0]
        stored = stored_quantization(folder)
        if stored is not None:
            raise CheckpointError(
                f"the folder's weights are quantized ({stored}), and transformers cannot load them here: {first}",
                where=Where(folder),
                hint="install what it names, or give the checkpoint in full precision.",
            ) from error
        raise CheckpointError(
            f"transformers cannot load the checkpoint: {first}",
            where=Where(folder),
            hint="check that configuration, tokenizer and weights belong together.",
        ) from error


CLASSIFIER = ("classifier", "score")
POOLER = "pooler"


def load_tokenizer(folder: Path) -> PreTrainedTokenizerFast:
    """The checkpoint's tokenizer; local files only.

    Raises:
        CheckpointError: when it has none that can be read.
    """
    from transformers import AutoTokenizer

    with explained(folder):
        return AutoTokenizer.from_pretrained(str(folder), local_files_only=True, trust_remote_code=False)


def family_of(folder: Path) -> str:
    """`masked`, `causal` or `seq2seq`, by the checkpoint's configuration.

    Raises:
        CheckpointError: when the folder holds no transformers model (an adapter, a linear head).
    """
    from harness.model_kinds.model_families import MASKED_TYPES

    if not (folder / "config.json").is_file():
        raise CheckpointError(
            "training starts from a whole model; this checkpoint is an adapter or a head on another one.",
            where=Where(folder),
            hint="start from its base, or make the first stage with `method: full`.",
        )
    config = load_config(folder)
    if config.is_encoder_decoder:
        return "seq2seq"
    return "masked" if config.model_type in MASKED_TYPES else "causal"


def head_tensors(folder: Path, present: Sequence[str], prefix: str) -> dict[str, torch.Tensor]:
    """The parent's tensors that a classifier has no place for: its language-model head, its pooler.

    A bare encoder names its tensors without the prefix that they have inside a classifier. They are the ones that
    were trained, and must not be written a second time as they were before.

    Args:
        folder: the parent.
        present: names of the classifier's own tensors.
        prefix: what the encoder is called inside the classifier.
    """
    from safetensors import safe_open

    known = set(present)
    encoder = {name.removeprefix(f"{prefix}.").split(".")[0] for name in known if name.startswith(f"{prefix}.")}
    tensors: dict[str, torch.Tensor] = {}
    for file in sorted(folder.glob("*.safetensors")):
        with safe_open(str(file), framework="pt") as opened:
            for name in opened.keys():  # noqa: SIM118  # the handle is no mapping
                # The second part tells a stack that the parent calls otherwise (`model.layers`, `transformer.layers`).
                ours = encoder.isdisjoint(name.split(".")[:2]) or name.split(".")[0] == prefix
                if name not in known and ours and not name.startswith(CLASSIFIER):
                    tensors[name] = opened.get_tensor(name)
    return tensors

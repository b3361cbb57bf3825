"""The one loader of weights, for scoring and for training."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from harness.core.errors import CheckpointError, HarnessError, IncompleteError, Where
from harness.models.checkpoint.checkpoint_heads import HEAD_PREFIXES
from harness.models.checkpoint.named_code import offline
from harness.models.local.quantization import heads_of, plainly, quantized_options

_DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16}

_LANGUAGE_MODELS = {
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


def _weights(kind: Any, folder: Path, form: Form, config: Any) -> tuple[Any, set[str], set[str]]:
    """The model, which of its weights the folder lacks, and which of the folder's it has no place for."""
    options: dict[str, Any] = {"dtype": _DTYPES[form.dtype]}
    if form.quantize is not None:
        keep = heads_of(kind, config)
        options = quantized_options(form.quantize, form.device, _DTYPES[form.dtype], keep)
    model, info = kind.from_pretrained(
        folder,
        local_files_only=True,
        use_safetensors=True,
        trust_remote_code=False,
        output_loading_info=True,
        **options,
    )
    if form.quantize is not None:
        plainly(model)
    reshaped = {key if isinstance(key, str) else str(key[0]) for key in info["mismatched_keys"]}
    wrong = sorted(name for name in reshaped if not name.startswith(HEAD_PREFIXES))
    if wrong:
        raise ValueError(f"weights of another shape: {wrong[0]}")
    missing = reshaped | {name for name in info["missing_keys"] if not name.endswith("position_ids")}
    return model, missing, {str(name) for name in info["unexpected_keys"]}


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
        lines = [line.strip() for line in str(error).splitlines() if line.strip()] or [type(error).__name__]
        first = " ".join(lines[:2]) if lines[0].endswith(":") else lines[0]
        raise CheckpointError(
            f"transformers cannot load the checkpoint: {first}",
            where=Where(folder),
            hint="check that configuration, tokenizer and weights belong together.",
        ) from error


_CLASSIFIER = ("classifier", "score")

_POOLER = "pooler"


def load_tokenizer(folder: Path) -> Any:
    """The checkpoint's tokenizer; local files only.

    Raises:
        CheckpointError: when it has none that can be read.
    """
    from transformers import AutoTokenizer

    return _loaded(
        folder,
        "tokenizer",
        lambda: AutoTokenizer.from_pretrained(str(folder), local_files_only=True, trust_remote_code=False),
    )


def family_of(folder: Path) -> str:
    """`masked`, `causal` or `seq2seq`, by the checkpoint's configuration.

    Raises:
        CheckpointError: when the folder holds no transformers model (an adapter, a linear head).
    """
    from transformers import AutoConfig

    from harness.model_kinds.model_families import MASKED_TYPES

    if not (folder / "config.json").is_file():
        raise CheckpointError(
            "training starts from a whole model; this checkpoint is an adapter or a head on another one.",
            where=Where(folder),
            hint="start from its base, or make the first stage with `method: full`.",
        )
    config: Any = _loaded(
        folder, "configuration", lambda: AutoConfig.from_pretrained(str(folder), trust_remote_code=False)
    )
    if getattr(config, "is_encoder_decoder", False):
        return "seq2seq"
    return "masked" if config.model_type in MASKED_TYPES else "causal"


def _check_shapes(mismatched: Iterable[Any], folder: Path) -> None:
    """Refuses weights of another shape than config.json says, but for those of a head that is made anew."""
    names = {key if isinstance(key, str) else str(key[0]) for key in mismatched}
    wrong = sorted(name for name in names if not name.startswith(_CLASSIFIER))
    if wrong:
        raise CheckpointError(
            f"weights of another shape than its config.json says: {wrong[0]}.",
            where=Where(folder),
            hint="use a checkpoint that matches the architecture in its config.json.",
        )


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
                if name not in known and name.split(".")[0] not in encoder and not name.startswith(_CLASSIFIER):
                    tensors[name] = opened.get_tensor(name)
    return tensors


def _loaded(folder: Path, what: str, load: Any) -> Any:
    try:
        return load()
    except HarnessError:
        raise
    except Exception as error:
        # transformers raises a dozen kinds of errors for a folder that is not what it expects.
        raise CheckpointError(
            f"the checkpoint's {what} cannot be loaded: {str(error).splitlines()[0] if str(error) else error!r}",
            where=Where(folder),
            hint="it needs config.json, weights in safetensors and a tokenizer.",
        ) from error

"""GGUF files: unpacked once into an ordinary checkpoint of the store, float32 safetensors and tokenizer.

A quantized block's numbers are exact in float32, so nothing is lost. Reading the result takes well under a
second, where reading the GGUF file itself takes half a minute for a small model.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING

from harness.core.digests import digest, file_digest
from harness.core.distribution import missing_package
from harness.core.errors import CheckpointError, Where
from harness.core.reporter import Reporter
from harness.models.network_settings import NetworkSettings
from harness.storage.store import Entry, Store

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedConfig, PreTrainedModel

KIND = "converted"
FORMAT = 3
_MAGIC = b"GGUF"
_TENSOR_COUNT_AT = 8
"""After the magic number and the version, four bytes each: the number of tensors, eight bytes."""
_MOST_PER_BYTE = 8
"""Parameters; the smallest quantization has 1.5 bits for each."""


def converted(path: Path, store: Store, reporter: Reporter, *, where: Where | None = None) -> Path:
    """The folder of a GGUF file's checkpoint; made when the store does not hold it.

    Raises:
        CheckpointError: when the file is no GGUF file, is damaged, or of an architecture that
            transformers cannot read.
        MissingPackageError: when the package `gguf` is missing.
    """
    with path.open("rb") as handle:
        if handle.read(len(_MAGIC)) != _MAGIC:
            raise CheckpointError("the file does not begin as a GGUF file does.", where=where or Where(path))
    return converted_bytes(
        file_digest(path), lambda work: path, store, reporter, title=path.name, where=where or Where(path)
    )


def converted_bytes(
    sha256: str,
    provide: Callable[[Path], Path],
    store: Store,
    reporter: Reporter,
    *,
    title: str,
    where: Where | None = None,
) -> Path:
    """Like `converted`, for a GGUF file whose digest is known before it is at hand.

    Args:
        sha256: of the GGUF file.
        provide: gives the file; called only when it must be converted, with a folder for
            temporary files.
        title: names it in progress and messages.
    """
    return store.make(
        KIND,
        conversion_key(sha256),
        lambda work: _convert(provide(_temporary(work)), work, reporter, title, where),
        on_wait=lambda: reporter.info(f"{title}: another run is converting this; waiting for it"),
    ).path


def conversion_key(sha256: str) -> str:
    """The store's key: another version of the libraries may read a file differently."""
    return digest({"format": FORMAT, "gguf": sha256, "by": {name: _version(name) for name in ("transformers", "gguf")}})


def known(sha256: str, store: Store) -> Entry | None:
    """The finished conversion, or None."""
    return store.get(KIND, conversion_key(sha256))


def _temporary(work: Path) -> Path:
    folder = work / ".resume"
    folder.mkdir(exist_ok=True)
    return folder


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _convert(path: Path, work: Path, reporter: Reporter, title: str, where: Where | None) -> dict[str, object]:
    if _version("gguf") is None:
        raise missing_package("gguf", f"{title}: reading GGUF files", where=where)
    from harness.models.checkpoint.formats.gguf_reading import read_once
    from harness.models.checkpoint.formats.gguf_tokenizer import settle
    from harness.models.library_logging import no_gguf_bar, quiet

    with reporter.task(f"converting {title} to safetensors"), quiet(), no_gguf_bar(), read_once():
        import torch
        from safetensors.torch import save_file
        from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer

        try:
            config = AutoConfig.from_pretrained(path.parent, gguf_file=path.name, local_files_only=True)
            _check_sizes(path, config)
            tokenizer = AutoTokenizer.from_pretrained(
                path.parent, gguf_file=path.name, local_files_only=True, trust_remote_code=False
            )
            notes = settle(tokenizer, path)
            model = AutoModelForCausalLM.from_pretrained(
                path.parent,
                config=config,
                gguf_file=path.name,
                dtype=torch.float32,
                local_files_only=True,
                trust_remote_code=False,
            )
        except CheckpointError:
            raise
        # A damaged file makes the readers of GGUF, numpy and transformers fail in ways of their own.
        except Exception as error:
            first = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
            raise CheckpointError(
                f"{title} cannot be read as a GGUF checkpoint: {first}",
                where=where,
                hint="check that the file is whole; transformers reads causal models of the usual architectures.",
            ) from error
        if NetworkSettings.of(model.config).quantization_config is not None:
            del model.config.quantization_config
        save_file(_untied(model), work / "model.safetensors", metadata={"format": "pt"})
        model.config.save_pretrained(work)
        if model.generation_config is not None:
            model.generation_config.save_pretrained(work)
        tokenizer.save_pretrained(work)
    for note in notes:
        reporter.warn(f"{title}: {note}")
    return {"source": title, "parameters": sum(weight.numel() for weight in model.parameters())}


def _untied(model: PreTrainedModel) -> dict[str, torch.Tensor]:
    """A model's tensors, those that share memory under the first of their names.

    `safetensors.torch.save_model` would note the other names in the file, in an order that changes with every process:
    one GGUF file would have many digests.
    """
    kept: dict[int, tuple[str, torch.Tensor]] = {}
    for name, tensor in model.state_dict().items():
        kept.setdefault(tensor.data_ptr(), (name, tensor.contiguous()))
    return dict(kept.values())


def _check_sizes(path: Path, config: PreTrainedConfig) -> None:
    """Refuses a file that declares a larger model than it can hold, before anything is built of that size.

    Raises:
        CheckpointError: with what it declares and what it has.
    """
    import torch
    from transformers import AutoModelForCausalLM

    with path.open("rb") as handle:
        handle.seek(_TENSOR_COUNT_AT)
        tensors = int.from_bytes(handle.read(8), "little")
    size = path.stat().st_size
    layers = config.get_text_config().num_hidden_layers
    declared = f"{layers} layers" if layers > tensors else ""
    if not declared:
        with torch.device("meta"):
            parameters = sum(weight.numel() for weight in AutoModelForCausalLM.from_config(config).parameters())
        declared = f"{parameters} parameters" if parameters > _MOST_PER_BYTE * size else ""
    if declared:
        raise CheckpointError(
            f"the file declares {declared}, but has {tensors} tensors in {size} bytes.",
            where=Where(path),
            hint="copy or convert the checkpoint again.",
        )

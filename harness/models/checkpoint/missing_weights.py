"""A folder without weights that can be loaded: what it holds instead, and what to do with that."""

from __future__ import annotations

from pathlib import Path

from harness.core.errors import CheckpointError, Where

SINGLE = "model.safetensors"
INDEX = "model.safetensors.index.json"
_PICKLED = ("*.bin", "*.pt", "*.pth", "*.ckpt")
_STATE = ("training_args", "optimizer", "scheduler", "scaler", "rng_state")
"""What trainers save beside the weights, also by pickle."""
_LFS = b"version https://git-lfs"


def missing_weights(folder: Path) -> CheckpointError:
    """The error for a folder without safetensors weights."""
    message, hint = _said_of(folder)
    return CheckpointError(message, where=Where(folder), hint=hint)


def _said_of(folder: Path) -> tuple[str, str]:
    below = _folders(folder, "adapter_config.json")
    if below:
        names = ", ".join(path.name for path in below)
        return f"the folder holds no model; an adapter is in {names} below it.", (
            f"write `load: BASE` with `adapter: {below[0]}`."
        )
    steps = sorted((*_folders(folder, SINGLE), *_folders(folder, INDEX)), key=_step)
    if steps:
        names = ", ".join(path.name for path in steps)
        return f"the folder holds no weights itself; checkpoints are in {names} below it.", f"give {steps[-1]}."
    shards = sorted(path for path in folder.glob("global_step*") if path.is_dir())
    if shards:
        return f"the weights are in DeepSpeed's shards, in {shards[-1].name}.", (
            f"put them together once: run DeepSpeed's zero_to_fp32.py on {shards[-1].name} "
            f"(`python zero_to_fp32.py . . --safe_serialization` in {folder})."
        )
    if (folder / "pytorch_model_fsdp_0").is_dir():
        return "the weights are in shards of FSDP, in pytorch_model_fsdp_0.", (
            f"put them together once: `accelerate merge-weights {folder / 'pytorch_model_fsdp_0'} {folder}`."
        )
    packed = sorted(folder.glob("*.gguf"))
    if packed:
        return f"the weights are there as GGUF only ({', '.join(path.name for path in packed)}).", (
            f"give the file: `load: {packed[0]}`."
        )
    pickled = sorted({path.name for pattern in _PICKLED for path in folder.glob(pattern)})
    pickled = [name for name in pickled if not name.startswith(_STATE)]
    if pickled:
        return f"weights only as {', '.join(pickled)}: pickle can run code, so only safetensors is loaded.", (
            "convert it once where you trust it: load it with transformers, then "
            f"`model.save_pretrained(folder)` writes {SINGLE}."
        )
    return f"the checkpoint has no weights ({SINGLE} or {INDEX}).", (
        "check the path; a checkpoint is a folder as `save_pretrained` writes it."
    )


def _folders(folder: Path, name: str) -> list[Path]:
    """The folders below that hold a file of this name."""
    return sorted(path.parent for path in folder.glob(f"*/{name}"))


def _step(folder: Path) -> tuple[int, str]:
    """Trainers number their folders: checkpoint-9 comes before checkpoint-10."""
    number = folder.name.rpartition("-")[2]
    return int(number) if number.isdecimal() else -1, folder.name


def is_lfs_pointer(content: bytes) -> bool:
    """Whether a file's content is what Git LFS leaves in place of the file."""
    return content.startswith(_LFS)


def lfs_pointer(path: Path) -> CheckpointError:
    """The error for a file whose content was not fetched."""
    return CheckpointError(
        "the file is a Git LFS pointer: its content was never fetched.",
        where=Where(path),
        hint="run `git lfs pull` in the repository, or download the file again.",
    )

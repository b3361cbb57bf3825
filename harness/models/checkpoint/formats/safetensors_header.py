"""What a safetensors file holds, read from its header alone: no weights, no torch."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from harness.core.errors import CheckpointError, Where
from harness.models.checkpoint.missing_weights import INDEX, SINGLE, is_lfs_pointer, lfs_pointer, missing_weights
from harness.storage import plain_files

_SHARD = ".safetensors"
_LENGTH_BYTES = 8
_LFS_BYTES = 32
_LARGEST_HEADER = 100_000_000
_DAMAGED = "the file is cut short or damaged; copy or download it again."


@dataclass(frozen=True, slots=True)
class Tensor:
    """Name, type as safetensors writes it (`F32`, `BF16`, …) and shape of one tensor."""

    name: str
    dtype: str
    shape: tuple[int, ...]

    @property
    def size(self) -> int:
        return math.prod(self.shape)


def read_header(path: Path) -> tuple[Tensor, ...]:
    """The tensors of a safetensors file.

    Raises:
        CheckpointError: when the header or the file is cut short or is not safetensors.
    """
    plain_files.require(path)
    size = path.stat().st_size
    with path.open("rb") as handle:
        first = handle.read(_LENGTH_BYTES)
        length = int.from_bytes(first, "little")
        if is_lfs_pointer(first + handle.read(_LFS_BYTES)):
            raise lfs_pointer(path)
        handle.seek(_LENGTH_BYTES)
        if size < _LENGTH_BYTES or length > min(size - _LENGTH_BYTES, _LARGEST_HEADER):
            raise CheckpointError(
                f"expected a safetensors header of {length} bytes, but the file has {size} bytes.",
                where=Where(path),
                hint=_DAMAGED,
            )
        raw = handle.read(length)
    try:
        header = plain_files.parse_json(raw)
        header.pop("__metadata__", None)
        tensors = tuple(
            Tensor(name, str(facts["dtype"]), tuple(int(n) for n in facts["shape"])) for name, facts in header.items()
        )
        end = max((int(facts["data_offsets"][1]) for facts in header.values()), default=0)
    except (ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
        raise CheckpointError("the safetensors header cannot be read.", where=Where(path), hint=_DAMAGED) from error
    if _LENGTH_BYTES + length + end != size:
        raise CheckpointError(
            f"expected {_LENGTH_BYTES + length + end} bytes by the safetensors header, found {size}.",
            where=Where(path),
            hint=_DAMAGED,
        )
    return tensors


def weight_files(folder: Path) -> tuple[Path, ...]:
    """The files that hold a transformers model's weights: one, or the shards of an index.

    Raises:
        CheckpointError: when there are none in safetensors, or a shard is missing.
    """
    if (folder / SINGLE).is_file():
        return (folder / SINGLE,)
    if not (folder / INDEX).is_file():
        raise missing_weights(folder)
    try:
        names = sorted(set(plain_files.read_json(folder / INDEX)["weight_map"].values()))
        if not all(isinstance(name, str) for name in names):
            raise TypeError(names)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        if is_lfs_pointer((folder / INDEX).read_bytes()):
            raise lfs_pointer(folder / INDEX) from error
        raise CheckpointError("the index of the weights cannot be read.", where=Where(folder / INDEX)) from error
    _require_local(folder, names)
    return tuple(folder / name for name in names)


def tensors_of(files: Iterable[Path]) -> tuple[Tensor, ...]:
    return tuple(tensor for file in files for tensor in read_header(file))


def _require_local(folder: Path, names: list[str]) -> None:
    for name in names:
        if Path(name).name != name or name == os.pardir or not name.endswith(_SHARD):
            raise CheckpointError(
                f"expected names of {_SHARD} files of this folder, found {name!r}.",
                where=Where(folder / INDEX),
                hint="copy or download the checkpoint again.",
            )
        if not (folder / name).is_file():
            raise CheckpointError(
                f"the shard {name} is missing.", where=Where(folder), hint="copy or download the checkpoint again."
            )

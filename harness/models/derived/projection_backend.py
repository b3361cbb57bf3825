"""Directions that are taken out of a model's last hidden states.

    projection.safetensors   directions [k, H], orthonormal rows
    projection.json          {"format", "method", "remove"}

What the encoder gives to its heads, h, becomes h − (h·Dᵀ)·D at every token: so for the pooler and classification
heads, for the language-model head, and for vectors of texts. The layers below stay as they are.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from harness.core.errors import CheckpointError, Where
from harness.core.records import FloatArray
from harness.models.checkpoint.checkpoint_digest import checkpoint_digest
from harness.models.checkpoint.checkpoint_files import (
    PROJECTION_SETTINGS,
    PROJECTION_WEIGHTS,
    read_json,
    read_tensors,
    write_json,
    write_tensors,
)
from harness.models.checkpoint.lineage import parent_of, read_lineage
from harness.models.checkpoint.metadata_schema import ProjectionPage, checked
from harness.models.network_settings import submodule

if TYPE_CHECKING:
    from torch import nn
    from transformers import PreTrainedModel
    from transformers.utils import ModelOutput

    from harness.core.model import Backend
    from harness.models.local.network import Network
    from harness.models.open_context import OpenContext

PROJECTION_FORMAT = 1
_NOT_ORTHONORMAL = 1e-5


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Projection:
    """What is taken out.

    Attributes:
        directions: float64[k, H], orthonormal rows.
        method: how they were found.
        remove: what they tell apart, for people.
    """

    directions: FloatArray
    method: str
    remove: str


def write_projection(folder: Path, projection: Projection) -> None:
    """Writes `projection.safetensors` and `projection.json` into `folder`.

    Raises:
        ValueError: when the directions are not orthonormal.
    """
    _check(projection.directions)
    write_tensors(folder / PROJECTION_WEIGHTS, {"directions": projection.directions})
    settings = {"format": PROJECTION_FORMAT, "method": projection.method, "remove": projection.remove}
    write_json(folder / PROJECTION_SETTINGS, settings)


def read_projection(folder: Path) -> Projection:
    """Reads what `write_projection` wrote.

    Raises:
        CheckpointError: when a file is missing, damaged or of another format.
    """
    settings = read_json(folder / PROJECTION_SETTINGS)
    if settings.get("format") != PROJECTION_FORMAT:
        raise CheckpointError(
            f"expected format {PROJECTION_FORMAT}, found {settings.get('format')!r}.",
            where=Where(folder / PROJECTION_SETTINGS),
            hint="use the version of harness that wrote it, or project again.",
        )
    page: ProjectionPage = checked(ProjectionPage, folder / PROJECTION_SETTINGS, settings)
    directions = read_tensors(folder / PROJECTION_WEIGHTS, ("directions",))["directions"]
    try:
        _check(directions)
    except ValueError as error:
        raise CheckpointError(
            f"these are not directions: {error}.",
            where=Where(folder / PROJECTION_WEIGHTS),
            hint="project the model again.",
        ) from error
    return Projection(directions, page.method, page.remove)


def install(network: Network, projection: Projection) -> None:
    """Makes a network of its own (one that no pool gives to others) answer by projected states.

    Raises:
        CheckpointError: when the model's states have another size.
    """
    import torch

    hint = "give the model that it was made for."
    width = network.hidden_size
    if projection.directions.shape[1] != width:
        raise CheckpointError(
            f"expected directions of {width} numbers, found {projection.directions.shape[1]}.", hint=hint
        )
    held = torch.from_numpy(projection.directions).to(network.base.device, network.base.dtype)

    def taken_out(states: torch.Tensor) -> torch.Tensor:
        return states - (states @ held.T) @ held

    def output(_module: PreTrainedModel, _inputs: object, outputs: ModelOutput) -> ModelOutput:
        outputs.last_hidden_state = taken_out(outputs.last_hidden_state)
        return outputs

    def pooled(_module: nn.Module, inputs: tuple[torch.Tensor, ...]) -> tuple[torch.Tensor, ...]:
        return (taken_out(inputs[0]), *inputs[1:])

    network.base.register_forward_hook(output)
    pooler = submodule(network.base, "pooler")
    if pooler is not None:
        pooler.register_forward_pre_hook(pooled)


def open_projected(folder: Path, context: OpenContext) -> Backend:
    """Opens the parent with its states projected.

    Raises:
        CheckpointError: when files are missing, or the parent is not the one that was named.
    """
    from harness.models.local.transformers_backend import open_transformers

    projection = read_projection(folder)
    own = checkpoint_digest(folder, context.resolve)
    parent = parent_of(folder, "projected", read_lineage(folder))
    assert parent is not None
    # A base of its own: what is hooked into it must not reach others that stand on it.
    backend = open_transformers(context.resolve(parent["key"]), dataclasses.replace(context, pool=None))
    install(backend.network, projection)
    removed = f"{len(projection.directions)} direction{'s' if len(projection.directions) > 1 else ''}"
    kinds = ", ".join(sorted(backend.facts.supports))
    note = f"{projection.remove} is projected out of the last hidden states ({removed}), in force for {kinds}"
    backend.known_as(own, note)
    return backend


def _check(directions: FloatArray) -> None:
    if directions.ndim != 2 or not 0 < len(directions) < directions.shape[1]:
        raise ValueError(f"expected [k, H] with 0 < k < H, found {directions.shape}")
    if not np.allclose(directions @ directions.T, np.eye(len(directions)), atol=_NOT_ORTHONORMAL):
        raise ValueError("the rows are not orthonormal")

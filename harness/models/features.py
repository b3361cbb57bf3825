"""Frozen features of a checkpoint: what a linear head is trained on and answers by."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from harness.core.records import FloatArray
from harness.core.reporter import Reporter, Silent
from harness.models.context import OpenContext
from harness.models.digest import Resolve
from harness.models.transformers_backend import TransformersBackend, open_transformers


def mean_features(
    folder: Path, texts: Sequence[str], *, resolve: Resolve, device: str = "auto", reporter: Reporter | None = None
) -> FloatArray:
    """Mean last hidden states over the text's tokens, float64[n, H], in the texts' order.

    The same function gives a linear checkpoint its features when it answers.

    Raises:
        CheckpointError: when the folder cannot be used.
    """
    backend = open_transformers(folder, OpenContext(resolve, None, device, reporter or Silent()))
    assert isinstance(backend, TransformersBackend)
    return backend.features(texts)[0]

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from harness.core.errors import CheckpointError
from harness.models.checkpoint.declared_sizes import check_sizes


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    tensors = {f"layer.{number}": np.zeros((2, 2), np.float32) for number in range(4)}
    save_file({**tensors, "head": np.zeros((3000, 1), np.float32)}, tmp_path / "model.safetensors")
    return tmp_path


@pytest.mark.parametrize(
    "config",
    [
        {"num_hidden_layers": 10**9},
        {"n_layer": 1001},
        {"decoder_layers": 10**6},
        {"num_labels": 3001},
        {"id2label": {str(number): "l" for number in range(3001)}},
        {"label2id": {f"l{number}": number for number in range(3001)}},
    ],
)
def test_more_than_the_weights_can_hold_is_refused(folder: Path, config: dict[str, object]) -> None:
    with pytest.raises(CheckpointError, match="but the weights have"):
        check_sizes(folder, folder / "config.json", config)


@pytest.mark.parametrize(
    "config",
    [
        {"num_hidden_layers": 1000},
        {"num_labels": 3000},
        {"id2label": {str(number): "l" for number in range(3000)}},
        {"num_labels": "many", "n_layer": None, "id2label": 3},
        {},
    ],
)
def test_what_they_can_hold_passes(folder: Path, config: dict[str, object]) -> None:
    check_sizes(folder, folder / "config.json", config)


def test_a_folder_without_weights_of_its_own_is_left_to_others(tmp_path: Path) -> None:
    check_sizes(tmp_path, tmp_path / "config.json", {"num_hidden_layers": 10**9})

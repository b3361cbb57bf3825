from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from harness_support import model_zoo

from harness.core.reporter import Silent
from harness.models.cached_model import CachedModel
from harness.models.open_context import OpenContext
from harness.models.open_model import open_model

torch.set_num_threads(1)


def no_parent(key: str) -> Path:
    raise AssertionError(f"no parent was expected, asked for {key}")


@pytest.fixture
def opened() -> Callable[..., CachedModel]:
    def make(folder: Path, **options) -> CachedModel:
        options = {"resolve": no_parent, "responses": None, "device": "cpu", "reporter": Silent(), **options}
        return open_model(folder, OpenContext(**options))

    return make


@pytest.fixture(scope="session")
def zoo(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Language models by shape, made once a session; tests do not change them."""
    made: dict[str, Path] = {}

    def get(kind: str) -> Path:
        if kind not in made:
            made[kind] = model_zoo.language_model(kind, tmp_path_factory.mktemp("zoo") / kind)
        return made[kind]

    return get

"""What the attacks share: one process to fork from, tiny checkpoints, and how many tries are made."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from harness_support.zygote import Zygote


@pytest.fixture(scope="session")
def tries() -> int:
    """Tries of each attack: few in CI, more with HARNESS_CAMPAIGN=nightly."""
    return 400 if os.environ.get("HARNESS_CAMPAIGN") == "nightly" else 32


@pytest.fixture(scope="session")
def zygote() -> Iterator[Zygote]:
    process = Zygote()
    yield process
    process.close()


@pytest.fixture(scope="session")
def checkpoints(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Tiny language models by architecture."""
    from harness_support.model_zoo import language_model

    folder = tmp_path_factory.mktemp("checkpoints")
    return {kind: language_model(kind, folder / kind) for kind in ("bert", "gpt2")}

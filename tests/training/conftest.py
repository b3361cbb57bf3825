from pathlib import Path

import pytest
from harness_support.training_samples import passage_inputs, pretrain_spec, pretraining, run_stage, text_inputs

from harness.core.reporter import Silent


@pytest.fixture(scope="session")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny pretrained checkpoint."""
    folder = tmp_path_factory.mktemp("base") / "checkpoint"
    run_stage(pretrain_spec(), text_inputs(), folder, Silent())
    return folder


@pytest.fixture(scope="session")
def writer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny causal model that has left the plateau of word frequencies."""
    folder = tmp_path_factory.mktemp("writer") / "checkpoint"
    run_stage(pretraining("gpt", steps=150, batch_size=8, learning_rate=1e-2), passage_inputs(), folder, Silent())
    return folder

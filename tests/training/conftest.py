import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from training_samples import pretrain_spec, text_inputs

from harness.core.reporter import Silent
from harness.training import run_stage


@pytest.fixture(scope="session")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny pretrained checkpoint."""
    folder = tmp_path_factory.mktemp("base") / "checkpoint"
    run_stage(pretrain_spec(), text_inputs(), folder, Silent())
    return folder

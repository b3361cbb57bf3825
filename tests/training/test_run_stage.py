import subprocess
import sys

import pytest
from harness_support.training_samples import finetune_spec, pretrain_spec, resolved

from harness.core.errors import CheckpointError
from harness.training.stage_inputs import StageInputs


def test_importing_the_package_loads_nothing_heavy() -> None:
    script = (
        "import sys, harness.training\n"
        "heavy = {'torch', 'transformers', 'peft', 'sklearn', 'datasets', 'tokenizers', 'scipy'} & set(sys.modules)\n"
        "sys.exit(f'loaded: {heavy}' if heavy else 0)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_a_parent_is_not_found_without_a_store() -> None:
    with pytest.raises(CheckpointError, match="no store was given"):
        StageInputs().resolve("a" * 64)


def test_a_changed_default_changes_what_is_resolved() -> None:
    plain = resolved(finetune_spec(epochs=None, learning_rate=None), 50)
    assert plain["epochs"] > 0
    assert resolved(finetune_spec(epochs=None, learning_rate=None), 50_000) != plain, "more labels, other defaults"
    assert resolved(finetune_spec(epochs=plain["epochs"], learning_rate=plain["learning_rate"]), 50) == plain
    assert "hidden_size" in resolved(pretrain_spec(), 0)["sizes"]

from pathlib import Path

import numpy as np
import pytest
from harness_support.training_samples import LABELS, finetune_spec, label_inputs, run_stage

from harness.core.digests import file_digest
from harness.core.errors import DataError, SuiteError
from harness.core.reporter import Silent
from harness.core.requests import Classify
from harness.models.checkpoint.checkpoint_digest import checkpoint_digest
from harness.models.checkpoint.formats.linear_head_file import read_linear
from harness.models.open_context import OpenContext
from harness.models.open_model import open_model


def test_a_head_on_frozen_features(base: Path, tmp_path: Path) -> None:
    before = file_digest(base / "model.safetensors")
    made = run_stage(finetune_spec(method="linear"), label_inputs(base), tmp_path / "a", Silent())
    head = read_linear(tmp_path / "a")
    assert head.labels == LABELS
    assert head.coef.shape == (2, 64)
    assert np.isfinite(head.coef).all()
    assert made["validation"]["accuracy"] > 0.8
    assert made["cost"]["trainable"] == 2 * 64 + 2
    assert file_digest(base / "model.safetensors") == before
    assert {path.suffix for path in (tmp_path / "a").iterdir()} == {".json", ".safetensors"}


def test_the_same_seed_gives_the_same_head(base: Path, tmp_path: Path) -> None:
    for name in ("one", "two"):
        run_stage(finetune_spec(method="linear"), label_inputs(base), tmp_path / name, Silent())
    files = [file_digest(tmp_path / name / "linear.safetensors") for name in ("one", "two")]
    assert files[0] == files[1]


def test_random_features_are_refused(base: Path, tmp_path: Path) -> None:
    with pytest.raises(SuiteError, match="random weights have no effect"):
        run_stage(finetune_spec(method="linear", weights="random"), label_inputs(base), tmp_path / "a", Silent())


def test_the_checkpoint_answers_as_well_as_it_was_fitted(base: Path, tmp_path: Path) -> None:
    inputs = label_inputs(base, resolve=lambda key: base, parent_digest=checkpoint_digest(base))
    made = run_stage(finetune_spec(method="linear"), inputs, tmp_path / "a", Silent())
    model = open_model(tmp_path / "a", OpenContext(resolve=lambda key: base, responses=None))
    pairs = [(example.text, example.places[0]) for example in inputs.validation]
    answers = dict(model.answer(Classify(text, LABELS) for text, _ in pairs))
    right = [int(np.argmax(answers[Classify(text, LABELS)].values)) == label for text, label in pairs]
    assert np.mean(right) == made["validation"]["accuracy"]


def test_without_examples_there_is_a_clear_error(base: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no examples"):
        run_stage(finetune_spec(method="linear"), label_inputs(base, train=()), tmp_path / "a", Silent())

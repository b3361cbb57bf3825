"""The best epoch on validation is what a training ends with."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from harness_support.training_samples import LABELS, finetune_spec, label_inputs, run_stage

from harness.core.reporter import Silent
from harness.core.requests import Classify
from harness.models.open_context import OpenContext
from harness.models.open_model import open_model
from harness.training.loop.best_epoch import BestEpoch


def step(best: BestEpoch, number: int, model: Any) -> None:
    best.on_step_end(None, SimpleNamespace(global_step=number), None, model=model)


def scored(values: list[float]) -> Any:
    left = iter(values)
    return lambda model: {"accuracy": next(left), "n": 10}


def test_the_weights_of_the_best_epoch_come_back(tmp_path: Path) -> None:
    model = torch.nn.Linear(1, 1)
    best = BestEpoch(scored([0.5, 0.9, 0.9, 0.7]), epochs=4, steps=8, folder=tmp_path, made_for="x")
    for number in range(1, 9):
        with torch.no_grad():
            model.weight.fill_(float(number))
        step(best, number, model)
    assert best.restore(model) == {"accuracy": 0.9, "n": 10, "epoch": 2}, "the first of equal epochs"
    assert model.weight.item() == 4.0
    assert len(list(tmp_path.glob("*.safetensors"))) == 1


def test_what_was_kept_survives_the_process_and_belongs_to_one_training(tmp_path: Path) -> None:
    model = torch.nn.Linear(1, 1)
    best = BestEpoch(scored([0.8]), epochs=2, steps=4, folder=tmp_path, made_for="x")
    assert best.intact(1)
    assert not best.intact(2), "an epoch has ended and nothing is kept"
    step(best, 2, model)
    again = BestEpoch(scored([0.6]), epochs=2, steps=4, folder=tmp_path, made_for="x")
    assert again.intact(3)
    step(again, 4, model)
    assert again.best is not None
    assert again.best.epoch == 1
    assert BestEpoch(scored([]), epochs=2, steps=4, folder=tmp_path, made_for="y").best is None
    next(tmp_path.glob("*.safetensors")).write_bytes(b"damaged")
    assert BestEpoch(scored([]), epochs=2, steps=4, folder=tmp_path, made_for="x").best is None


@pytest.mark.parametrize("method", ["full", {"lora": {"rank": 2}}])
def test_the_checkpoint_scores_what_its_page_says(method: Any, base: Path, tmp_path: Path) -> None:
    inputs = label_inputs(base)
    made = run_stage(finetune_spec(method=method), inputs, tmp_path / "a", Silent())
    assert 1 <= made["validation"]["epoch"] <= 3
    if method == "full":
        answers = dict(
            open_model(tmp_path / "a", OpenContext(resolve=lambda key: base, responses=None)).answer(
                Classify(example.text, LABELS) for example in inputs.validation
            )
        )
        right = [
            max(range(2), key=lambda place: answers[Classify(example.text, LABELS)].values[place]) == example.places[0]
            for example in inputs.validation
        ]
        assert sum(right) / len(right) == made["validation"]["accuracy"]

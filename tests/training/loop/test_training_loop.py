from contextlib import contextmanager
from pathlib import Path

import torch
from harness_support.training_samples import finetune_spec, label_inputs, run_stage

from harness.core.reporter import Silent
from harness.training.loop.training_loop import Settings, parameter_groups


class _Told(Silent):
    """Collects what a training says."""

    def __init__(self) -> None:
        super().__init__()
        self.units = 0.0
        self.notes: list[str] = []
        self.titles: list[tuple[str, float | None]] = []

    @contextmanager
    def task(self, title, total=None, unit=""):
        self.titles.append((title, total))
        yield self

    def advance(self, units: float = 1) -> None:
        self.units += units

    def note(self, text: str) -> None:
        self.notes.append(text)


def test_progress_tells_the_loss(base: Path, tmp_path: Path) -> None:
    told = _Told()
    made = run_stage(finetune_spec(epochs=1), label_inputs(base), tmp_path / "a", told)
    assert told.titles == [("fine-tuning", made["cost"]["steps"])]
    assert told.units == made["cost"]["steps"]
    assert told.notes[-1].startswith("loss ")


def test_nothing_is_printed(base: Path, tmp_path: Path, capsys) -> None:
    run_stage(finetune_spec(epochs=1), label_inputs(base), tmp_path / "a", Silent())
    assert capsys.readouterr().out == ""


class _Model(torch.nn.ModuleDict):
    def get_input_embeddings(self) -> torch.nn.Module:
        return self["words"]


def test_groups_have_their_own_rates_and_matrices_alone_decay() -> None:
    model = _Model(
        {
            "words": torch.nn.Embedding(4, 2),
            "dense": torch.nn.Linear(2, 2),
            "classifier": torch.nn.Linear(2, 2),
            "frozen": torch.nn.Linear(2, 2).requires_grad_(False),
        }
    )
    settings = Settings(learning_rate=1.0, seed=0, rates={"classifier": 3.0}, embedding_rate=0.5, decay=0.01)
    groups = {(group["lr"], group["weight_decay"]): len(group["params"]) for group in parameter_groups(model, settings)}
    assert groups == {(0.5, 0.0): 1, (1.0, 0.01): 1, (1.0, 0.0): 1, (3.0, 0.01): 1, (3.0, 0.0): 1}


def test_weights_with_the_rate_zero_take_no_part_in_the_step() -> None:
    model = _Model({"words": torch.nn.Embedding(4, 2), "dense": torch.nn.Linear(2, 2)})
    groups = parameter_groups(model, Settings(learning_rate=1.0, seed=0, embedding_rate=0.0))
    moved = {id(weight) for group in groups for weight in group["params"]}
    assert moved == {id(weight) for weight in model["dense"].parameters()}

"""Keeps the weights of the epoch that does best on validation data.

More epochs than a recipe needs then cost time, not quality; and a control that overfits sooner
than the model it is compared with is not made to look worse than it is.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from safetensors.torch import load_file, save
from transformers import TrainerCallback

from harness.core.digests import bytes_digest, file_digest
from harness.storage import atomic

if TYPE_CHECKING:
    from transformers import PreTrainedModel, TrainerControl, TrainerState, TrainingArguments

Score = Callable[["PreTrainedModel"], Mapping[str, float | int] | None]
_PAGE = "best.json"


@dataclass(frozen=True, slots=True)
class _Best:
    """The epoch whose weights are kept.

    Attributes:
        scores: `accuracy` or `loss`, and `n`.
        epoch: its number, from 1.
        made_for: digest of the training.
        file: holds the weights.
        weights: digest of the file.
    """

    scores: Mapping[str, float | int]
    epoch: int
    made_for: str
    file: str
    weights: str

    def page(self) -> str:
        """As best.json holds it."""
        beside = {name: value for name, value in asdict(self).items() if name != "scores"}
        return json.dumps({**self.scores, **beside}, sort_keys=True)


def merit(scores: Mapping[str, float | int]) -> tuple[float, float]:
    """What epochs are compared by, higher is better: accuracy where there is one, then the loss turned round."""
    return scores.get("accuracy", 0.0), -scores.get("loss", 0.0)


class BestEpoch(TrainerCallback):  # type: ignore[misc]  # transformers is untyped here
    """Scores the model at the end of each epoch and keeps the best trainable weights in a folder.

    A training that is killed and goes on scores an epoch again that it had scored already, with
    the same result, so that nothing depends on where it was killed.

    Args:
        score: model → `accuracy` (or `loss`) and `n` on validation data; None when there is none.
        epochs, steps: the whole training's.
        folder: where unfinished work lies.
        made_for: digest of what is trained; another training's best is not used.
    """

    def __init__(self, score: Score, *, epochs: int, steps: int, folder: Path, made_for: str) -> None:
        self._score = score
        self._length = max(1, steps // epochs)
        self._folder = folder
        self._made_for = made_for
        self.best = self._read()

    def intact(self, done: int) -> bool:
        """Whether training may go on after `done` steps: an epoch that ended must have left its best."""
        return done < self._length or self.best is not None

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: PreTrainedModel
    ) -> None:
        if state.global_step % self._length:
            return
        model = kwargs["model"]
        scores = self._score(model)
        model.train()
        if scores is None:
            return
        epoch = state.global_step // self._length
        if self.best is None or (merit(scores), -epoch) > (merit(self.best.scores), -self.best.epoch):
            self._keep(model, scores, epoch)

    def restore(self, model: PreTrainedModel) -> dict[str, float | int] | None:
        """Puts the best epoch's weights back; returns its `accuracy` or `loss`, `n` and `epoch`."""
        if self.best is None:
            return None
        with torch.no_grad():
            kept = load_file(str(self._folder / self.best.file))
            for name, parameter in model.named_parameters():
                if parameter.requires_grad:
                    parameter.copy_(kept[name])
        return {**self.best.scores, "epoch": self.best.epoch}

    def _keep(self, model: PreTrainedModel, scores: Mapping[str, float | int], epoch: int) -> None:
        weights = save(
            {
                name: parameter.detach().cpu().contiguous()
                for name, parameter in model.named_parameters()
                if parameter.requires_grad
            }
        )
        old = self.best
        # The page is written last and names its own file, so that a kill in between loses neither.
        name = f"best-{epoch}.safetensors"
        self.best = _Best(scores, epoch, self._made_for, name, bytes_digest(weights))
        atomic.write_bytes(self._folder / name, weights)
        atomic.write_text(self._folder / _PAGE, self.best.page())
        if old is not None and old.file != name:
            (self._folder / old.file).unlink(missing_ok=True)

    def _read(self) -> _Best | None:
        try:
            page = json.loads((self._folder / _PAGE).read_text("utf-8"))
            scores = {name: page.pop(name) for name in ("accuracy", "loss", "n") if name in page}
            best = _Best(scores, **page)
            whole = best.made_for == self._made_for and best.weights == file_digest(self._folder / best.file)
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return None
        return best if whole else None

"""Regression: a number of a text or a pair, by a head with one row and the mean squared error."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch.nn import functional

from harness.core.errors import DataError
from harness.core.examples import ScoredText
from harness.model_kinds.weight_tuning import FinetuneSettings
from harness.models.local.load_weights import load_tokenizer
from harness.training.learners.labeled_batches import Targets
from harness.training.learners.learner import TrainingJob, mean_loss
from harness.training.learners.sequence_classification_learner import HEADS, batch_planner, head_logits
from harness.training.load_parent import ParentCheckpoint, load_headed
from harness.training.loop.training_loop import Batch
from harness.training.stage_inputs import StageInputs

if TYPE_CHECKING:
    from transformers import PreTrainedModel

SCORE = "score"


def prepare(start: ParentCheckpoint, inputs: StageInputs, chosen: FinetuneSettings) -> TrainingJob:
    """A head with one row around the parent's encoder.

    The loss is in units of the training labels' variance, and the head begins at their mean.

    Raises:
        DataError: when all training labels are one number, or `max_length` leaves no room for text.
        CheckpointError: when the parent cannot be loaded.
    """
    gold = np.array([example.score for example in inputs.train], dtype=np.float64)
    mean, variance = float(gold.mean()), float(gold.var())
    if variance <= 0:
        raise DataError(
            f"every training example has the number {mean:g}; a regression needs different ones.",
            hint="check the `score` column, or use more rows.",
        )
    tokenizer = load_tokenizer(start.folder)
    model = load_headed(
        start, "AutoModelForSequenceClassification", labels=(SCORE,), seed=inputs.seed, problem="regression"
    )
    _begin_at(model, mean)

    def targets(part: Sequence[ScoredText]) -> Targets:
        return np.array([[example.score] for example in part], dtype=np.float32)

    plan = batch_planner(model, tokenizer, chosen, inputs.seed, targets)

    def loss(network: PreTrainedModel, batch: Batch) -> torch.Tensor:
        squares: torch.Tensor = (head_logits(network, batch).logits - batch["classes"])[:, 0] ** 2 / variance
        # Weights are one on average over all rows, so the mean is taken of rows, not of weights.
        return (squares * batch["weights"]).mean() if "weights" in batch else squares.mean()

    def summed(network: PreTrainedModel, batch: Batch) -> tuple[torch.Tensor, int]:
        given = head_logits(network, batch).logits
        return functional.mse_loss(given, batch["classes"], reduction="sum") / variance, len(given)

    return TrainingJob(
        model,
        tokenizer,
        plan(inputs.train, chosen.epochs, word_dropout=chosen.word_dropout, weights=inputs.weights),
        loss,
        mean_loss(plan(inputs.validation, 1), summed) if inputs.validation else None,
        "SEQ_CLS",
        heads=HEADS,
        keeps_language_model=start.weights == "pretrained",
        rates=dict.fromkeys(("pooler", "classifier", "score"), chosen.head_lr_multiplier),
    )


def _begin_at(model: PreTrainedModel, mean: float) -> None:
    """Sets the bias of the head's last layer, where it has one."""
    last = [module for module in model.modules() if isinstance(module, torch.nn.Linear)][-1]
    if last.out_features == 1 and last.bias is not None:
        with torch.no_grad():
            last.bias.fill_(mean)

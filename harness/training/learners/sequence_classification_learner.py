"""Sequence classification: one label of several, or several independent ones, of a text or a pair."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeVar

import torch
from torch.nn import functional

from harness.core.examples import LabeledText
from harness.model_kinds.weight_tuning import FinetuneSettings
from harness.models.encoding.embeddings import embedding_rows, padding_id
from harness.models.encoding.row_encoder import TYPES, TextOrPair, reads_types, tokenized
from harness.models.encoding.text_encoder import text_encoder
from harness.models.local.load_weights import load_tokenizer
from harness.training.learners.labeled_batches import LabeledBatches, LabeledRows, Targets, classes
from harness.training.learners.learner import TrainingJob, hits, mean_loss
from harness.training.load_parent import ParentCheckpoint, load_headed, load_language_head, longest
from harness.training.loop.training_loop import Batch, LossFunction
from harness.training.objectives.token_masking import MaskVocabulary
from harness.training.stage_inputs import StageInputs

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerFast
    from transformers.utils import ModelOutput

HEADS = ("pooler", "pre_classifier", "classifier", "score")

ExampleT = TypeVar("ExampleT", bound=TextOrPair)


def prepare(start: ParentCheckpoint, inputs: StageInputs, chosen: FinetuneSettings) -> TrainingJob:
    """A sequence classifier around the parent's encoder.

    Raises:
        DataError: when `max_length` leaves no room for text.
        CheckpointError: when the parent cannot be loaded.
    """
    tokenizer = load_tokenizer(start.folder)
    independent = bool(inputs.train and inputs.train[0].independent)
    model = load_headed(
        start,
        "AutoModelForSequenceClassification",
        labels=inputs.labels,
        seed=inputs.seed,
        problem="multi_label_classification" if independent else "single_label_classification",
    )

    def targets(part: Sequence[LabeledText]) -> Targets:
        return classes([example.places for example in part], len(inputs.labels) if independent else None)

    plan = batch_planner(model, tokenizer, chosen, inputs.seed, targets)
    memory = (
        load_language_head(start.folder, model) if chosen.mlm_loss_weight and start.weights == "pretrained" else None
    )
    loss = classification_loss(chosen, memory, independent=independent)
    score = None
    if inputs.validation:
        held = plan(inputs.validation, 1)
        score = mean_loss(held, _summed_loss) if independent else hits(held, _right)
    return TrainingJob(
        model,
        tokenizer,
        plan(
            inputs.train,
            chosen.epochs,
            word_dropout=chosen.word_dropout,
            memory=memory is not None,
            weights=inputs.weights,
        ),
        loss,
        score,
        "SEQ_CLS",
        heads=HEADS,
        keeps_language_model=start.weights == "pretrained",
        rates=dict.fromkeys(("pooler", "classifier", "score"), chosen.head_lr_multiplier),
    )


def batch_planner(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerFast,
    chosen: FinetuneSettings,
    seed: int,
    targets: Callable[[Sequence[ExampleT]], Targets],
) -> Callable[..., LabeledBatches]:
    """What makes the batches of some examples for a head on whole texts: `plan(examples, epochs, **options)`.

    Sets the model's padding where it has none.

    Args:
        targets: examples → what the loss reads of them (`LabeledBatches`).
    """
    if model.config.pad_token_id is None:
        # A causal classifier reads the last token that is no padding.
        model.config.pad_token_id = classifier_padding(model, tokenizer)
    typed = text_encoder(tokenizer).typed and reads_types(model)
    limit = longest(model, tokenizer, chosen.max_length)
    tokens = None
    if tokenizer.mask_token_id is not None:
        size = min(len(tokenizer), embedding_rows(model))
        tokens = MaskVocabulary(int(tokenizer.mask_token_id), size, tuple(sorted(tokenizer.all_special_ids)))

    def plan(
        part: Sequence[ExampleT],
        epochs: int,
        *,
        weights: Sequence[float] = (),
        word_dropout: float = 0.0,
        memory: bool = False,
    ) -> LabeledBatches:
        rows = LabeledRows(
            tokenized(tokenizer, part, limit), targets(part), int(model.config.pad_token_id), weights, typed
        )
        return LabeledBatches(
            rows, tokens, size=chosen.batch_size, epochs=epochs, seed=seed, word_dropout=word_dropout, memory=memory
        )

    return plan


def classifier_padding(model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast) -> int:
    """The tokenizer's padding where the embedding has it, else the end of a text: what texts do not end with."""
    if tokenizer.pad_token_id is None and tokenizer.eos_token_id is not None:
        return int(tokenizer.eos_token_id)
    return padding_id(model, tokenizer)


def head_logits(model: PreTrainedModel, batch: Batch, **options: object) -> ModelOutput:
    """What a model with a head for whole texts gives for a batch."""
    named = ("input_ids", "attention_mask", TYPES)
    return model(**{name: batch[name] for name in named if name in batch}, **options)


def _right(model: PreTrainedModel, batch: Batch) -> tuple[int, int]:
    predicted = head_logits(model, batch).logits.argmax(dim=-1)
    return int((predicted == batch["classes"]).sum()), len(predicted)


def _summed_loss(model: PreTrainedModel, batch: Batch) -> tuple[torch.Tensor, int]:
    logits = head_logits(model, batch).logits
    total = functional.binary_cross_entropy_with_logits(logits, batch["classes"], reduction="sum")
    return total, logits.numel()


def classification_loss(
    chosen: FinetuneSettings, memory: PreTrainedModel | None, *, independent: bool = False
) -> LossFunction:
    """Cross-entropy of the labels; with `mlm_loss_weight`, plus its weight times that of masked tokens.

    Args:
        memory: the language model that shares the classifier's encoder, or None.
        independent: whether each label is a yes/no question (mean binary cross-entropy).
    """

    def loss(model: PreTrainedModel, batch: Batch) -> torch.Tensor:
        answer = head_logits(model, batch, output_hidden_states=memory is not None)
        if independent:
            total = functional.binary_cross_entropy_with_logits(answer.logits, batch["classes"])
        else:
            smoothing = chosen.label_smoothing
            reduction = "none" if "weights" in batch else "mean"
            total = functional.cross_entropy(
                answer.logits, batch["classes"], label_smoothing=smoothing, reduction=reduction
            )
            if "weights" in batch:
                # Weights are one on average over all rows, so the mean is taken of rows, not of weights.
                total = (total * batch["weights"]).mean()
        if memory is not None:
            hidden = answer.hidden_states[-1][batch["masked"]]
            total = total + chosen.mlm_loss_weight * functional.cross_entropy(
                memory.cls.predictions(hidden), batch["targets"]
            )
        return total

    return loss

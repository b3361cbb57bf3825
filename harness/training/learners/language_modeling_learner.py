"""Whole texts: the parent's own pretraining objective on the task's texts (domain adaptation, stories, code)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from harness.core.examples import PlainText
from harness.model_kinds.pretrain_kind import Budget, PretrainSpec, pretraining_settings
from harness.model_kinds.weight_tuning import FinetuneSettings
from harness.models.encoding.text_encoder import text_encoder
from harness.models.local.load_weights import load_tokenizer
from harness.training.learners.learner import TrainingJob, TrainingPlan, mean_loss
from harness.training.load_parent import ParentCheckpoint, load_headed, longest
from harness.training.loop.training_loop import Batch
from harness.training.objectives.corpus import Corpus
from harness.training.objectives.objective import Pretraining, objective
from harness.training.stage_inputs import StageInputs

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel

_OBJECTIVES = {"masked": "mlm", "causal": "causal", "seq2seq": "span_corruption"}
_CLASSES = {
    "masked": "AutoModelForMaskedLM",
    "causal": "AutoModelForCausalLM",
    "seq2seq": "AutoModelForSeq2SeqLM",
}
_TASKS = {"masked": "FEATURE_EXTRACTION", "causal": "CAUSAL_LM", "seq2seq": "SEQ_2_SEQ_LM"}


def prepare(start: ParentCheckpoint, inputs: StageInputs, chosen: FinetuneSettings) -> TrainingJob:
    """The parent's language model on packed rows of the texts, a pass over all of them an epoch.

    Raises:
        CheckpointError: when the parent cannot be loaded.
    """
    tokenizer = load_tokenizer(start.folder)
    model = load_headed(start, _CLASSES[start.family], labels=(), seed=inputs.seed)
    name = _OBJECTIVES[start.family]
    goal = objective(name)
    spec = PretrainSpec.model_validate(
        {
            "from": "base",
            "objective": name,
            "data": ["texts"],
            "budget": Budget(steps=1),
            "sequence_length": longest(model, tokenizer, chosen.max_length),
            "batch_size": chosen.batch_size,
        }
    )
    settings = pretraining_settings(spec, None)

    def plan(part: Sequence[PlainText], passes: int) -> TrainingPlan:
        documents = text_encoder(tokenizer).plain([example.text for example in part])
        corpus = Corpus({"texts": documents}, len(tokenizer))
        rows = max(1, sum(len(document) + 1 for document in documents) // settings.sequence_length)
        whole = math.ceil(rows / settings.batch_size) * settings.batch_size if passes > 1 else rows
        return goal.plan(Pretraining(tokenizer, corpus, spec, settings, inputs.seed), model, rows=whole * passes)

    def weighed(model: PreTrainedModel, batch: Batch) -> tuple[torch.Tensor, int]:
        # Rows are full and of one length: each batch counts by its rows.
        count = len(batch["input_ids"])
        return goal.loss(model, batch) * count, count

    return TrainingJob(
        model,
        tokenizer,
        plan(inputs.train, chosen.epochs),
        goal.loss,
        mean_loss(plan(inputs.validation, 1), weighed) if inputs.validation else None,
        _TASKS[start.family],
    )

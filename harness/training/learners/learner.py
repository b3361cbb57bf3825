"""How each type of example is learned: one file for each kind of head or target.

A learner turns a parent checkpoint and examples into a `TrainingJob`: model, planned batches, loss and
validation score. Which weights are trained (all, an adapter, the head alone) is no matter of
theirs (methods.py).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING, Protocol

import torch

from harness.core.errors import SuiteError
from harness.model_kinds.flop_shapes import Shape
from harness.model_kinds.weight_tuning import FinetuneSettings
from harness.training.load_parent import ParentCheckpoint
from harness.training.loop.best_epoch import Score
from harness.training.loop.training_loop import Batch, LossFunction
from harness.training.stage_inputs import StageInputs

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerFast


class TrainingPlan(Protocol):
    """Batches of a fine-tuning."""

    def __len__(self) -> int: ...

    def __getitem__(self, place: int) -> Batch: ...

    def tokens(self, place: int) -> int: ...

    def operations(self, shape: Shape) -> float: ...


@dataclass(slots=True)
class TrainingJob:
    """What is trained, before a method decides on which weights.

    Attributes:
        heads: names of modules that are new and trained whole by every method.
        adapter_task: peft's task type.
        score: of the validation examples; None without any.
        keeps_language_model: whether the parent's language-model head is saved beside the new one.
        rates: part of a weight's name → multiple of the learning rate.
        facts: further content of the checkpoint's metadata.
    """

    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerFast
    plan: TrainingPlan
    loss: LossFunction
    score: Score | None
    adapter_task: str
    heads: tuple[str, ...] = ()
    keeps_language_model: bool = False
    rates: Mapping[str, float] = field(default_factory=dict)
    facts: Mapping[str, object] = field(default_factory=dict)


Learner = Callable[[ParentCheckpoint, StageInputs, FinetuneSettings], TrainingJob]

_MODULES = {
    "labeled_text": "sequence_classification_learner",
    "scored_text": "regression_learner",
    "tagged_words": "token_classification_learner",
    "answer_span": "span_learner",
    "prompt_target": "prompted_generation_learner",
    "preference_pair": "prompted_generation_learner",
    "plain_text": "language_modeling_learner",
}
_FAMILIES = {
    "prompt_target": ("causal", "seq2seq"),
    "preference_pair": ("causal", "seq2seq"),
    "plain_text": ("causal", "masked", "seq2seq"),
    "tagged_words": ("masked", "causal", "seq2seq"),
    "answer_span": ("masked", "causal", "seq2seq"),
    "labeled_text": ("masked", "causal", "seq2seq"),
    "scored_text": ("masked", "causal", "seq2seq"),
}
_NEEDS = {
    "prompt_target": "a generative model (causal or sequence-to-sequence)",
    "preference_pair": "a generative model (causal or sequence-to-sequence)",
    "plain_text": "a language model",
    "tagged_words": "an encoder, a causal or a sequence-to-sequence model",
    "answer_span": "an encoder, a causal or a sequence-to-sequence model",
    "labeled_text": "an encoder, a causal or a sequence-to-sequence model",
    "scored_text": "an encoder, a causal or a sequence-to-sequence model",
}


def learner(kind: str, family: str) -> Learner:
    """The learner of an example type, for a family of models.

    Raises:
        SuiteError: when no such model learns from such examples.
    """
    if kind not in _MODULES:
        raise SuiteError(
            f"fine-tuning does not support examples of type {kind}.",
            hint="choose a different task.",
        )
    if family not in _FAMILIES[kind]:
        raise SuiteError(
            f"the task's examples ({kind}) need {_NEEDS[kind]}; the parent model is {family}.",
            hint="choose a different parent model or task.",
        )
    made: Learner = import_module(f"harness.training.learners.{_MODULES[kind]}").prepare
    return made


def mean_loss(plan: TrainingPlan, loss: Callable[[PreTrainedModel, Batch], tuple[torch.Tensor, int]]) -> Score:
    """A score of validation batches: the mean `loss` over `n` predicted tokens.

    Args:
        loss: (model, batch) → summed loss and how many it is the sum of.
    """

    def score(model: PreTrainedModel) -> dict[str, float | int] | None:
        device = next(model.parameters()).device
        total, count = 0.0, 0
        model.eval()
        with torch.inference_mode():
            for place in range(len(plan)):
                value, n = loss(model, {name: tensor.to(device) for name, tensor in plan[place].items()})
                total, count = total + float(value), count + n
        return {"loss": total / count, "n": count} if count else None

    return score


def hits(plan: TrainingPlan, count: Callable[[PreTrainedModel, Batch], tuple[int, int]]) -> Score:
    """A score of validation batches: `accuracy`, the share of right ones among `n`.

    Args:
        count: (model, batch) → how many are right, of how many.
    """

    def score(model: PreTrainedModel) -> dict[str, float | int] | None:
        device = next(model.parameters()).device
        right, whole = 0, 0
        model.eval()
        with torch.inference_mode():
            for place in range(len(plan)):
                correct, n = count(model, {name: tensor.to(device) for name, tensor in plan[place].items()})
                right, whole = right + correct, whole + n
        return {"accuracy": right / whole, "n": whole} if whole else None

    return score

"""What a pretraining predicts: one file for each objective, all with the same few members."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Protocol

import torch

from harness.core.reporter import Reporter
from harness.model_kinds.flop_shapes import Shape
from harness.model_kinds.pretrain_kind import PretrainSettings, PretrainSpec
from harness.training.loop.training_loop import Batch
from harness.training.objectives.corpus import Corpus

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerFast


class PretrainingPlan(Protocol):
    """Batches of a pretraining; `tokens` counts what is read without padding."""

    def __len__(self) -> int: ...

    def __getitem__(self, place: int) -> Batch: ...

    def tokens(self, place: int) -> int: ...

    def operations(self, shape: Shape) -> float: ...


class Objective(Protocol):
    """How one objective makes its tokenizer, model, batches and loss."""

    def train_tokenizer(self, texts: Any, spec: PretrainSpec, max_length: int) -> PreTrainedTokenizerFast:
        """A tokenizer from (text, weight) pairs."""
        ...

    def check_tokenizer(self, tokenizer: PreTrainedTokenizerFast) -> str | None:
        """What a given tokenizer lacks, in words; None when it will do."""
        ...

    def fresh(
        self,
        sizes: dict[str, Any],
        tokenizer: PreTrainedTokenizerFast,
        corpus: Corpus,
        spec: PretrainSpec,
        chosen: PretrainSettings,
        seed: int,
        reporter: Reporter,
    ) -> Any:
        """A model before its first step."""
        ...

    def auto_class(self) -> Any:
        """The transformers class that loads a checkpoint to go on from."""
        ...

    def settle(self, model: PreTrainedModel, missing: list[str], corpus: Corpus) -> None:
        """Starts heads that the loaded checkpoint did not hold."""
        ...

    def plan(
        self,
        corpus: Corpus,
        tokenizer: PreTrainedTokenizerFast,
        model: PreTrainedModel,
        spec: PretrainSpec,
        chosen: PretrainSettings,
        *,
        rows: int,
        seed: int,
    ) -> PretrainingPlan:
        """Batches of `rows` rows."""
        ...

    def loss(self, model: PreTrainedModel, batch: Batch) -> torch.Tensor:
        """The mean loss of a batch, nats a predicted token."""
        ...

    def facts(self, model: PreTrainedModel, plan: Any) -> dict[str, Any]:
        """What is measured on held-out text after training; empty where nothing is."""
        ...


_MODULES = {
    "mlm": "masked_objective",
    "mlm_nsp": "next_sentence_objective",
    "causal": "causal_objective",
    "span_corruption": "span_corruption_objective",
}


def objective(name: str) -> Objective:
    """The objective of this name."""
    module = import_module(f"harness.training.objectives.{_MODULES[name]}")
    made: Objective = module.OBJECTIVE
    return made

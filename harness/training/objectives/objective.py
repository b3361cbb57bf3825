"""What a pretraining predicts: one file for each objective, all with the same few members."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any, Protocol

import torch

from harness.core.reporter import Reporter
from harness.model_kinds.flop_shapes import Shape
from harness.model_kinds.pretrain_kind import PretrainSettings, PretrainSpec
from harness.models.local.load_weights import auto_class
from harness.training.loop.training_loop import Batch
from harness.training.objectives.corpus import Corpus

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerFast


WeightedTexts = Iterable[tuple[str, int]]
Sizes = Mapping[str, Any]
"""Settings of a configuration, `model_type` among them."""


class PretrainingPlan(Protocol):
    """Batches of a pretraining; `tokens` counts what is read without padding."""

    def __len__(self) -> int: ...

    def __getitem__(self, place: int) -> Batch: ...

    def tokens(self, place: int) -> int: ...

    def operations(self, shape: Shape) -> float: ...


@dataclass(frozen=True, slots=True)
class Pretraining:
    """What is learned, and from what: the start of a model and its batches both follow from it."""

    tokenizer: PreTrainedTokenizerFast
    corpus: Corpus
    spec: PretrainSpec
    chosen: PretrainSettings
    seed: int


class Objective(Protocol):
    """How one objective makes its tokenizer, model, batches and loss.

    Attributes:
        auto_class: name of the transformers class of its models.
    """

    auto_class: str

    def train_tokenizer(self, texts: WeightedTexts, spec: PretrainSpec, max_length: int) -> PreTrainedTokenizerFast:
        """A tokenizer from (text, weight) pairs."""
        ...

    def check_tokenizer(self, tokenizer: PreTrainedTokenizerFast) -> str | None:
        """What a given tokenizer lacks, in words; None when it will do."""
        ...

    def fresh(self, work: Pretraining, sizes: Sizes, reporter: Reporter) -> PreTrainedModel:
        """A model before its first step."""
        ...

    def settle(self, model: PreTrainedModel, missing: list[str], corpus: Corpus) -> None:
        """Starts heads that the loaded checkpoint did not hold."""
        ...

    def plan(self, work: Pretraining, model: PreTrainedModel, *, rows: int) -> PretrainingPlan:
        """Batches of `rows` rows."""
        ...

    def loss(self, model: PreTrainedModel, batch: Batch) -> torch.Tensor:
        """The mean loss of a batch, nats a predicted token."""
        ...

    def facts(self, model: PreTrainedModel, plan: PretrainingPlan) -> dict[str, object]:
        """What is measured on held-out text after training; empty where nothing is."""
        ...


def untrained(kind: str, sizes: Sizes, seed: int, **more: object) -> PreTrainedModel:
    """A model of these sizes with random weights.

    Args:
        kind: name of its Auto class.
        more: further settings of its configuration.
    """
    from transformers import AutoConfig

    settings = {name: value for name, value in sizes.items() if name != "model_type"}
    torch.manual_seed(seed)
    config = AutoConfig.for_model(sizes["model_type"], **{**settings, **more})
    return auto_class(kind).from_config(config, trust_remote_code=False)


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

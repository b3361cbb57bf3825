"""Causal language modeling: every token from those before it, on packed rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch.nn import functional

from harness.core.reporter import Reporter
from harness.model_kinds.flop_shapes import Shape
from harness.model_kinds.pretrain_kind import PretrainSpec
from harness.training.loop.training_loop import Batch
from harness.training.objectives.bpe_tokenizer import train_causal_tokenizer
from harness.training.objectives.corpus import Corpus, plan_rows
from harness.training.objectives.fixed_rows import Rows
from harness.training.objectives.objective import Pretraining, PretrainingPlan, Sizes, WeightedTexts, untrained

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerFast


class CausalRows(Rows):
    """Packed rows whose every token but the first is predicted."""

    def __getitem__(self, place: int) -> Batch:
        return {"input_ids": torch.from_numpy(self.batch(place))}

    def operations(self, shape: Shape) -> float:
        tokens, length = self.rows.size, self.rows.shape[1]
        return shape.stack(shape.layers, tokens, length) + shape.head(tokens)


def causal_loss(model: PreTrainedModel, batch: Batch) -> torch.Tensor:
    """Mean negative log-likelihood (nats) of each row's tokens after the first."""
    ids = batch["input_ids"]
    logits = model(input_ids=ids, use_cache=False).logits
    return functional.cross_entropy(logits[:, :-1].reshape(-1, logits.shape[-1]), ids[:, 1:].reshape(-1))


class Causal:
    """GPT-2- and Llama-shaped models, and any other that transformers loads for causal modeling."""

    auto_class = "AutoModelForCausalLM"

    def train_tokenizer(self, texts: WeightedTexts, spec: PretrainSpec, max_length: int) -> PreTrainedTokenizerFast:
        return train_causal_tokenizer(texts, vocabulary=spec.tokenizer.vocabulary, max_length=max_length)

    def check_tokenizer(self, tokenizer: PreTrainedTokenizerFast) -> str | None:
        return None if tokenizer.eos_token_id is not None else "an end-of-text token"

    def fresh(self, work: Pretraining, sizes: Sizes, reporter: Reporter) -> PreTrainedModel:
        tokenizer = work.tokenizer
        return untrained(
            self.auto_class,
            sizes,
            work.seed,
            vocab_size=len(tokenizer),
            pad_token_id=tokenizer.pad_token_id,
            bos_token_id=tokenizer.bos_token_id,
            eos_token_id=tokenizer.eos_token_id,
        )

    def settle(self, model: PreTrainedModel, missing: list[str], corpus: Corpus) -> None:
        """A causal model without its head is no language model; loading has refused it."""

    def plan(self, work: Pretraining, model: PreTrainedModel, *, rows: int) -> CausalRows:
        tokenizer = work.tokenizer
        end = int(tokenizer.eos_token_id)
        begin = end if tokenizer.bos_token_id is None else int(tokenizer.bos_token_id)
        planned = plan_rows(
            work.corpus,
            work.spec.weights,
            rows=rows,
            length=work.chosen.sequence_length,
            around=(),
            between=(end,) if begin == end else (end, begin),
            seed=work.seed,
        )
        return CausalRows(planned, work.chosen.batch_size, work.seed)

    def loss(self, model: PreTrainedModel, batch: Batch) -> torch.Tensor:
        return causal_loss(model, batch)

    def facts(self, model: PreTrainedModel, plan: PretrainingPlan) -> dict[str, object]:
        return {}


OBJECTIVE = Causal()

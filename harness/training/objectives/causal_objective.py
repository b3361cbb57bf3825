"""Causal language modeling: every token from those before it, on packed rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch.nn import functional

from harness.core.reporter import Reporter
from harness.model_kinds.flop_shapes import Shape
from harness.model_kinds.pretrain_kind import PretrainSettings, PretrainSpec
from harness.training.loop.training_loop import Batch
from harness.training.objectives.bpe_tokenizer import train_causal_tokenizer
from harness.training.objectives.corpus import Corpus, plan_rows
from harness.training.objectives.fixed_rows import Rows

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

    def train_tokenizer(self, texts: Any, spec: PretrainSpec, max_length: int) -> PreTrainedTokenizerFast:
        return train_causal_tokenizer(texts, vocabulary=spec.tokenizer.vocabulary, max_length=max_length)

    def check_tokenizer(self, tokenizer: PreTrainedTokenizerFast) -> str | None:
        return None if tokenizer.eos_token_id is not None else "an end-of-text token"

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
        from transformers import AutoConfig, AutoModelForCausalLM

        settings = {key: value for key, value in sizes.items() if key != "model_type"}
        settings.update(
            vocab_size=len(tokenizer),
            pad_token_id=tokenizer.pad_token_id,
            bos_token_id=tokenizer.bos_token_id,
            eos_token_id=tokenizer.eos_token_id,
        )
        config = AutoConfig.for_model(sizes["model_type"], **settings)
        torch.manual_seed(seed)
        return AutoModelForCausalLM.from_config(config, trust_remote_code=False)

    def auto_class(self) -> Any:
        from transformers import AutoModelForCausalLM

        return AutoModelForCausalLM

    def settle(self, model: PreTrainedModel, missing: list[str], corpus: Corpus) -> None:
        """A causal model without its head is no language model; loading has refused it."""

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
    ) -> CausalRows:
        end = int(tokenizer.eos_token_id)
        begin = end if tokenizer.bos_token_id is None else int(tokenizer.bos_token_id)
        planned = plan_rows(
            corpus,
            spec.weights,
            rows=rows,
            length=chosen.sequence_length,
            around=(),
            between=(end,) if begin == end else (end, begin),
            seed=seed,
        )
        return CausalRows(planned, chosen.batch_size, seed)

    def loss(self, model: PreTrainedModel, batch: Batch) -> torch.Tensor:
        return causal_loss(model, batch)

    def facts(self, model: PreTrainedModel, plan: Any) -> dict[str, Any]:
        return {}


OBJECTIVE = Causal()

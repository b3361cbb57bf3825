"""Masked language modeling (Devlin et al. 2019) on rows without padding."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch.nn import functional

from harness.core.reporter import Reporter
from harness.model_kinds.flop_shapes import Shape
from harness.model_kinds.pretrain_kind import PretrainSpec
from harness.models.network_settings import submodule
from harness.training.loop.training_loop import Batch
from harness.training.objectives.corpus import Corpus, IntArray, plan_rows
from harness.training.objectives.fixed_rows import Rows
from harness.training.objectives.initialization import fresh_head, informed_start, word_size
from harness.training.objectives.objective import Pretraining, PretrainingPlan, Sizes, WeightedTexts, untrained
from harness.training.objectives.ppmi_embeddings import word_vectors
from harness.training.objectives.token_masking import MaskVocabulary, mask_tokens
from harness.training.objectives.wordpiece_tokenizer import train_tokenizer

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerFast


class MaskedRows(Rows):
    """Rows masked by (seed, batch)."""

    def __init__(
        self, rows: IntArray, *, size: int, rate: float, tokenizer: PreTrainedTokenizerFast, seed: int
    ) -> None:
        super().__init__(rows, size, seed)
        self._rate = rate
        self._tokens = MaskVocabulary.of(tokenizer)

    def __getitem__(self, place: int) -> Batch:
        masked = mask_tokens(
            self.batch(place),
            self._tokens,
            rate=self._rate,
            key=(self.seed, place),
        )
        return {
            "input_ids": torch.from_numpy(masked.ids),
            "masked": torch.from_numpy(masked.where),
            "targets": torch.from_numpy(masked.targets),
        }

    def operations(self, shape: Shape) -> float:
        tokens, length = self.rows.size, self.rows.shape[1]
        return shape.stack(shape.layers, tokens, length) + shape.head(tokens * self._rate)


def masked_logits(model: PreTrainedModel, where: torch.Tensor, **inputs: torch.Tensor) -> torch.Tensor:
    """[n, V] logits at the places of `where`; the head sees those places only, where it can be told apart."""
    whole = model.get_base_model() if hasattr(model, "get_base_model") else model
    head = submodule(whole, "cls.predictions") or submodule(whole, "lm_head")
    if head is None:
        logits: torch.Tensor = model(**inputs).logits[where]
        return logits
    picked: torch.Tensor = head(whole.base_model(**inputs).last_hidden_state[where])
    return picked


def masked_loss(model: PreTrainedModel, batch: Batch) -> torch.Tensor:
    """Mean negative log-likelihood (nats) of the masked tokens."""
    inputs = {name: batch[name] for name in ("input_ids", "attention_mask") if name in batch}
    return functional.cross_entropy(masked_logits(model, batch["masked"], **inputs), batch["targets"])


class MaskedModeling:
    """BERT-shaped models; going on from one without a head gives it one."""

    auto_class = "AutoModelForMaskedLM"

    def train_tokenizer(self, texts: WeightedTexts, spec: PretrainSpec, max_length: int) -> PreTrainedTokenizerFast:
        return train_tokenizer(
            texts,
            vocabulary=spec.tokenizer.vocabulary,
            lowercase=spec.tokenizer.lowercase is not False,
            max_length=max_length,
        )

    def check_tokenizer(self, tokenizer: PreTrainedTokenizerFast) -> str | None:
        needed = {"mask": tokenizer.mask_token_id, "start": tokenizer.cls_token_id, "end": tokenizer.sep_token_id}
        lacking = [name for name, token in needed.items() if token is None]
        return f"tokens for {', '.join(lacking)}" if lacking else None

    def fresh(self, work: Pretraining, sizes: Sizes, reporter: Reporter) -> PreTrainedModel:
        """With the informed start unless the suite wants none."""
        tokenizer, corpus, spec = work.tokenizer, work.corpus, work.spec
        model = untrained(
            self.auto_class,
            sizes,
            work.seed,
            vocab_size=len(tokenizer),
            pad_token_id=tokenizer.pad_token_id,
            max_position_embeddings=max(work.chosen.sequence_length, sizes.get("max_position_embeddings", 0)),
        )
        if sizes["model_type"] == "bert" and spec.embeddings != "random":
            reporter.info("counting word vectors")
            vectors = word_vectors(
                [(documents, spec.weights.get(name, 1.0)) for name, documents in corpus.documents.items()],
                corpus.vocabulary,
                word_size(sizes["hidden_size"], sizes["num_attention_heads"]),
                window=spec.window,
                seed=work.seed,
            )
            informed_start(model, vectors, corpus.frequencies(), seed=work.seed)
        return model

    def settle(self, model: PreTrainedModel, missing: list[str], corpus: Corpus) -> None:
        if missing:
            fresh_head(model, corpus.frequencies())

    def plan(self, work: Pretraining, model: PreTrainedModel, *, rows: int) -> PretrainingPlan:
        tokenizer, chosen = work.tokenizer, work.chosen
        planned = plan_rows(
            work.corpus,
            work.spec.weights,
            rows=rows,
            length=chosen.sequence_length,
            around=(int(tokenizer.cls_token_id), int(tokenizer.sep_token_id)),
            between=(int(tokenizer.sep_token_id),),
            seed=work.seed,
        )
        return MaskedRows(
            planned, size=chosen.batch_size, rate=chosen.mlm_probability, tokenizer=tokenizer, seed=work.seed
        )

    def loss(self, model: PreTrainedModel, batch: Batch) -> torch.Tensor:
        return masked_loss(model, batch)

    def facts(self, model: PreTrainedModel, plan: PretrainingPlan) -> dict[str, object]:
        return {}


OBJECTIVE = MaskedModeling()

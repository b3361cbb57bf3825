"""Masked language modeling (Devlin et al. 2019) on rows without padding."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch.nn import functional

from harness.core.reporter import Reporter
from harness.model_kinds.flop_shapes import Shape
from harness.model_kinds.pretrain_kind import PretrainSettings, PretrainSpec
from harness.models.encoding.text_encoder import text_encoder
from harness.models.network_settings import submodule
from harness.training.loop.training_loop import Batch
from harness.training.objectives.corpus import Corpus, IntArray, plan_rows
from harness.training.objectives.fixed_rows import Rows
from harness.training.objectives.initialization import fresh_head, informed_start, word_size
from harness.training.objectives.objective import PretrainingPlan
from harness.training.objectives.ppmi_embeddings import word_vectors
from harness.training.objectives.token_masking import mask_tokens
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
        self._mask = int(tokenizer.mask_token_id)
        self._vocabulary = text_encoder(tokenizer).highest_id + 1
        self._special = sorted(tokenizer.all_special_ids)

    def __getitem__(self, place: int) -> Batch:
        masked = mask_tokens(
            self.batch(place),
            rate=self._rate,
            mask_id=self._mask,
            vocabulary=self._vocabulary,
            special=self._special,
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


def bert_from_scratch(
    kind: Any,
    sizes: dict[str, Any],
    tokenizer: PreTrainedTokenizerFast,
    corpus: Corpus,
    spec: PretrainSpec,
    chosen: PretrainSettings,
    seed: int,
    reporter: Reporter,
) -> Any:
    """A BERT of transformers' class `kind`, with the informed start unless the suite wants none."""
    from transformers import AutoConfig

    settings = {key: value for key, value in sizes.items() if key != "model_type"}
    positions = max(chosen.sequence_length, int(sizes.get("max_position_embeddings", 0)))
    settings.update(vocab_size=len(tokenizer), pad_token_id=tokenizer.pad_token_id, max_position_embeddings=positions)
    torch.manual_seed(seed)
    model = kind.from_config(AutoConfig.for_model(sizes["model_type"], **settings), trust_remote_code=False)
    if sizes["model_type"] == "bert" and spec.embeddings != "random":
        reporter.info("counting word vectors")
        vectors = word_vectors(
            [(documents, spec.weights.get(name, 1.0)) for name, documents in corpus.documents.items()],
            corpus.vocabulary,
            word_size(int(sizes["hidden_size"]), int(sizes["num_attention_heads"])),
            window=spec.window,
            seed=seed,
        )
        informed_start(model, vectors, corpus.frequencies(), seed=seed)
    return model


class MaskedModeling:
    """BERT-shaped models; going on from one without a head gives it one."""

    def train_tokenizer(self, texts: Any, spec: PretrainSpec, max_length: int) -> PreTrainedTokenizerFast:
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
        return bert_from_scratch(self.auto_class(), sizes, tokenizer, corpus, spec, chosen, seed, reporter)

    def auto_class(self) -> Any:
        from transformers import AutoModelForMaskedLM

        return AutoModelForMaskedLM

    def settle(self, model: PreTrainedModel, missing: list[str], corpus: Corpus) -> None:
        if missing:
            fresh_head(model, corpus.frequencies())

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
        planned = plan_rows(
            corpus,
            spec.weights,
            rows=rows,
            length=chosen.sequence_length,
            around=(int(tokenizer.cls_token_id), int(tokenizer.sep_token_id)),
            between=(int(tokenizer.sep_token_id),),
            seed=seed,
        )
        return MaskedRows(planned, size=chosen.batch_size, rate=chosen.mlm_probability, tokenizer=tokenizer, seed=seed)

    def loss(self, model: PreTrainedModel, batch: Batch) -> torch.Tensor:
        return masked_loss(model, batch)

    def facts(self, model: PreTrainedModel, plan: Any) -> dict[str, Any]:
        return {}


OBJECTIVE = MaskedModeling()

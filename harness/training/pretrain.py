"""Pretraining by masked language modelling (Devlin et al. 2019) on rows without padding."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.nn import functional

from harness.core.reporter import Reporter
from harness.core.specs import PretrainSpec
from harness.models.encoding import TextEncoder
from harness.training import cost
from harness.training.checkpoints import write_page
from harness.training.corpus import Corpus, IntArray, plan_rows
from harness.training.embeddings import word_vectors
from harness.training.inputs import StageInputs
from harness.training.loop import Batch, Settings, train
from harness.training.masking import mask_tokens
from harness.training.presets import architecture
from harness.training.runtime import reproducible
from harness.training.start import informed_start, word_size
from harness.training.tokenizer import save_tokenizer, train_tokenizer


class MaskedRows:
    """The plan of a pretraining: batch `i` is rows i·B … of the corpus, masked by (seed, i).

    Attributes:
        rows: int64[rows, L] in the order in which they are seen.
    """

    def __init__(self, rows: IntArray, *, size: int, rate: float, tokenizer: Any, seed: int) -> None:
        self.rows = rows
        self._size = size
        self._rate = rate
        self._mask = int(tokenizer.mask_token_id)
        self._vocabulary = len(tokenizer)
        self._special = sorted(tokenizer.all_special_ids)
        self._seed = seed

    def __len__(self) -> int:
        return math.ceil(len(self.rows) / self._size)

    def tokens(self, place: int) -> int:
        return int(self._rows(place).size)

    def __getitem__(self, place: int) -> Batch:
        masked = mask_tokens(
            self._rows(place),
            rate=self._rate,
            mask_id=self._mask,
            vocabulary=self._vocabulary,
            special=self._special,
            key=(self._seed, place),
        )
        return {
            "input_ids": torch.from_numpy(masked.ids),
            "masked": torch.from_numpy(masked.where),
            "targets": torch.from_numpy(masked.targets),
        }

    def _rows(self, place: int) -> IntArray:
        return self.rows[place * self._size : (place + 1) * self._size]


def masked_loss(model: Any, batch: Batch) -> torch.Tensor:
    """Mean negative log-likelihood (nats) of the masked tokens; the head sees those positions only."""
    hidden = model.bert(batch["input_ids"]).last_hidden_state
    logits = model.cls.predictions(hidden[batch["masked"]])
    return functional.cross_entropy(logits, batch["targets"])


def pretrain(
    spec: PretrainSpec, inputs: StageInputs, work: Path, reporter: Reporter, *, save_every: int | None = None
) -> dict[str, Any]:
    """Trains a tokenizer and a masked language model, and writes the checkpoint into `work`.

    Returns:
        The checkpoint's page and what was measured.

    Raises:
        DataError: when there is no text to train on.
        IncompleteError: when training diverges.
    """
    inputs.require_texts()
    texts = {name: [text for text in inputs.texts[name] if text.strip()] for name in sorted(inputs.texts)}
    sizes = architecture(spec.architecture)
    with reproducible(inputs.seed):
        reporter.info("training the tokenizer")
        tokenizer = train_tokenizer(
            ((text, max(1, round(spec.weights.get(name, 1.0)))) for name in texts for text in texts[name]),
            vocabulary=spec.tokenizer.vocabulary,
            lowercase=spec.tokenizer.lowercase,
            max_length=int(sizes["max_position_embeddings"]),
        )
        encoder = TextEncoder(tokenizer)
        corpus = Corpus({name: encoder.plain(texts[name]) for name in texts}, len(tokenizer))
        rows = plan_rows(
            corpus,
            spec.weights,
            rows=_row_count(spec),
            length=spec.sequence_length,
            start=int(tokenizer.cls_token_id),
            end=int(tokenizer.sep_token_id),
            seed=inputs.seed,
        )
        model = _model(spec, sizes, tokenizer, corpus, inputs.seed, reporter)
        plan = MaskedRows(rows, size=spec.batch_size, rate=spec.mask_rate, tokenizer=tokenizer, seed=inputs.seed)
        flops = _flops(model, rows, spec.mask_rate)
        stage = spec.model_dump(mode="json")
        progress = train(
            model,
            plan,
            masked_loss,
            Settings(
                learning_rate=spec.learning_rate,
                seed=inputs.seed,
                rates={"word_embeddings": spec.embedding_rate},
                save_every=save_every,
            ),
            work=work,
            title="pretraining",
            identity={"stage": stage, "data": dict(inputs.data)},
            flops=flops,
            reporter=reporter,
        )
        model.config.hidden_dropout_prob = sizes["hidden_dropout_prob"]
        model.save_pretrained(str(work))
    save_tokenizer(tokenizer, work)
    spent = {"tokens": progress.tokens, "flops": flops, "steps": len(plan), **cost.parameter_counts(model)}
    page = write_page(
        work, kind="transformers", stage=stage, inputs=inputs, cost=spent, recipe={**stage, "architecture": sizes}
    )
    return {**page, "measured": progress.measured()}


def _row_count(spec: PretrainSpec) -> int:
    if spec.budget.steps is not None:
        return spec.budget.steps * spec.batch_size
    return max(1, (spec.budget.tokens or 0) // spec.sequence_length)


def _model(
    spec: PretrainSpec, sizes: dict[str, Any], tokenizer: Any, corpus: Corpus, seed: int, reporter: Reporter
) -> Any:
    from transformers import BertConfig, BertForMaskedLM

    settings = {key: value for key, value in sizes.items() if key != "model_type"}
    positions = max(spec.sequence_length, int(sizes["max_position_embeddings"]))
    settings.update(vocab_size=len(tokenizer), pad_token_id=tokenizer.pad_token_id, max_position_embeddings=positions)
    # So short a pretraining never overfits; dropout is for those who fine-tune the checkpoint.
    settings["hidden_dropout_prob"] = 0.0
    torch.manual_seed(seed)
    model = BertForMaskedLM(BertConfig(**settings))
    if spec.embeddings == "ppmi_svd":
        reporter.info("counting word vectors")
        vectors = word_vectors(
            _weighted(corpus, spec),
            corpus.vocabulary,
            word_size(int(sizes["hidden_size"]), int(sizes["num_attention_heads"])),
            window=spec.window,
            seed=seed,
        )
        informed_start(model, vectors, corpus.frequencies(), seed=seed)
    return model


def _weighted(corpus: Corpus, spec: PretrainSpec) -> list[tuple[Any, float]]:
    return [(documents, spec.weights.get(name, 1.0)) for name, documents in corpus.documents.items()]


def _flops(model: Any, rows: IntArray, rate: float) -> float:
    config = model.config.to_dict()
    forward = cost.forward_flops(config, rows.size, rows.shape[1])
    forward += cost.head_flops(config, int(config["vocab_size"]), rows.size * rate)
    return float(np.round(cost.training_flops(forward)))

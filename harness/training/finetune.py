"""Fine-tuning a classifier: all weights of a checkpoint, or the same shape from random weights."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from torch.nn import functional

from harness.core.reporter import Reporter
from harness.core.specs import FinetuneSpec
from harness.training import cost
from harness.training.checkpoints import write_page
from harness.training.examples import LabelledBatches, tokenised
from harness.training.inputs import StageInputs
from harness.training.loop import Batch, Settings, train
from harness.training.parents import head_tensors, load_classifier, load_language_head, load_tokenizer
from harness.training.runtime import reproducible
from harness.training.settings import FinetuneSettings, settings_for
from harness.training.tokenizer import save_tokenizer
from harness.training.validation import scorer


def finetune(
    spec: FinetuneSpec, inputs: StageInputs, work: Path, reporter: Reporter, *, save_every: int | None = None
) -> dict[str, Any]:
    """Fine-tunes all weights and writes the checkpoint, language-model head included.

    Returns:
        The checkpoint's page and what was measured.

    Raises:
        DataError: when examples are missing or unfit.
        CheckpointError: when the parent cannot be loaded.
        IncompleteError: when training diverges.
    """
    inputs.require_examples()
    parent = inputs.require_parent()
    chosen = settings_for(spec, len(inputs.train))
    with reproducible(inputs.seed):
        tokenizer = load_tokenizer(parent)
        model = load_classifier(parent, inputs.labels, weights=spec.weights, seed=inputs.seed)
        pretrained = spec.weights == "pretrained"
        plan = plan_for(tokenizer, model, inputs, chosen)
        memory = load_language_head(parent, model) if chosen.memory and pretrained else None
        flops = cost.plan_flops(model, plan)
        title = "fine-tuning" if pretrained else "training from random weights"
        progress = train(
            model,
            plan,
            classification_loss(chosen, memory),
            loop_settings(chosen, inputs.seed, save_every),
            work=work,
            title=title,
            identity={"stage": spec.model_dump(mode="json"), "parent": inputs.parent_digest, "chosen": asdict(chosen)},
            flops=flops,
            reporter=reporter,
            score=scorer(tokenizer, inputs.validation, chosen.max_length),
            epochs=chosen.epochs,
        )
        state = {name: tensor.contiguous() for name, tensor in model.state_dict().items()}
        if pretrained:
            state.update(head_tensors(parent, list(state)))
        model.save_pretrained(str(work), state_dict=state)
    save_tokenizer(tokenizer, work)
    spent = {"tokens": progress.tokens, "flops": flops, "steps": len(plan), **cost.parameter_counts(model)}
    page = write_page(
        work,
        kind="transformers",
        stage=spec.model_dump(mode="json", by_alias=True),
        inputs=inputs,
        cost=spent,
        recipe=asdict(chosen),
    )
    return {**page, "validation": progress.best, "measured": progress.measured()}


def plan_for(tokenizer: Any, model: Any, inputs: StageInputs, chosen: FinetuneSettings) -> LabelledBatches:
    """The batches of all epochs."""
    limit = getattr(model.config, "max_position_embeddings", None) or chosen.max_length
    return LabelledBatches(
        tokenised(tokenizer, inputs.train, min(chosen.max_length, int(limit))),
        size=chosen.batch_size,
        epochs=chosen.epochs,
        seed=inputs.seed,
        pad_id=int(tokenizer.pad_token_id or 0),
        mask_id=tokenizer.mask_token_id,
        vocabulary=len(tokenizer),
        special=tokenizer.all_special_ids,
        word_dropout=chosen.word_dropout,
        memory=chosen.memory > 0,
    )


def loop_settings(chosen: FinetuneSettings, seed: int, save_every: int | None) -> Settings:
    """The optimiser's settings: own rates for word embeddings and for the new head."""
    return Settings(
        learning_rate=chosen.learning_rate,
        seed=seed,
        rates={
            "word_embeddings": chosen.embedding_rate,
            "pooler": chosen.head_rate,
            "classifier": chosen.head_rate,
            "score": chosen.head_rate,
        },
        warmup=0.1,
        save_every=save_every,
    )


def classification_loss(chosen: FinetuneSettings, memory: Any | None) -> Callable[[Any, Batch], torch.Tensor]:
    """Cross-entropy of the labels; with `memory`, plus its weight times that of masked tokens.

    Args:
        memory: the language model that shares the classifier's encoder, or None.
    """

    def loss(model: Any, batch: Batch) -> torch.Tensor:
        answer = model(
            input_ids=batch["input_ids"],
            attention_mask=batch["attention_mask"],
            output_hidden_states=memory is not None,
        )
        total = functional.cross_entropy(answer.logits, batch["classes"], label_smoothing=chosen.label_smoothing)
        if memory is not None:
            hidden = answer.hidden_states[-1][batch["masked"]]
            total = total + chosen.memory * functional.cross_entropy(memory.cls.predictions(hidden), batch["targets"])
        return total

    return loss

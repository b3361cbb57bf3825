"""Text after a prompt: instructions, conversation, answers, translations, summaries; the better one of two answers.

The loss is taken of the target alone; the prompt is only read.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from torch.nn import functional

from harness.core.errors import SuiteError
from harness.core.examples import PreferencePair, PromptTarget
from harness.model_kinds.weight_tuning import FinetuneSettings
from harness.models.encoding.embeddings import padding_id
from harness.models.encoding.prompt_encoder import PromptEncoder, template_for
from harness.models.local.load_weights import load_tokenizer
from harness.training.learners.learner import TrainingJob, mean_loss
from harness.training.load_parent import ParentCheckpoint, load_headed, longest
from harness.training.loop.planned_batches import IGNORED, RowBatches
from harness.training.loop.training_loop import Batch
from harness.training.stage_inputs import StageInputs

if TYPE_CHECKING:
    from transformers import PreTrainedModel

# Models whose logits are the output matrix times the last hidden state, and nothing more.
_PLAIN_HEADS = frozenset({"gpt2", "llama", "mistral", "qwen2", "qwen3", "smollm3", "gpt_neox", "olmo2"})


def prepare(start: ParentCheckpoint, inputs: StageInputs, chosen: FinetuneSettings) -> TrainingJob:
    """The parent's own language model, reading prompts and learning targets.

    Raises:
        DataError: when a conversation does not fit the chat template, or a target is empty.
        SuiteError: when a sequence-to-sequence model shall learn conversations.
        CheckpointError: when the parent cannot be loaded.
    """
    tokenizer = load_tokenizer(start.folder)
    both = start.family == "seq2seq"
    model = load_headed(start, "AutoModelForSeq2SeqLM" if both else "AutoModelForCausalLM", labels=(), seed=inputs.seed)
    template = template_for((*inputs.train, *inputs.validation))
    if template is not None and both:
        raise SuiteError(
            "only causal models can learn conversations; a sequence-to-sequence model has no turns.",
            hint="start from a causal model, or use prompts instead of messages.",
        )
    encoder = PromptEncoder(tokenizer, longest(model, tokenizer, chosen.max_length), template=template)
    fills = {"input_ids": padding_id(model, tokenizer), "labels": IGNORED}

    def plan(part: Sequence[PromptTarget], epochs: int) -> RowBatches:
        rows = []
        for example in (example.better() if isinstance(example, PreferencePair) else example for example in part):
            if both:
                source, target = encoder.sides(example.prompt, example.target)
                rows.append({"input_ids": source, "labels": target})
            else:
                ids, learned = encoder.learned(example)
                labels = [token if is_learned else IGNORED for token, is_learned in zip(ids, learned, strict=True)]
                rows.append({"input_ids": ids, "labels": labels})
        target_rows = "labels" if both else None
        return RowBatches(rows, fills, size=chosen.batch_size, epochs=epochs, seed=inputs.seed, target=target_rows)

    summed = seq2seq_loss if both else target_loss

    def loss(model: PreTrainedModel, batch: Batch) -> torch.Tensor:
        total, count = summed(model, batch)
        return total / max(1, count)

    return TrainingJob(
        model,
        tokenizer,
        plan(inputs.train, chosen.epochs),
        loss,
        mean_loss(plan(inputs.validation, 1), summed) if inputs.validation else None,
        "SEQ_2_SEQ_LM" if both else "CAUSAL_LM",
    )


def target_logits(model: PreTrainedModel, batch: Batch) -> tuple[torch.Tensor, torch.Tensor]:
    """[n, V] logits that predict the labeled tokens, and those tokens [n]; the head sees no other place."""
    labels = batch["labels"][:, 1:]
    wanted = labels != IGNORED
    whole = model.get_base_model() if hasattr(model, "get_base_model") else model
    inputs = {"input_ids": batch["input_ids"], "attention_mask": batch["attention_mask"], "use_cache": False}
    if whole.config.model_type in _PLAIN_HEADS:
        hidden = whole.base_model(**inputs).last_hidden_state[:, :-1]
        return whole.get_output_embeddings()(hidden[wanted]), labels[wanted]
    return model(**inputs).logits[:, :-1][wanted], labels[wanted]


def target_loss(model: PreTrainedModel, batch: Batch) -> tuple[torch.Tensor, int]:
    """Summed negative log-likelihood (nats) of the labeled tokens of a causal model, and their number."""
    logits, targets = target_logits(model, batch)
    return functional.cross_entropy(logits.float(), targets, reduction="sum"), len(targets)


def seq2seq_loss(model: PreTrainedModel, batch: Batch) -> tuple[torch.Tensor, int]:
    """The same for a sequence-to-sequence model."""
    logits = model(
        input_ids=batch["input_ids"], attention_mask=batch["attention_mask"], labels=batch["labels"], use_cache=False
    ).logits
    targets = batch["labels"].reshape(-1)
    total = functional.cross_entropy(
        logits.reshape(-1, logits.shape[-1]).float(), targets, ignore_index=IGNORED, reduction="sum"
    )
    return total, int((targets != IGNORED).sum())

"""Direct preference optimization (Rafailov et al. 2023, equation 7).

The reference model is the checkpoint that alignment starts from. Its log-likelihoods are computed
once, before the first step, by the very weights that are then trained: no second model is held.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch.nn import functional

from harness.core.errors import DataError, SuiteError
from harness.core.examples import PreferencePair
from harness.core.reporter import Reporter
from harness.model_kinds.align_kind import AlignSpec, alignment_settings
from harness.model_kinds.flop_shapes import Shape
from harness.model_kinds.weight_tuning import QloraMethod
from harness.models.encoding.embeddings import padding_id
from harness.models.encoding.prompt_encoder import PromptEncoder, template_for
from harness.models.local.fastpaths.installed import accelerate
from harness.models.local.load_weights import family_of, load_tokenizer
from harness.training.learners.learner import TrainingJob, hits, mean_loss
from harness.training.learners.prompted_generation_learner import target_logits
from harness.training.load_parent import ParentCheckpoint, load_headed, longest
from harness.training.loop.best_epoch import Score
from harness.training.loop.planned_batches import IGNORED, batches_by_length, filled
from harness.training.loop.reproducible import reproducible
from harness.training.loop.training_loop import Batch
from harness.training.mitigation.mitigated_rows import mitigated
from harness.training.stage_inputs import StageInputs
from harness.training.stage_run import StageRun
from harness.training.stages.finetune_stage import carry_out

if TYPE_CHECKING:
    from transformers import PreTrainedModel

Row = tuple[list[int], list[int]]


def align(
    spec: AlignSpec, inputs: StageInputs, work: Path, reporter: Reporter, *, save_every: int | None = None
) -> dict[str, object]:
    """Aligns a causal model to preference pairs and writes it (or its adapter) into `work`.

    Returns:
        The checkpoint's metadata and what was measured; `validation` is the share of pairs whose
        preferred answer gained more than the other one, None for a single epoch.

    Raises:
        DataError: when pairs are missing or unfit.
        CheckpointError: when the parent cannot be loaded.
        SuiteError: when the task has no preference pairs, or the model does not write.
        IncompleteError: when training diverges.
    """
    kind = inputs.require_examples()
    if kind != PreferencePair.kind:
        raise SuiteError(
            f"`align` needs preference pairs; the task's examples have type {kind}.",
            hint="use `finetune` for this task.",
        )
    parent = inputs.require_parent()
    with reproducible(inputs.seed):
        family = family_of(parent)
        if family != "causal":
            raise SuiteError(
                f"`align` needs a causal language model; the parent model is {family}.",
                hint="start from a model pretrained with `objective: causal`.",
            )
        start = ParentCheckpoint(parent, family, "pretrained", isinstance(spec.method, QloraMethod))
        tokenizer = load_tokenizer(parent)
        model = load_headed(start, "AutoModelForCausalLM", labels=(), seed=inputs.seed)
        accelerate(model)
        for module in model.modules():
            # Both models of a ratio must be the same but for their weights.
            if isinstance(module, torch.nn.Dropout):
                module.p = 0.0
        chosen = alignment_settings(spec, len(inputs.train), int(model.config.hidden_size))
        inputs, measures = mitigated(spec.mitigate, inputs)
        template = template_for((*inputs.train, *inputs.validation))
        encoder = PromptEncoder(tokenizer, longest(model, tokenizer, chosen.max_length), template=template)
        pad = padding_id(model, tokenizer)

        def plan(part: Sequence[PreferencePair], epochs: int, *, scored: bool = True) -> PairBatches:
            pairs = [_rows(encoder, example) for example in part]
            _check_different(pairs, part)
            made = PairBatches(pairs, size=chosen.batch_size, epochs=epochs, seed=inputs.seed, pad=pad)
            if scored:
                made.refer(model, reporter)
            return made

        job = TrainingJob(
            model,
            tokenizer,
            plan(inputs.train, chosen.epochs),
            lambda policy, batch: dpo_loss(policy, batch, spec.beta),
            _score(plan(inputs.validation, 1, scored=chosen.chooses_epoch), spec.beta) if inputs.validation else None,
            "CAUSAL_LM",
            facts={"beta": spec.beta, **measures},
        )
        return carry_out(job, spec, inputs, StageRun(work, reporter, save_every), chosen=chosen, title="alignment")


def _rows(encoder: PromptEncoder, example: PreferencePair) -> tuple[Row, Row]:
    return (
        encoder.row(example.prompt, example.messages, example.chosen, example.form),
        encoder.row(example.prompt, example.messages, example.rejected, example.form),
    )


def _check_different(pairs: Sequence[tuple[Row, Row]], examples: Sequence[PreferencePair]) -> None:
    """Refuses pairs of equal answers: their loss is ln 2 whatever the model does.

    Raises:
        DataError: with their number and the first of them.
    """
    equal = [place for place, (chosen, rejected) in enumerate(pairs) if chosen == rejected]
    if equal:
        raise DataError(
            f"{len(equal)} of {len(pairs)} preference pairs have identical chosen and rejected answers within "
            f"`max_length`; the first: {examples[equal[0]].chosen[:60]!r}.",
            hint="remove these pairs, or increase `max_length` if only the ends of long answers differ.",
        )


class PairBatches:
    """Planned batches of preference pairs: first the preferred answers of all, then the others.

    Attributes:
        reference: float64[pairs, 2], the reference model's log-likelihoods (nats) of both answers.
    """

    def __init__(self, pairs: Sequence[tuple[Row, Row]], *, size: int, epochs: int, seed: int, pad: int) -> None:
        self.reference = np.zeros((len(pairs), 2))
        self._pairs = pairs
        self._pad = pad
        self._size = size
        lengths = [sum(len(before) + len(after) for before, after in pair) for pair in pairs]
        self._lengths = lengths
        self._batches = [
            batch for epoch in range(epochs) for batch in batches_by_length(lengths, size, key=(seed, epoch))
        ]

    def __len__(self) -> int:
        return len(self._batches)

    def tokens(self, place: int) -> int:
        return sum(self._lengths[pair] for pair in self._batches[place])

    def operations(self, shape: Shape) -> float:
        """Of the trained model's passes, and of the reference's one pass over every pair."""
        trained = sum(self._operations(shape, batch) for batch in self._batches)
        # The loop counts three passes for every one that is trained; the reference takes one.
        return trained + self._operations(shape, range(len(self._pairs))) / 3

    def _operations(self, shape: Shape, pairs: Sequence[int]) -> float:
        tokens = sum(self._lengths[pair] for pair in pairs)
        answers = sum(len(after) for pair in pairs for _, after in self._pairs[pair])
        return shape.stack(shape.layers, tokens, tokens / max(1, 2 * len(pairs))) + shape.head(answers)

    def __getitem__(self, place: int) -> Batch:
        return self._batch(self._batches[place])

    def _batch(self, pairs: Sequence[int]) -> Batch:
        rows = [self._pairs[pair][side] for side in (0, 1) for pair in pairs]
        ids = filled([[*before, *after] for before, after in rows], self._pad)
        labels = filled([[IGNORED] * len(before) + after for before, after in rows], IGNORED)
        lengths = np.asarray([len(before) + len(after) for before, after in rows])
        attention = (np.arange(ids.shape[1])[None, :] < lengths[:, None]).astype(np.int64)
        reference = self.reference[list(pairs)].T.reshape(-1).astype(np.float32)
        arrays = {"input_ids": ids, "labels": labels, "attention_mask": attention, "reference": reference}
        return {name: torch.from_numpy(array) for name, array in arrays.items()}

    def refer(self, model: PreTrainedModel, reporter: Reporter) -> None:
        """Lets the reference model read every pair once."""
        device = next(model.parameters()).device
        order = sorted(range(len(self._pairs)), key=lambda pair: self._lengths[pair])
        model.eval()
        with torch.inference_mode(), reporter.task("reference model", len(order), "pairs") as task:
            for first in range(0, len(order), self._size):
                chosen = order[first : first + self._size]
                batch = {name: tensor.to(device) for name, tensor in self._batch(chosen).items()}
                self.reference[chosen] = answer_likelihoods(model, batch).reshape(2, -1).T.cpu().numpy()
                task.advance(len(chosen))
        model.train()


def answer_likelihoods(model: PreTrainedModel, batch: Batch) -> torch.Tensor:
    """[2B] summed log-likelihood (nats) of each row's labeled tokens."""
    logits, targets = target_logits(model, batch)
    scores = -functional.cross_entropy(logits.float(), targets, reduction="none")
    wanted = batch["labels"][:, 1:] != IGNORED
    rows = torch.arange(len(wanted), device=wanted.device)[:, None].expand_as(wanted)[wanted]
    return torch.zeros(len(wanted), device=scores.device).index_add(0, rows, scores)


def _gains(model: PreTrainedModel, batch: Batch) -> torch.Tensor:
    """[2, B]: how much more likely the trained model holds both answers than the reference does."""
    return (answer_likelihoods(model, batch) - batch["reference"]).reshape(2, -1)


def dpo_loss(model: PreTrainedModel, batch: Batch, beta: float) -> torch.Tensor:
    """−log σ(β (gain of the preferred answer − gain of the other)), averaged over pairs."""
    preferred, other = _gains(model, batch)
    return -functional.logsigmoid(beta * (preferred - other)).mean()


def _score(plan: PairBatches, beta: float) -> Score:
    """`accuracy`: the share of pairs whose preferred answer gained more. It is soon at its highest, so that epochs
    which are equal by it are told apart by the `loss`."""

    def preferred(model: PreTrainedModel, batch: Batch) -> tuple[int, int]:
        first, second = _gains(model, batch)
        return int((first > second).sum()), len(first)

    def summed(model: PreTrainedModel, batch: Batch) -> tuple[torch.Tensor, int]:
        pairs = len(batch["reference"]) // 2
        return dpo_loss(model, batch, beta) * pairs, pairs

    right, lost = hits(plan, preferred), mean_loss(plan, summed)

    def score(model: PreTrainedModel) -> dict[str, float | int] | None:
        return {**(lost(model) or {}), **(right(model) or {})} or None

    return score

"""The one training loop: transformers' Trainer over batches that are planned beforehand.

Every batch and every step's randomness follows from (seed, step), so a training that was killed
ends with the same weights, bit for bit, as one that was not (by the same number of threads).
"""

from __future__ import annotations

import math
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

import torch
from torch.utils.data import DataLoader, Dataset
from transformers import Trainer, TrainingArguments

from harness.core.errors import IncompleteError
from harness.models.encoding.embeddings import embedding_tables, word_embeddings
from harness.models.local.fastpaths.installed import accelerate
from harness.training.loop import resume
from harness.training.loop.best_epoch import BestEpoch, Score
from harness.training.loop.loop_callbacks import Progress, Sealing, Seeding
from harness.training.loop.training_log import TrainingLog
from harness.training.stage_run import StageRun

if TYPE_CHECKING:
    from transformers import PreTrainedModel

Batch = dict[str, torch.Tensor]
LossFunction = Callable[["PreTrainedModel", Batch], torch.Tensor]
_BETAS = (0.9, 0.98)
_EPSILON = 1e-6
_CLIP = 1.0
# About twenty seconds' work of a two-core machine: a checkpoint costs a fraction of a second.
_OPERATIONS_BETWEEN_CHECKPOINTS = 1e12


class BatchPlan(Protocol):
    """All batches of a training, in order; a batch is made when it is asked for."""

    def __len__(self) -> int: ...

    def __getitem__(self, place: int) -> Batch: ...

    def tokens(self, place: int) -> int:
        """Tokens of a batch, without padding."""
        ...


@dataclass(frozen=True)
class Settings:
    """How the optimizer runs.

    Attributes:
        learning_rate: its highest value; it rises linearly, then falls linearly to zero.
        rates: part of a weight's name → multiple of the learning rate for it.
        embedding_rate: the same for the model's input embeddings.
        warmup: share of the steps in which the rate rises.
        decay: decoupled weight decay of matrices; embeddings, norms and biases have none.
        seed: of dropout.
    """

    learning_rate: float
    seed: int
    rates: Mapping[str, float] = field(default_factory=dict)
    embedding_rate: float = 1.0
    warmup: float = 0.06
    decay: float = 0.01


@dataclass(frozen=True)
class Training:
    """What is trained, and on what.

    Attributes:
        model: trained in place over every batch of `plan`.
        loss: (model, batch) → mean loss of the batch.
        title: for people.
        identity: what is trained and how (JSON); another identity starts afresh.
        flops: of the whole training; decides how often it is saved.
        score: model → accuracy on validation data, asked at the end of each epoch. The model then ends with the
            weights of its best epoch.
        epochs: passes of equal length that the plan consists of.
    """

    model: PreTrainedModel
    plan: BatchPlan
    loss: LossFunction
    title: str
    identity: Mapping[str, object]
    flops: float
    score: Score | None = None
    epochs: int = 1


def train(training: Training, settings: Settings, run: StageRun) -> Progress:
    """Carries a training out, going on from what a killed attempt left.

    Returns:
        The progress callback, which holds loss, time, throughput and the best epoch.

    Raises:
        IncompleteError: when the loss is not finite.
    """
    model, plan, title, reporter = training.model, training.plan, training.title, run.reporter
    accelerate(model)
    folder = run.work / resume.RESUME_FOLDER
    steps = len(plan)
    made_for = resume.plan_digest(
        {**training.identity, "steps": steps, "rate": settings.learning_rate, "seed": settings.seed}
    )
    state = resume.latest(folder, made_for, reporter)
    best = None
    if training.score is not None:
        best = BestEpoch(training.score, epochs=training.epochs, steps=steps, folder=folder, made_for=made_for)
    if state is not None and best is not None and not best.intact(resume.step_of(state)):
        reporter.warn("restarting the unfinished training: the weights of its best epoch are missing or corrupt.")
        shutil.rmtree(folder)
        state = None
    done = resume.step_of(state) if state is not None else 0
    if state is not None and (before := resume.threads_of(state)) != torch.get_num_threads():
        reporter.warn(
            f"{title} resumes with {torch.get_num_threads()} threads instead of {before}: the last bits of the "
            f"weights may differ from those of an uninterrupted run."
        )
    log = TrainingLog(run.work, step=done)
    progress = Progress(plan, log, reporter, title=title, done=done)
    arguments = TrainingArguments(
        output_dir=str(folder),
        max_steps=steps,
        per_device_train_batch_size=1,
        learning_rate=settings.learning_rate,
        lr_scheduler_type="linear",
        warmup_steps=max(1, math.ceil(settings.warmup * steps)),
        max_grad_norm=_CLIP,
        save_strategy="steps",
        save_steps=run.save_every or _save_every(training.flops, steps),
        save_total_limit=2,
        logging_strategy="no",
        logging_nan_inf_filter=False,
        eval_strategy="no",
        report_to=[],
        disable_tqdm=True,
        remove_unused_columns=False,
        dataloader_pin_memory=False,
        seed=settings.seed,
        use_cpu=not torch.cuda.is_available(),
    )
    trainer = PlannedTrainer(model, arguments, plan, training.loss, settings, progress)
    trainer.add_callback(Seeding(settings.seed))
    trainer.add_callback(progress)
    if best is not None:
        trainer.add_callback(best)
    trainer.add_callback(Sealing(made_for))
    with progress:
        trainer.train(resume_from_checkpoint=str(state) if state is not None else None)
    progress.best = best.restore(model) if best is not None else None
    return progress


def _save_every(flops: float, steps: int) -> int:
    return max(1, round(_OPERATIONS_BETWEEN_CHECKPOINTS / max(flops / max(steps, 1), 1.0)))


class _Batches(Dataset[Batch]):
    def __init__(self, plan: BatchPlan) -> None:
        self._plan = plan

    def __len__(self) -> int:
        return len(self._plan)

    def __getitem__(self, place: int) -> Batch:
        return self._plan[place]


class PlannedTrainer(Trainer):  # type: ignore[misc]  # transformers is untyped here
    """A Trainer that takes batches in their planned order and a loss function of ours."""

    optimizer: torch.optim.Optimizer | None

    def __init__(
        self,
        model: PreTrainedModel,
        arguments: TrainingArguments,
        plan: BatchPlan,
        loss: LossFunction,
        settings: Settings,
        progress: Progress,
    ) -> None:
        self._batches = _Batches(plan)
        self._loss = loss
        self._settings = settings
        self._progress = progress
        super().__init__(model=model, args=arguments, train_dataset=self._batches)
        # Trainer's own printing callback writes to standard output; ours reports.
        for callback in list(self.callback_handler.callbacks):
            if type(callback).__name__ in {"PrinterCallback", "ProgressCallback", "NotebookProgressCallback"}:
                self.remove_callback(callback)

    def get_train_dataloader(self) -> DataLoader[Batch]:
        """Batches in order: the plan has shuffled them already."""
        loader = DataLoader(self._batches, batch_size=1, collate_fn=_only)
        prepared: DataLoader[Batch] = self.accelerator.prepare(loader)
        return prepared

    def create_optimizer(self, model: PreTrainedModel = None) -> torch.optim.Optimizer:
        """Fused AdamW with decay on matrices alone and the settings' own rates by name."""
        optimizer = self.optimizer
        if optimizer is None:
            optimizer = torch.optim.AdamW(
                parameter_groups(self.model if model is None else model, self._settings),
                lr=self._settings.learning_rate,
                betas=_BETAS,
                eps=_EPSILON,
                fused=True,
            )
            self.optimizer = optimizer
        return optimizer

    def compute_loss(
        self, model: PreTrainedModel, inputs: Batch, return_outputs: bool = False, num_items_in_batch: int | None = None
    ) -> torch.Tensor:
        """The loss function's value.

        Raises:
            IncompleteError: when it is not finite.
        """
        loss = self._loss(model, inputs)
        value = float(loss.detach())
        if not math.isfinite(value):
            raise IncompleteError(
                f"{self._progress.title}: the loss became {value} at step {self.state.global_step + 1}.",
                hint="lower `learning_rate` for this model, or check for corrupt training texts.",
            )
        self._progress.observe(value)
        return loss


def parameter_groups(model: PreTrainedModel, settings: Settings) -> list[dict[str, object]]:
    """Trained weights by learning rate and decay, in the model's order.

    Weights with the rate zero would be moved by nothing, at the price of a pass over them and their moments; their
    gradients still count for clipping, and are cleared with the model's.
    """
    words = {id(weight) for weight in word_embeddings(model)}
    tables = {id(weight) for weight in embedding_tables(model)}
    groups: dict[tuple[float, float], list[torch.nn.Parameter]] = {}
    for name, parameter in model.named_parameters():
        if not parameter.requires_grad:
            continue
        factor = next((rate for part, rate in settings.rates.items() if part in name), 1.0)
        factor = settings.embedding_rate if id(parameter) in words else factor
        if factor == 0:
            continue
        decay = settings.decay if parameter.ndim > 1 and id(parameter) not in tables else 0.0
        groups.setdefault((factor, decay), []).append(parameter)
    return [
        {"params": parameters, "lr": settings.learning_rate * factor, "weight_decay": decay}
        for (factor, decay), parameters in groups.items()
    ]


def _only(batch: list[Batch]) -> Batch:
    return batch[0]

"""What happens beside a training step: seeding, progress, the log, sealed checkpoints."""

from __future__ import annotations

import time
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, Self

import numpy as np
import torch
from transformers import TrainerCallback

from harness.core.reporter import Reporter, Task
from harness.models.peak_memory import peak_memory
from harness.training.loop import resume
from harness.training.loop.training_log import TrainingLog

if TYPE_CHECKING:
    from transformers import TrainerControl, TrainerState, TrainingArguments

_LINES = 200
_SMOOTHING = 0.98


class _Tokens(Protocol):
    def __len__(self) -> int: ...

    def tokens(self, place: int) -> int: ...


class Seeding(TrainerCallback):  # type: ignore[misc]  # transformers is untyped here
    """Seeds dropout anew at every step, so that nothing hangs on how training got there."""

    def __init__(self, seed: int) -> None:
        self._seed = seed

    def on_step_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: object
    ) -> None:
        step = int(np.random.SeedSequence([self._seed, state.global_step]).generate_state(1)[0])
        torch.manual_seed(step)


class Sealing(TrainerCallback):  # type: ignore[misc]  # transformers is untyped here
    """Marks each of the Trainer's checkpoints as whole once it is written."""

    def __init__(self, plan: str) -> None:
        self._plan = plan

    def on_save(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: object) -> None:
        checkpoint = Path(args.output_dir) / f"checkpoint-{state.global_step}"
        if checkpoint.is_dir():
            resume.seal(checkpoint, self._plan, torch.get_num_threads())


class Progress(TrainerCallback, AbstractContextManager["Progress"]):  # type: ignore[misc]  # transformers is untyped
    """Tells the reporter how far training is and writes training.jsonl.

    Args:
        plan: the batches, for their number and tokens.
        log: where lines go.
        title: what is trained, for people.
        done: steps that an earlier attempt finished.
    """

    def __init__(self, plan: _Tokens, log: TrainingLog, reporter: Reporter, *, title: str, done: int) -> None:
        self.title = title
        self.steps = len(plan)
        self.loss = float("nan")
        self.best: dict[str, float | int] | None = None
        self._plan = plan
        self._log = log
        self._reporter = reporter
        self._done = done
        self._tokens_before = sum(plan.tokens(place) for place in range(done))
        self.tokens = self._tokens_before
        self._started = time.monotonic()
        self._spent = 0.0
        self._every = max(1, self.steps // _LINES)
        self._stack = ExitStack()
        self._task: Task | None = None

    def __enter__(self) -> Self:
        self._started = time.monotonic()
        self._task = self._stack.enter_context(self._reporter.task(self.title, self.steps, "steps"))
        if self._done:
            self._task.advance(self._done)
        return self

    def __exit__(self, *details: Any) -> None:
        self._spent = time.monotonic() - self._started
        self._stack.__exit__(*details)

    def measured(self) -> dict[str, float]:
        """Seconds, tokens a second of this attempt, peak memory in bytes, and the last running loss."""
        speed = (self.tokens - self._tokens_before) / max(self._spent, 1e-9)
        return {
            "seconds": round(self._log.seconds_before + self._spent, 3),
            "tokens_per_second": round(speed, 1),
            "peak_memory": peak_memory(),
            "loss": round(self.loss, 6),
        }

    def observe(self, loss: float) -> None:
        """Takes a step's loss into the running mean."""
        known = self.loss == self.loss
        self.loss = _SMOOTHING * self.loss + (1 - _SMOOTHING) * loss if known else loss

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: object
    ) -> None:
        step = state.global_step
        self.tokens += self._plan.tokens(step - 1)
        spent = time.monotonic() - self._started
        speed = (self.tokens - self._tokens_before) / max(spent, 1e-9)
        if self._task is not None:
            self._task.advance(1)
            self._task.note(f"loss {self.loss:.3f}")
        if step % self._every == 0 or step == self.steps:
            self._log.write(
                step=step,
                tokens=self.tokens,
                loss=self.loss,
                learning_rate=_rate(kwargs["lr_scheduler"], args.learning_rate),
                seconds=spent,
                tokens_per_second=speed,
            )


def _rate(scheduler: Any, highest: float) -> float:
    """The learning rate of weights without a rate of their own."""
    first = max(range(len(scheduler.base_lrs)), key=lambda group: float(scheduler.base_lrs[group]))
    return highest * float(scheduler.get_last_lr()[first]) / float(scheduler.base_lrs[first])

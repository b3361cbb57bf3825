"""A callback for trainers of transformers and trl: runs a suite while a model is trained, and can stop the training.

trainer = Trainer(…, callbacks=[SuiteCallback("suite.yaml", model="tuned", every=200, stop_at_failed_gate=True)])
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.commands.checkpoint_runs import CheckpointRun, CheckpointRunner
from harness.core import registry
from harness.core.reporter import Silent
from harness.pipeline.run_suite import Settings
from harness.storage.store import Store

if TYPE_CHECKING:

    class TrainerCallback:
        """As transformers has it: an event that is not overridden does nothing."""

else:
    TrainerCallback = registry.imported("transformers.trainer_callback:TrainerCallback")

PREFIX = "harness/"


class SuiteCallback(TrainerCallback):
    """Evaluates a suite on the model that is being trained, logs its figures, and can stop at a failed gate.

    The model is written to a folder of its own and read from there, so that the training's own state is untouched.
    Figures appear in the trainer's log history as `harness/EVALUATION.METRIC`, and go to its loggers with it.

    Args:
        suite: path or name of a suite.
        model: its model in whose place the trained one is put.
        every: steps between evaluations; None for each evaluation of the trainer (`on_evaluate`).
        stop_at_failed_gate: whether a blocking gate that fails ends the training.
        out: folder for run directories.
        store: cache; that of the machine when left out.
        device: as `--device`; training goes on beside it.
    """

    def __init__(
        self,
        suite: str,
        *,
        model: str,
        every: int | None = None,
        stop_at_failed_gate: bool = False,
        out: str | Path = "reports",
        store: Store | None = None,
        device: str = "auto",
    ) -> None:
        self.runs: list[CheckpointRun] = []
        self._every = every
        self._stops = stop_at_failed_gate
        settings = Settings(out=Path(out), device=device)
        self._runner = CheckpointRunner(suite, model, store or Store(), Silent(), settings)

    def on_step_end(self, args: Any, state: Any, control: Any, **given: Any) -> Any:
        """After a step: every `every` steps."""
        if self._every is not None and state.global_step and state.global_step % self._every == 0:
            self._evaluate(state, control, given)
        return control

    def on_evaluate(self, args: Any, state: Any, control: Any, **given: Any) -> Any:
        """After an evaluation of the trainer, where no other rhythm is set."""
        if self._every is None:
            self._evaluate(state, control, given)
        return control

    def _evaluate(self, state: Any, control: Any, given: dict[str, Any]) -> None:
        if not state.is_world_process_zero:
            return
        tokenizer = given.get("processing_class") or given.get("tokenizer")
        with tempfile.TemporaryDirectory(prefix="harness-step-") as folder:
            _write(given["model"], tokenizer, Path(folder))
            # Models are made and asked with seeds of their own: the training's draws go on as if nothing had been.
            with _reproducible()(0):
                made = self._runner.run(int(state.global_step), Path(folder))
        self.runs.append(made)
        figures = {f"{PREFIX}{name}": value for name, value in made.figures.items()}
        state.log_history.append({**figures, f"{PREFIX}failed_gates": len(made.failed), "step": state.global_step})
        if isinstance(given.get("metrics"), dict):
            given["metrics"].update(figures)
        if self._stops and made.failed:
            control.should_training_stop = True


def _reproducible() -> Any:
    return registry.imported("harness.training.loop.reproducible:reproducible")


def _write(model: Any, tokenizer: Any, folder: Path) -> None:
    """The model as a checkpoint folder, without a change of its mode."""
    inner = getattr(model, "module", model)
    inner = getattr(inner, "_orig_mod", inner)
    inner.save_pretrained(folder, safe_serialization=True)
    if tokenizer is not None:
        tokenizer.save_pretrained(folder)

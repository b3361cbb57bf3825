"""A suite on one checkpoint after another while a training goes on: for `harness watch` and for trainers."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.core.errors import Problems, SuiteError, unknown
from harness.core.reporter import Reporter
from harness.pipeline.run_suite import Settings, run_suite
from harness.schema.results.results_file import Results
from harness.schema.results.verdicts import GateResult
from harness.storage.store import Store
from harness.suite.load_suite import build_suite, find_suite
from harness.suite.suite import Suite
from harness.suite.unjudged_gates import without_changed
from harness.suite.yaml.located_document import decode, parse, read_bytes

_STEP = re.compile(r"(\d+)$")
_WEIGHTS = ("model.safetensors", "model.safetensors.index.json", "adapter_model.safetensors")
_STATE = "trainer_state.json"
"""A trainer writes it last, when a checkpoint is whole."""


@dataclass(frozen=True, slots=True)
class CheckpointRun:
    """What a suite says of one checkpoint.

    Attributes:
        step: of the training.
        folder: the checkpoint.
        run: the run directory.
        figures: `evaluation.metric` → the checkpoint's value.
        failed: blocking gates that fail on it.
    """

    step: int
    folder: Path
    run: Path
    figures: Mapping[str, float]
    failed: tuple[GateResult, ...]


class CheckpointRunner:
    """Runs one suite with one of its models replaced by a checkpoint.

    Args:
        suite: path or name of the suite.
        model: the model of the suite in whose place a checkpoint is put.
        store: keeps what does not change from step to step, the base's answers above all.
        settings: of the runs.

    Raises:
        SuiteError: when the suite cannot be read, or has no such model.
    """

    def __init__(self, suite: str, model: str, store: Store, reporter: Reporter, settings: Settings) -> None:
        path = find_suite(suite)
        self._document = parse(decode(read_bytes(path), path), path)
        models = self._document.value.get("models") if isinstance(self._document.value, dict) else None
        if not isinstance(models, dict) or model not in models:
            raise SuiteError(unknown("model", model, list(models) if isinstance(models, dict) else []))
        self._model, self._store, self._reporter, self._settings = model, store, reporter, settings

    def suite(self, folder: Path) -> Suite:
        """The suite on a checkpoint.

        Raises:
            SuiteError: when it is not valid.
        """
        value: dict[str, Any] = dict(self._document.value)
        before = value["models"][self._model]
        kept = {key: before[key] for key in ("labels", "trained_on") if isinstance(before, dict) and key in before}
        adapter = isinstance(before, dict) and "adapter" in before
        entry = {**before, "adapter": str(folder)} if adapter else {"load": str(folder), **kept}
        value["models"] = {**value["models"], self._model: entry}
        suite = build_suite(self._document, value, Problems(self._document.where))
        return without_changed(suite, {"models": {self._model: str(folder)}}, None)

    def run(self, step: int, folder: Path) -> CheckpointRun:
        """Runs the suite on a checkpoint.

        Raises:
            HarnessError: for anything that a person can repair.
        """
        finished = run_suite(self.suite(folder.absolute()), self._store, self._reporter, self._settings)
        return CheckpointRun(
            step, folder, finished.run.path, self._figures(finished.results), self._failed(finished.results)
        )

    def _figures(self, results: Results) -> dict[str, float]:
        return {
            metric.id: value
            for metric in results.metrics
            if metric.model == self._model and metric.slice is None and (value := metric.interval.value) is not None
        }

    def _failed(self, results: Results) -> tuple[GateResult, ...]:
        return tuple(
            gate for gate in results.gates if gate.verdict == "fail" and gate.blocking and gate.model == self._model
        )


def checkpoints_in(folder: Path) -> dict[int, Path]:
    """Step → checkpoint that is whole, of a training's folder, in the order of training."""
    made: dict[int, Path] = {}
    for path in folder.iterdir() if folder.is_dir() else ():
        match = _STEP.search(path.name)
        if match is not None and path.is_dir() and is_whole(path):
            made[int(match.group(1))] = path
    return dict(sorted(made.items()))


def is_whole(folder: Path) -> bool:
    """Whether a folder holds all that a trainer writes; trainers remove old ones, too."""
    return (folder / _STATE).is_file() and any((folder / name).is_file() for name in _WEIGHTS)


def new_checkpoints(folder: Path, done: dict[int, int]) -> Iterator[tuple[int, Path]]:
    """The checkpoints of a folder that are not done yet, and those written anew by a training that was resumed.

    Args:
        folder: of a training.
        done: step → when its checkpoint was finished, in nanoseconds; each that is given is added.
    """
    for step, path in checkpoints_in(folder).items():
        if is_whole(path) and done.get(step) != (written := (path / _STATE).stat().st_mtime_ns):
            done[step] = written
            yield step, path

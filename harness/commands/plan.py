"""What a run would do, before anything is fetched or trained."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from harness.calibration.load_calibration import CalibrationSuite
from harness.commands.plan_gates import PlannedGate, plan_gates
from harness.core.reporter import Reporter
from harness.model_kinds.architecture_presets import configuration_in
from harness.pipeline.checkpoints.checkpoint_builder import CheckpointBuilder
from harness.pipeline.prepared_suite import BoundEvaluation, PreparedSuite, held_out_references, prepare, references
from harness.pipeline.records.record_cache import RecordCache
from harness.schema.suite.data_refs import ref_name
from harness.storage.run_dir import RunDir
from harness.storage.store import Store

if TYPE_CHECKING:
    from harness.data.fetch_preview import DataPreview
    from harness.suite.suite import Suite

# Share of a plain matrix product's rate that training of small models reaches; measured roughly, for
# a rough forecast only.
EFFICIENCY = 0.3
SECONDS_PER_EVALUATION = 3.0
SECONDS_PER_STAGE = 3.0
# Share of a data set's rows that is the training split, before the data is here to be counted.
TRAINING_SHARE = 0.8


@dataclass(frozen=True)
class PlannedStep:
    """One step. `cached` is None when it cannot be known before the data is here."""

    kind: str
    name: str
    cached: bool | None
    detail: str
    seconds: float | None = None


@dataclass(frozen=True)
class Plan:
    """Steps, data and gates of a suite."""

    data: list[DataPreview]
    steps: list[PlannedStep]
    gates: list[PlannedGate]

    @property
    def seconds(self) -> float:
        return sum(step.seconds or 0.0 for step in self.steps)

    def to_json(self) -> dict[str, Any]:
        return {
            "data": [dataclasses.asdict(entry) for entry in self.data],
            "steps": [dataclasses.asdict(entry) for entry in self.steps],
            "gates": [dataclasses.asdict(entry) for entry in self.gates],
            "seconds": self.seconds,
        }


def plan_suite(
    suite: Suite, store: Store, reporter: Reporter, *, limit: int | None = None, earlier: RunDir | None = None
) -> Plan:
    """Plans a suite. Reads data only when all of it is in the cache or on this disk.

    Args:
        earlier: a finished run; gates on figures whose spread is not known beforehand are planned with its.
    """
    from harness.data.fetch_preview import preview

    needed = {**held_out_references(suite), **references(suite)}
    previews = [preview(ref, name=name, base=suite.folder, store=store) for name, ref in needed.items()]
    if all(entry.cached for entry in previews):
        prepared = prepare(suite, store, reporter, limit=limit)
        if isinstance(suite, CalibrationSuite):
            steps = [_worlds(suite), *_steps(suite, prepared, store, reporter)]
            return Plan(previews, steps, [*_over_worlds(suite), *_left_out(suite)])
        builder = CheckpointBuilder(prepared, store, reporter)
        gates = plan_gates(prepared, RecordCache(prepared, builder, store, reporter), earlier)
        return Plan(previews, _steps(suite, prepared, store, reporter), [*gates, *_left_out(suite)])
    rows = {entry.name: entry.rows or 0 for entry in previews}
    rate = _matrix_rate()
    steps = [_guessed(suite, name, rows, rate) for name in suite.models]
    seconds = SECONDS_PER_EVALUATION * len(suite.models)
    for name, spec in [*suite.tasks.items(), *suite.probes.items()]:
        steps.append(PlannedStep("evaluate", name, None, spec.kind, seconds))
    unknown = "its power is unknown until the data is fetched (`harness data fetch`)"
    gates = [PlannedGate(rule.id, unknown) for rule in suite.gates.rules]
    return Plan(previews, steps, [*gates, *_left_out(suite)])


def _left_out(suite: Suite) -> list[PlannedGate]:
    """Gates that `--only` leaves nothing to judge for."""
    return [
        PlannedGate(
            gate.rule.id, f"cannot be judged{f' of {gate.model}' if gate.model else ''}: {gate.reason}.", possible=False
        )
        for gate in suite.gates.left_out
    ]


def _worlds(suite: CalibrationSuite) -> PlannedStep:
    count = sum(1 for _ in suite.planted_bias.cells())
    return PlannedStep("worlds", f"{count}", None, "each runs the steps below; times are those of the first one")


def _over_worlds(suite: Suite) -> list[PlannedGate]:
    """The unit of these gates is the world, whose spread no item tells."""
    return [PlannedGate(rule.id, f"{rule.kind}: judged over worlds, not over items") for rule in suite.gates.rules]


def _guessed(suite: Suite, model: str, rows: Mapping[str, int], rate: float) -> PlannedStep:
    """A stage whose data is not here yet: its time follows from the sizes that the catalog states."""
    spec = suite.models[model]
    if not spec.trained:
        return PlannedStep("stage", model, None, spec.label)
    known = max((rows.get(name, 0) for name in _data_of(suite, spec.task)), default=0)
    seconds = _training_seconds(suite, model, round(known * TRAINING_SHARE), rate)
    count = spec.seeds or 1
    times = f", {count} training seeds" if count > 1 else ""
    return PlannedStep("stage", model, None, spec.label + times, seconds * count)


def _data_of(suite: Suite, task: str | None) -> list[str]:
    if task is None:
        return []
    spec = suite.tasks[task]
    return [ref_name(ref) for ref in spec.cls.data_names(spec.options)]


def _steps(suite: Suite, prepared: PreparedSuite, store: Store, reporter: Reporter) -> list[PlannedStep]:
    builder = CheckpointBuilder(prepared, store, reporter)
    rate = _matrix_rate()
    steps: list[PlannedStep] = []
    for model in builder.order():
        spec = suite.models[model]
        cached = builder.cached(model)
        untrained = not cached and spec.trained
        seconds = (
            None
            if not untrained
            else _training_seconds(suite, model, len(builder.data_inputs(model).train), rate, builder)
        )
        steps.append(PlannedStep("stage", model, cached, spec.label, seconds))
        for seed in builder.further_seeds(model) if model in suite.contenders else ():
            cached = builder.cached(model, seed)
            rows = len(builder.data_inputs(model).train)
            seconds = None if cached else _training_seconds(suite, model, rows, rate, builder)
            steps.append(PlannedStep("stage", f"{model} seed {seed}", cached, spec.label, seconds))
    cache = RecordCache(prepared, builder, store, reporter)
    for name, bound in prepared.asked.items():
        count = sum(1 + len(builder.further_seeds(model)) for model in suite.contenders)
        n = cache.item_set(bound).n
        ready = _answered(bound, builder, cache, store)
        missing = count - ready
        seconds = missing * SECONDS_PER_EVALUATION if missing else None
        steps.append(
            PlannedStep("evaluate", name, missing == 0, f"{n} items × {count} models, {ready} cached", seconds)
        )
    return steps


def _answered(bound: BoundEvaluation, builder: CheckpointBuilder, cache: RecordCache, store: Store) -> int:
    ready = 0
    for model in builder.prepared.suite.contenders:
        if not builder.cached(model):
            continue
        ready += cache.is_cached(bound, builder.checkpoint(model))
        for seed in builder.further_seeds(model):
            if builder.cached(model, seed):
                ready += cache.is_cached(bound, builder.replicate(model, seed))
    return ready


def _training_seconds(
    suite: Suite, model: str, rows: int, rate: float, builder: CheckpointBuilder | None = None
) -> float:
    spec = suite.models[model]
    cost = spec.kind.estimate(spec.options, rows, _configuration(suite, model, builder))
    return SECONDS_PER_STAGE + (cost.flops / (rate * EFFICIENCY) if cost.seconds is None else cost.seconds)


def _configuration(suite: Suite, model: str, builder: CheckpointBuilder | None) -> Mapping[str, Any] | None:
    """The shape of the model that a stage starts from, as far as the suite or a checkpoint at hand says it."""
    name = suite.models[model].parent
    while name is not None:
        spec = suite.models[name]
        if not spec.trained and builder is not None and builder.cached(name):
            return configuration_in(builder.checkpoint(name).path)
        configuration = spec.kind.configuration(spec.options, suite.folder)
        if configuration is not None:
            return configuration
        name = spec.parent
    return None


def _matrix_rate() -> float:
    """Multiply-adds of a float32 matrix product on this machine, FLOP/s (0.1 s of measuring)."""
    import numpy as np

    size = 512
    left = np.ones((size, size), dtype=np.float32)
    left @ left
    started, rounds = time.perf_counter(), 0
    while time.perf_counter() - started < 0.1:
        left @ left
        rounds += 1
    return 2 * size**3 * rounds / (time.perf_counter() - started)

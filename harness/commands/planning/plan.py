"""What a run would do, before anything is fetched or trained."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from harness.calibration.load_calibration import CalibrationSuite
from harness.commands.planning.plan_gates import PlannedGate, plan_gates
from harness.commands.planning.plan_times import (
    CHARACTERS_PER_TOKEN,
    WRITTEN_ROW,
    Machine,
    statistics_seconds,
    token_lengths,
    with_lengths,
)
from harness.core.examples import Example
from harness.core.reporter import Reporter
from harness.evaluations.probes.inference_cost import InferenceCost
from harness.evaluations.reference_base import ReferenceTask
from harness.model_kinds.architecture_presets import configuration_in
from harness.pipeline.checkpoints.checkpoint_builder import CheckpointBuilder
from harness.pipeline.checkpoints.named_checkpoints import catalog_configuration
from harness.pipeline.prepared_suite import BoundEvaluation, PreparedSuite, held_out_references, prepare, references
from harness.pipeline.records.record_cache import RecordCache
from harness.pipeline.records.timing_session import timings_are_cached
from harness.schema.suite.data_refs import DataRef, ref_name
from harness.storage.run_dir import RunDir
from harness.storage.store import Store

if TYPE_CHECKING:
    from harness.data.fetch_preview import DataPreview
    from harness.suite.suite import EvaluationSpec, Suite

# How many items an evaluation without a limit may have, before its data is here to be counted.
GUESSED_ITEMS = 1000
# And one that reads no data, but has its prompts in the suite.
OWN_PROMPTS = 4
# Share of a data set's rows that is the training split, before the data is here to be counted.
TRAINING_SHARE = 0.8
_COUNTED = 200


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
    previews = [_counted(entry, needed[entry.name], suite, store, reporter) for entry in previews]
    rows = {entry.name: entry.rows or 0 for entry in previews}
    machine = Machine.here()
    steps = [_guessed(suite, name, rows, machine) for name in suite.models]
    for name, spec in [*suite.tasks.items(), *suite.probes.items()]:
        steps.append(_guessed_answers(suite, name, spec, machine, limit))
    steps.append(_statistics(len(suite.models) * GUESSED_ITEMS * len(suite.evaluated), sum(rows.values())))
    unknown = "its power is unknown until the data is fetched (`harness data fetch`)"
    gates = [PlannedGate(rule.id, unknown) for rule in suite.gates.rules]
    return Plan(previews, steps, [*gates, *_left_out(suite)])


def _counted(entry: DataPreview, ref: DataRef, suite: Suite, store: Store, reporter: Reporter) -> DataPreview:
    """Rows that are made or read on this machine are counted, as no catalog states them."""
    from harness.data.open_dataset import open_dataset

    if not entry.cached or entry.rows is not None:
        return entry
    data = open_dataset(ref, name=entry.name, base=suite.folder, store=store, reporter=reporter, offline=True)
    return dataclasses.replace(entry, rows=sum(data.size(split)[0] for split in data.rows))


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


def _guessed(suite: Suite, model: str, rows: Mapping[str, int], machine: Machine) -> PlannedStep:
    """A stage whose data is not here yet: its time follows from the sizes that the catalog states."""
    spec = suite.models[model]
    if not spec.trained:
        return PlannedStep("stage", model, None, spec.label)
    learned = [*spec.data, *_data_of(suite, spec.task)]
    known = sum(rows.get(name, 0) for name in learned)
    seconds = _training_seconds(suite, model, round(known * TRAINING_SHARE), machine)
    count = spec.seeds or 1
    times = f", {count} training seeds" if count > 1 else ""
    return PlannedStep("stage", model, None, spec.label + times, seconds * count)


def _guessed_answers(suite: Suite, name: str, spec: EvaluationSpec, machine: Machine, limit: int | None) -> PlannedStep:
    """An evaluation whose data is not here yet: its time follows from its limit and the sizes of the models."""
    most = GUESSED_ITEMS if spec.cls.data_names(spec.options) else OWN_PROMPTS
    count = min([most, *(given for given in (limit, spec.raw.get("limit")) if given is not None)])
    asked = [model for model in suite.contenders if suite.asks(model, name)]
    shapes = [_network(suite, model, None) for model in asked]
    seconds = sum(machine.answering(spec.kind, spec.options, [WRITTEN_ROW] * count, shape) for shape in shapes)
    return PlannedStep("evaluate", name, None, f"{spec.kind}; a rough guess until its data is fetched", seconds)


def _data_of(suite: Suite, task: str | None) -> list[str]:
    if task is None:
        return []
    spec = suite.tasks[task]
    return [ref_name(ref) for ref in spec.cls.data_names(spec.options)]


def _steps(suite: Suite, prepared: PreparedSuite, store: Store, reporter: Reporter) -> list[PlannedStep]:
    builder = CheckpointBuilder(prepared, store, reporter)
    machine = Machine.here()
    steps: list[PlannedStep] = []
    for model in builder.order():
        spec = suite.models[model]
        cached = builder.cached(model)
        untrained = not cached and spec.trained
        seconds = None if not untrained else _training_seconds(suite, model, _rows(builder, model), machine, builder)
        fetched = not untrained or _at_hand(suite, model, builder)
        detail = spec.label if fetched else f"{spec.label}; a rough guess until its start is fetched"
        steps.append(PlannedStep("stage", model, cached, detail, seconds))
        for seed in builder.further_seeds(model) if model in suite.contenders else ():
            cached = builder.cached(model, seed)
            rows = _rows(builder, model)
            seconds = None if cached else _training_seconds(suite, model, rows, machine, builder)
            steps.append(PlannedStep("stage", f"{model} seed {seed}", cached, spec.label, seconds))
    cache = RecordCache(prepared, builder, store, reporter)
    records = 0
    for name, bound in prepared.asked.items():
        asked = [(model, seed) for model, seed in _checkpoints(builder) if suite.asks(model, name)]
        waiting = [model for model, seed in asked if not _answered(bound, builder, cache, model, seed)]
        shapes = [_network(suite, model, builder) for model in waiting]
        items = cache.items(bound) if waiting else []
        evaluation, lengths = bound.evaluation, token_lengths(items)
        asking = [machine.answering(evaluation.kind, evaluation.options, lengths, shape) for shape in shapes]
        seconds = sum(asking) if waiting else None
        n, count = cache.item_set(bound).n, len(asked)
        detail = f"{n} items × {count} models, {count - len(waiting)} cached"
        steps.append(PlannedStep("evaluate", name, not waiting, detail, seconds))
        records += n * count
    steps += _timings(prepared, machine, cache)
    if any(not step.cached for step in steps):
        steps.append(
            _statistics(records, sum(data.size(split)[0] for data in prepared.datasets.values() for split in data.rows))
        )
    return steps


def _timings(prepared: PreparedSuite, machine: Machine, cache: RecordCache) -> list[PlannedStep]:
    """Models that take turns: each visit asks all inputs alone and then together."""
    steps = []
    suite = prepared.suite
    for name, bound in prepared.timed.items():
        evaluation = bound.evaluation
        assert isinstance(evaluation, InferenceCost)
        inputs = evaluation.inputs(bound.data, bound.split)
        models = [model for model in suite.contenders if suite.asks(model, name)]
        visits = 2 * evaluation.options.blocks + evaluation.options.warm_up
        shapes = [_network(suite, model, cache.builder) for model in models]
        task, lengths = evaluation.task, token_lengths(inputs)
        seconds = sum(2 * visits * machine.answering(task.kind, task.options, lengths, shape) for shape in shapes)
        detail = f"{evaluation.options.blocks} blocks × {len(inputs)} inputs × {len(models)} models, in turn"
        made = all(cache.builder.cached(model) for model in models)
        cached = made and timings_are_cached(cache, bound, [cache.builder.checkpoint(model) for model in models])
        steps.append(PlannedStep("time", name, cached, detail, None if cached else seconds))
    return steps


def _statistics(records: int, rows: int) -> PlannedStep:
    return PlannedStep(
        "statistics", "all", False, "figures, intervals, gates, data audits", statistics_seconds(records, rows)
    )


def _rows(builder: CheckpointBuilder, model: str) -> int:
    """The rows that a stage learns from: examples of its task, or texts."""
    inputs = builder.data_inputs(model)
    return len(inputs.train) + sum(map(len, inputs.texts.values()))


def _checkpoints(builder: CheckpointBuilder) -> list[tuple[str, int | None]]:
    """Every checkpoint that is asked: (model, further seed or None)."""
    models = builder.prepared.suite.contenders
    return [(model, seed) for model in models for seed in (None, *builder.further_seeds(model))]


def _answered(
    bound: BoundEvaluation, builder: CheckpointBuilder, cache: RecordCache, model: str, seed: int | None
) -> bool:
    if not builder.cached(model) or (seed is not None and not builder.cached(model, seed)):
        return False
    return cache.is_cached(bound, builder.checkpoint(model) if seed is None else builder.replicate(model, seed))


def _at_hand(suite: Suite, model: str, builder: CheckpointBuilder) -> bool:
    """Whether the sizes of what a stage starts from are known: those of a checkpoint only once it is here."""
    parent = suite.models[model].parent
    while parent is not None:
        if not suite.models[parent].trained:
            return builder.cached(parent) or _stated(suite, parent) is not None
        parent = suite.models[parent].parent
    return True


def _network(suite: Suite, model: str, builder: CheckpointBuilder | None) -> Mapping[str, Any] | None:
    """The transformers configuration of a model that answers; None for one that is no network."""
    spec = suite.models[model]
    if not spec.trained and builder is not None and builder.cached(model):
        return configuration_in(builder.checkpoint(model).path)
    own = _stated(suite, model)
    if own is not None:
        return own
    return None if spec.parent is None else _configuration(suite, model, builder)


def _training_seconds(
    suite: Suite, model: str, rows: int, machine: Machine, builder: CheckpointBuilder | None = None
) -> float:
    spec = suite.models[model]
    start = _configuration(suite, model, builder)
    rows = min(rows, spec.max_train_rows or rows)
    cost = spec.kind.estimate(spec.options, rows, start)
    if spec.task is not None and spec.task in suite.tasks and cost.seconds is None:
        examples = builder.data_inputs(model).train if builder is not None else ()
        writes = issubclass(suite.tasks[spec.task].cls, ReferenceTask)
        cost = with_lengths(cost, start, length=_length(examples), writes=writes)
        # Of a module with eight functions eight bodies are learned.
        each = len(examples) / rows if examples else 1.0
        cost = dataclasses.replace(cost, tokens=cost.tokens * each, flops=cost.flops * each, steps=cost.steps * each)
    return machine.training(cost, rows, start)


def _length(examples: Sequence[Example]) -> float | None:
    """Tokens per example of what a stage learns from, counted on some of them; None before the data is here."""
    counted = examples[:_COUNTED]
    if not counted:
        return None
    return sum(len(text) for example in counted for text in example.texts()) / CHARACTERS_PER_TOKEN / len(counted) + 2


def _configuration(suite: Suite, model: str, builder: CheckpointBuilder | None) -> Mapping[str, Any] | None:
    """The shape of the model that a stage starts from, as far as the suite or a checkpoint at hand says it."""
    name = suite.models[model].parent
    while name is not None:
        spec = suite.models[name]
        if not spec.trained and builder is not None and builder.cached(name):
            return configuration_in(builder.checkpoint(name).path)
        configuration = _stated(suite, name)
        if configuration is not None:
            return configuration
        name = spec.parent
    return None


def _stated(suite: Suite, model: str) -> Mapping[str, Any] | None:
    """The transformers configuration that a model's options, the catalog of checkpoints, or its own folder states."""
    spec = suite.models[model]
    stated: Mapping[str, Any] | None = spec.kind.configuration(spec.options, suite.folder)
    if stated is not None:
        return stated
    existing = spec.kind.existing(spec.options)
    if existing is None:
        return None
    return catalog_configuration(existing.place) or configuration_in(suite.folder / existing.place)

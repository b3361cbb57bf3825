"""The steps of a run."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from harness.pipeline.answered_evaluation import AnsweredEvaluation, SuiteAnswers
from harness.pipeline.checkpoints.checkpoint import Checkpoint
from harness.pipeline.checkpoints.checkpoint_builder import CheckpointBuilder
from harness.pipeline.checkpoints.equal_weights import equal_weights
from harness.pipeline.first_figures import FirstFigures
from harness.pipeline.prepared_suite import PreparedSuite, prepare
from harness.pipeline.records.base_selection import choose_baselines, competes, ways_of
from harness.pipeline.records.private_texts import RecordWriter
from harness.pipeline.records.record_cache import RecordCache
from harness.pipeline.records.timing_session import timed_answers
from harness.pipeline.results.assembly import assemble
from harness.pipeline.results.choices import choosing
from harness.pipeline.results.inference_cost import request_costs
from harness.pipeline.results.series_results import selecting, validation_values
from harness.pipeline.run_context import RunContext
from harness.pipeline.sequential_run import look_until_decided
from harness.pipeline.suite_lock import attempt_number
from harness.schema.results.results_file import Results
from harness.schema.run_info import RunInfo, StepTiming
from harness.storage import atomic
from harness.storage.run_dir import RunDir


class Clock:
    """Measures steps, for run.json."""

    def __init__(self, info: RunInfo) -> None:
        self.info = info

    @contextmanager
    def step(self, name: str, kind: str) -> Iterator[dict[str, bool]]:
        """Times a block; set `["cached"] = True` in it when nothing had to be done."""
        facts = {"cached": False}
        started = time.monotonic()
        yield facts
        self.info.steps.append(
            StepTiming(name=name, kind=kind, seconds=round(time.monotonic() - started, 3), cached=facts["cached"])
        )


def carry_out(context: RunContext) -> Results:
    """Carries a plain suite out: data, checkpoints, records, results."""
    clock, run = Clock(context.info), context.run
    with clock.step("data", "data"):
        prepared = _prepared(context)
    builder = CheckpointBuilder(prepared, context.store, context.reporter)
    cache = RecordCache(prepared, builder, context.store, context.reporter, device=context.settings.device)
    first = None if context.settings.until_decided else FirstFigures(cache, context.reporter)
    checkpoints = make_checkpoints(builder, clock, run, first)
    replicates = make_replicates(builder, clock, run)
    _note_checkpoints(context.info, checkpoints, replicates, builder.loaded)

    def look(cache: RecordCache) -> Results:
        prepared = cache.prepared
        answers = collect(cache, checkpoints, replicates, clock, run, first)
        _note_costs(context.info, prepared, answers)
        context.info.peak_memory = max(context.info.peak_memory or 0, cache.highest_memory or 0)
        with clock.step("statistics", "compare"):
            baselines = choose_baselines(cache, checkpoints, answers)
            counted = replace(context, attempt=attempt_number(context.settings.lock, run))
            validation, chosen_by = validation_values(cache, checkpoints), choosing(cache, checkpoints)
            return assemble(counted, prepared, checkpoints, answers, baselines, validation, chosen_by)

    if first is not None:
        return look(cache)

    def part(prepared: PreparedSuite) -> Results:
        return look(RecordCache(prepared, builder, context.store, context.reporter, device=context.settings.device))

    sizes = {name: cache.item_set(bound).n for name, bound in prepared.asked.items()}
    return look_until_decided(prepared, sizes, part, context.reporter)


def _prepared(context: RunContext) -> PreparedSuite:
    if context.prepared is not None:
        return replace(context.prepared, code=context.code)
    limit = context.settings.limit
    return prepare(context.suite, context.store, context.reporter, limit=limit, code=context.code)


def make_checkpoints(
    builder: CheckpointBuilder, clock: Clock, run: RunDir, first: FirstFigures | None = None
) -> dict[str, Checkpoint]:
    """Makes or finds every model of the suite, parents first; copies training logs to the run.

    Args:
        first: asks each model that is trained here, before the next one is.
    """
    made: dict[str, Checkpoint] = {}
    builder.require_extras()
    for model in builder.order():
        with clock.step(model, "stage") as facts:
            made[model] = builder.checkpoint(model)
            facts["cached"] = made[model].cached
        if not made[model].in_place:
            _copy_log(made[model], run, model)
        if first is not None and not made[model].cached and model in builder.prepared.suite.contenders:
            with clock.step(model, "evaluate") as facts:
                facts["cached"] = first.ask(made[model])
    for note in equal_weights(builder, made):
        builder.reporter.warn(note)
    return made


def make_replicates(builder: CheckpointBuilder, clock: Clock, run: RunDir) -> dict[str, list[Checkpoint]]:
    """Makes or finds the further training seeds of the models that are asked."""
    made: dict[str, list[Checkpoint]] = {}
    for model in builder.prepared.suite.contenders:
        for seed in builder.further_seeds(model):
            with clock.step(f"{model} seed {seed}", "stage") as facts:
                checkpoint = builder.replicate(model, seed)
                facts["cached"] = checkpoint.cached
            made.setdefault(model, []).append(checkpoint)
            _copy_log(checkpoint, run, f"{model}.seed-{seed}")
    return made


def _copy_log(checkpoint: Checkpoint, run: RunDir, name: str) -> None:
    log = checkpoint.path / "training.jsonl"
    if log.is_file():
        atomic.write_bytes(run.training_path(name), log.read_bytes())


def _note_checkpoints(
    info: RunInfo,
    checkpoints: Mapping[str, Checkpoint],
    replicates: Mapping[str, Sequence[Checkpoint]],
    loaded: Mapping[str, Path],
) -> None:
    """Writes down where models came from, the bases of adapters too, and what their training took."""
    named = dict(checkpoints)
    named |= {f"{made.model} seed {made.seed}": made for several in replicates.values() for made in several}
    for name, made in named.items():
        info.checkpoints[name] = str(made.path) if made.in_place else made.key
        if "measured" in made.meta:
            info.training[name] = dict(made.meta["measured"])
    for key, folder in loaded.items():
        if str(folder) not in info.checkpoints.values():
            info.checkpoints[f"base {key[:12]}"] = str(folder)


def collect(
    cache: RecordCache,
    checkpoints: Mapping[str, Checkpoint],
    replicates: Mapping[str, Sequence[Checkpoint]],
    clock: Clock,
    run: RunDir,
    first: FirstFigures | None = None,
) -> SuiteAnswers:
    """Brings the records of every model on every evaluation into the run directory.

    Args:
        replicates: model → its checkpoints with further training seeds.
        first: shows a row for each model that is asked.
    """
    prepared = cache.prepared
    overlap = cache.overlap()
    item_sets = {name: cache.item_set(bound) for name, bound in prepared.reported.items()}
    writer = RecordWriter(run, prepared, cache.store.root)
    for name, bound in prepared.reported.items():
        writer.items(name, cache.items_file(bound))
        shutil.rmtree(run.path / "records" / name, ignore_errors=True)
    variants = ways_of(prepared)
    selector = selecting(prepared)
    steps = {step.model for series in prepared.suite.series.values() for step in series}
    evaluations: list[AnsweredEvaluation] = []
    for model in cache.by_base({model: checkpoints[model] for model in prepared.suite.contenders}):
        for checkpoint in (checkpoints[model], *replicates.get(model, ())):
            own = checkpoint is checkpoints[model]
            title = model if own else f"{model} seed {checkpoint.seed}"
            with clock.step(title, "evaluate") as facts:
                facts["cached"] = True
                for name, bound in prepared.asked.items():
                    if not prepared.suite.asks(model, name):
                        continue
                    if own and ((model in variants and competes(bound)) or (model in steps and bound is selector)):
                        facts["cached"] &= cache.answer(bound, checkpoint, "validation").cached
                    answered = cache.answer(bound, checkpoint)
                    facts["cached"] &= answered.cached
                    path = run.records_path(name, model) if own else run.replicate_path(name, model, checkpoint.seed)
                    if answered.records is not None:
                        writer.records(path, name, answered.records.with_overlap(overlap.get(name, frozenset())))
                    for further in answered.further_seeds:
                        writer.records(run.replicate_path(name, model, further.head.seed), name, further)
                    if own:
                        if first is not None:
                            first.add(answered)
                        evaluations.append(replace(answered, records=None, further_seeds=()))
            if first is not None and own:
                first.show(model)
            cache.release(checkpoint)
    evaluations += time_in_turn(cache, checkpoints, clock, writer)
    show_changed(writer, cache, checkpoints, overlap)
    return SuiteAnswers(evaluations, item_sets)


def time_in_turn(
    cache: RecordCache, checkpoints: Mapping[str, Checkpoint], clock: Clock, writer: RecordWriter
) -> list[AnsweredEvaluation]:
    """Times the models that the suite declares, all of them together, and writes the blocks."""
    suite = cache.prepared.suite
    evaluations: list[AnsweredEvaluation] = []
    for name, bound in cache.prepared.timed.items():
        with clock.step(name, "time") as facts:
            models = {model: checkpoints[model] for model in suite.contenders if suite.asks(model, name)}
            answers = timed_answers(cache, bound, models)
            facts["cached"] = all(answered.cached for answered in answers)
        for answered in answers:
            if answered.records is not None:
                writer.records(writer.run.records_path(name, answered.model), name, answered.records)
            evaluations.append(replace(answered, records=None, further_seeds=()))
    return evaluations


def show_changed(
    writer: RecordWriter,
    cache: RecordCache,
    checkpoints: Mapping[str, Checkpoint],
    overlap: Mapping[str, frozenset[str]],
) -> None:
    """Writes the items and records of what was fixed or broken again with their texts, where the suite wants it."""
    for name, bound in cache.prepared.asked.items():
        kept = writer.changed_items(name)
        if not kept:
            continue
        writer.items(name, cache.items_file(bound), kept)
        for model in writer.run.models(name):
            records = cache.answer(bound, checkpoints[model]).records
            assert records is not None
            marked = records.with_overlap(overlap.get(name, frozenset()))
            writer.records(writer.run.records_path(name, model), name, marked, kept)


def _note_costs(info: RunInfo, prepared: PreparedSuite, answers: SuiteAnswers) -> None:
    """Writes down what asking took, and what it costs per 1,000 items."""
    models = prepared.suite.models
    info.asking = answers.seconds
    info.requests = request_costs(
        info.asking,
        {name: items.n for name, items in answers.item_sets.items()},
        {name: spent for name in models if (spent := info.training_seconds(name)) is not None},
        {name: spec.parent for name, spec in models.items()},
        threads=int(os.environ.get("OMP_NUM_THREADS") or os.cpu_count() or 1),
        work=answers.work,
    )

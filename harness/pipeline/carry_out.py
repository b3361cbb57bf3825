"""The steps of a run."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from harness.pipeline.checkpoints.checkpoint import Checkpoint
from harness.pipeline.checkpoints.checkpoint_builder import Workshop
from harness.pipeline.prepared_suite import Prepared
from harness.pipeline.records.base_selection import competes, ways_of
from harness.pipeline.records.record_cache import Answers
from harness.pipeline.results.inference_cost import request_costs
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


def make_checkpoints(workshop: Workshop, clock: Clock, run: RunDir | None) -> dict[str, Checkpoint]:
    """Makes or finds every model of the suite, parents first; copies training logs to the run."""
    made: dict[str, Checkpoint] = {}
    workshop.require_extras()
    for model in workshop.order():
        with clock.step(model, "stage") as facts:
            made[model] = workshop.checkpoint(model)
            facts["cached"] = made[model].cached
        log = made[model].path / "training.jsonl"
        if run is not None and log.is_file() and not made[model].in_place:
            atomic.write_bytes(run.training_path(model), log.read_bytes())
    return made


def make_replicates(workshop: Workshop, clock: Clock, run: RunDir) -> dict[str, list[Checkpoint]]:
    """Makes or finds the further training seeds of the models that are asked."""
    made: dict[str, list[Checkpoint]] = {}
    for model in workshop.prepared.suite.contenders:
        for seed in workshop.further_seeds(model):
            with clock.step(f"{model} seed {seed}", "stage") as facts:
                checkpoint = workshop.replicate(model, seed)
                facts["cached"] = checkpoint.cached
            made.setdefault(model, []).append(checkpoint)
            log = checkpoint.path / "training.jsonl"
            if log.is_file():
                atomic.write_bytes(run.training_path(f"{model}.seed-{seed}"), log.read_bytes())
    return made


def collect(
    prepared: Prepared,
    checkpoints: Mapping[str, Checkpoint],
    answers: Answers,
    clock: Clock,
    run: RunDir,
    further: Mapping[str, Sequence[Checkpoint]],
) -> Answers:
    """Brings the records of every model on every evaluation into the run directory.

    Args:
        further: model → its checkpoints with further training seeds.
    """
    overlapping = answers.overlap()
    for name, bound in prepared.asked.items():
        items_file = answers.items_file(bound)
        target = run.items_path(name)
        target.parent.mkdir(parents=True, exist_ok=True)
        atomic.write_bytes(target, items_file.read_bytes())
        stale = run.path / "records" / name
        shutil.rmtree(stale, ignore_errors=True)
    ways = ways_of(prepared)
    for model in answers.by_base({model: checkpoints[model] for model in prepared.suite.contenders}):
        checkpoint = checkpoints[model]
        with clock.step(model, "evaluate") as facts:
            facts["cached"] = True
            for name, bound in prepared.asked.items():
                if model in ways and competes(bound):
                    facts["cached"] &= answers.records(bound, checkpoint, "validation")[1]
                records, cached = answers.records(bound, checkpoint)
                facts["cached"] &= cached
                if records is not None:
                    marked = records.with_overlap(overlapping.get(name, frozenset()))
                    marked.write(run.records_path(name, model))
        answers.release(checkpoint)
        for replicate in further.get(model, ()):
            with clock.step(f"{model} seed {replicate.seed}", "evaluate") as facts:
                facts["cached"] = True
                for name, bound in prepared.asked.items():
                    records, cached = answers.records(bound, replicate)
                    facts["cached"] &= cached
                    if records is not None:
                        marked = records.with_overlap(overlapping.get(name, frozenset()))
                        marked.write(run.replicate_path(name, model, replicate.seed))
            answers.release(replicate)
    for (name, model), seconds in answers.seconds.items():
        clock.info.asking.setdefault(name, {})[model] = seconds
    clock.info.requests = request_costs(
        clock.info.asking,
        {name: answers.item_set(bound).n for name, bound in prepared.asked.items()},
        {name: spent for name in prepared.suite.models if (spent := clock.info.training_seconds(name)) is not None},
        {name: spec.parent for name, spec in prepared.suite.models.items()},
        threads=int(os.environ.get("OMP_NUM_THREADS") or os.cpu_count() or 1),
        work=answers.work,
    )
    clock.info.peak_memory = answers.highest_memory
    return answers

"""Carries a suite out in many planted worlds: a record is then one world, and its statistics are the probes' figures.

Every world is a unit of work of its own, kept in the store: a killed run goes on with the next one.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from harness.calibration.load_calibration import CalibrationSuite
from harness.calibration.measure import World, alarms, measured
from harness.calibration.planted_metrics import ALARM, DOSE, FIGURE, STRONG, ZERO, world_metrics
from harness.comparisons.meanings import meanings
from harness.core.digests import digest
from harness.core.errors import SuiteError, Where
from harness.core.evaluation import Item
from harness.core.metric import MetricContext
from harness.core.records import Record, Records, RecordsHead
from harness.core.reporter import Silent
from harness.metrics.build_metrics import build_metrics
from harness.pipeline.prepared_suite import PreparedSuite, prepare
from harness.pipeline.records.record_cache import answer_policy_of
from harness.pipeline.results.gate_verdicts import verdicts, wanted_pairs
from harness.pipeline.results.scoring import ScoringContext, ScoringSpec, score, store_memo
from harness.pipeline.run_context import RunContext
from harness.schema.results.inputs import EvaluationResult, ModelResult
from harness.schema.results.results_file import Results
from harness.schema.run_info import StepTiming
from harness.storage.items_file import write_items
from harness.storage.records_file import write_records
from harness.storage.run_dir import RunDir
from harness.suite.suite import Suite

Cell = tuple[float, int]
"""(dose, world)."""
WORLD = "world"
WORLD_FORMAT = 1


def over_worlds(context: RunContext) -> Results:
    """Measures all worlds of a suite and scores, compares and judges them as any other records."""
    suite, store = context.suite, context.store
    if context.settings.until_decided:
        raise SuiteError(
            "`--until-decided` does not fit a calibration suite, which measures every world whole.",
            where=Where(suite.path),
            hint="run it without `--until-decided`.",
        )
    assert isinstance(suite, CalibrationSuite)
    policy = answer_policy_of(context.settings.device)
    cells = list(suite.planted_bias.cells())
    worlds: dict[Cell, World] = {}
    with context.reporter.task("worlds", total=len(cells), unit="worlds") as task:
        for dose, world in cells:
            started = time.monotonic()
            prepared = prepare(suite.in_world(dose, world), store, context.reporter, code=context.code)
            key = digest(
                {
                    "format": WORLD_FORMAT,
                    "suite": suite.digest,
                    "seed": prepared.suite.seed,
                    "data": {name: data.fingerprint for name, data in prepared.datasets.items()},
                    "policy": policy,
                }
            )
            cached = store.get("worlds", key) is not None

            def build(_: Any, prepared: PreparedSuite = prepared) -> dict[str, Any]:
                return {"world": measured(prepared, store, Silent(), device=context.settings.device)}

            worlds[dose, world] = store.make("worlds", key, build).meta["world"]
            name, seconds = f"dose {dose:g}, world {world}", round(time.monotonic() - started, 3)
            context.info.steps.append(StepTiming(name=name, kind="world", seconds=seconds, cached=cached))
            task.advance()
    return _assembled(context, suite, worlds)


def _assembled(context: RunContext, suite: CalibrationSuite, worlds: Mapping[Cell, World]) -> Results:
    from harness.gates.alpha_levels import alpha_levels, is_sequential
    from harness.gates.overall_verdict import overall

    run = context.run
    evaluations = [
        _evaluation(run, suite, name, worlds) for name in suite.evaluated if suite.evaluations[name].role == "probe"
    ]
    scoring = ScoringContext(
        alphas=lambda metric: alpha_levels(suite.gates, metric),
        anytime=lambda metric: is_sequential(suite.gates, metric),
        seed=suite.seed,
        reporter=context.reporter,
        memo=store_memo(context.store),
    )
    specs = [ScoringSpec.of(evaluation) for evaluation in evaluations]
    scores = score(run, specs, wanted_pairs(suite, evaluations), scoring)
    gates = verdicts(run, suite, scores.metrics, scores.comparisons, evaluations, today=context.today)
    first = next(iter(worlds.values()))
    return Results(
        suite=suite.name,
        suite_digest=suite.digest,
        title=suite.title or suite.name,
        seed=suite.seed,
        baseline=suite.compare.baseline,
        candidates=list(suite.candidates),
        release=list(suite.release),
        limit=context.settings.limit,
        models=[_model(name, suite, first) for name in suite.models],
        data=[],
        evaluations=evaluations,
        metrics=scores.metrics,
        comparisons=scores.comparisons,
        flips=[],
        tables=[],
        gates=gates,
        verdict=overall(gates),
        notes=[f"Every value is computed over {len(worlds)} planted worlds; each model was retrained in every world."],
    )


def _evaluation(run: RunDir, suite: CalibrationSuite, name: str, worlds: Mapping[Cell, World]) -> EvaluationResult:
    spec = suite.evaluations[name]
    items = {cell: _item(name, *cell) for cell in worlds}
    run.items_path(name).parent.mkdir(parents=True, exist_ok=True)
    write_items(run.items_path(name), list(items.values()))
    protocols: dict[str, str] = {}
    skipped: dict[str, str] = {}
    figures: dict[str, tuple[str, float | None]] = {}
    for model in suite.contenders:
        answered = {cell: world[model]["evaluations"].get(name) for cell, world in worlds.items()}
        known = [answers for answers in answered.values() if answers is not None]
        if not known:
            skipped[model] = next(iter(worlds.values()))[model]["skipped"].get(name, "it was not evaluated")
            continue
        protocols[model] = known[0]["protocol"]
        for answers in known:
            figures |= {id_: (figure["direction"], figure["ideal"]) for id_, figure in answers["figures"].items()}
        head = RecordsHead(name, digest(["worlds", suite.digest, model]), protocols[model])
        records = [_record(suite, items[cell], cell, answers) for cell, answers in answered.items()]
        write_records(run.records_path(name, model), Records.of(head, records))
    metrics = [outer for id_, (direction, ideal) in figures.items() for outer in world_metrics(id_, direction, ideal)]
    return EvaluationResult(
        name=name,
        role="probe",
        kind=spec.kind,
        summary=f"Over planted worlds: {spec.cls.summary[0].lower()}{spec.cls.summary[1:]}",
        data=[],
        split=spec.options.split,
        n=len(items),
        cluster_unit=WORLD,
        clusters={WORLD: len({world for _, world in items})},
        protocols=protocols,
        skipped=skipped,
        coverage=dict.fromkeys(protocols, 1.0),
        counts={},
        metrics=metrics,
        meanings=meanings(build_metrics(metrics, MetricContext(cluster_unit=WORLD))),
        baseline=suite.compare.baseline,
    )


def _item(name: str, dose: float, world: int) -> Item:
    text = f"world {world} with the dose {dose:g}"
    return Item(
        id=digest(["world", name, dose, world]),
        payload={},
        texts={"world": text},
        clusters={WORLD: str(world)},
        slices=(f"dose={dose:g}",),
    )


def _record(suite: CalibrationSuite, item: Item, cell: Cell, answered: Mapping[str, Any] | None) -> Record:
    worlds = suite.planted_bias
    common: dict[str, Any] = {
        "item_id": item.id,
        "item_digest": item.id,
        "clusters": item.clusters,
        "slices": item.slices,
    }
    if answered is None:
        return Record(
            **common, status="failed", response={"failure": "error", "message": "not evaluated in this world"}
        )
    stats = {DOSE: cell[0], ZERO: float(cell[0] == worlds.zero), STRONG: float(cell[0] == worlds.strong)}
    for name, figure in answered["figures"].items():
        if figure["value"] is not None:
            stats[FIGURE + name] = figure["value"]
        alarm = alarms(figure)
        if alarm is not None:
            stats[ALARM + name] = float(alarm)
    return Record(**common, response={"figures": answered["figures"]}, stats=stats)


def _model(name: str, suite: Suite, first: World) -> ModelResult:
    spec = suite.models[name]
    role: Any = "candidate" if name in suite.candidates else "control"
    if name == suite.compare.baseline:
        role = "baseline"
    elif name in suite.release:
        role = "release"
    return ModelResult(
        name=name,
        role=role,
        made_by=spec.made_by,
        label=spec.label,
        parent=spec.parent,
        digest=digest(["worlds", suite.digest, name]),
        facts=first.get(name, {}).get("facts", {}),
        training={},
    )

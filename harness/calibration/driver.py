"""Carries a suite out in many planted worlds: a record is then one world, and its statistics are the probes' figures.

Every world is a unit of work of its own, kept in the store: a killed run goes on with the next one.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any, Protocol

from harness.calibration.measure import World, alarms, measured
from harness.calibration.planted_metrics import ALARM, CLUSTER, DOSE, FIGURE, STRONG, ZERO, world_metrics
from harness.core.digests import digest
from harness.core.evaluation import Item
from harness.core.records import Record, Records, RecordsHead
from harness.core.reporter import Reporter, Silent
from harness.pipeline.prepared_suite import Prepared, prepare
from harness.pipeline.results.gate_verdicts import verdicts, wanted_pairs
from harness.pipeline.results.scoring import score, store_memo
from harness.schema.results.inputs import EvaluationResult, ModelResult
from harness.schema.results.results_file import Results
from harness.schema.run_info import RunInfo, StepTiming
from harness.storage.items_file import write_items
from harness.storage.run_dir import RunDir
from harness.storage.store import Store

if TYPE_CHECKING:
    from harness.suite.suite import Suite

WORLD_FORMAT = 1


class _Settings(Protocol):
    @property
    def limit(self) -> int | None: ...
    @property
    def device(self) -> str: ...
    @property
    def today(self) -> date | None: ...


def over_worlds(
    run: RunDir,
    info: RunInfo,
    suite: Suite,
    store: Store,
    reporter: Reporter,
    settings: _Settings,
    code: Mapping[str, Any],
) -> Results:
    """Measures all worlds of a suite and scores, compares and judges them as any other records.

    Args:
        code: loaded modules of metrics, by name.
    """
    from harness.models.device_policy import answer_policy

    worlds = suite.planted_bias
    assert worlds is not None
    policy = dict(answer_policy(settings.device))
    cells = list(worlds.cells())
    found: dict[tuple[float, int], World] = {}
    with reporter.task("worlds", total=len(cells), unit="worlds") as task:
        for dose, world in cells:
            started = time.monotonic()
            prepared = prepare(suite.with_dose(dose, world), store, reporter, code=code)
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

            def build(_: Any, prepared: Prepared = prepared) -> dict[str, Any]:
                return {"world": measured(prepared, store, Silent(), device=settings.device)}

            found[dose, world] = store.make("worlds", key, build).meta["world"]
            name, seconds = f"dose {dose:g}, world {world}", round(time.monotonic() - started, 3)
            info.steps.append(StepTiming(name=name, kind="world", seconds=seconds, cached=cached))
            task.advance()
    return _assembled(run, suite, found, store, reporter, settings)


def _assembled(
    run: RunDir,
    suite: Suite,
    found: Mapping[tuple[float, int], World],
    store: Store,
    reporter: Reporter,
    settings: _Settings,
) -> Results:
    from harness.gates.alpha_levels import alphas
    from harness.gates.overall_verdict import overall

    evaluations = [
        _evaluation(run, suite, name, found) for name in suite.evaluated if suite.evaluations[name].role == "probe"
    ]
    scores = score(
        run,
        evaluations,
        wanted_pairs(suite, evaluations),
        alphas=lambda metric: alphas(suite.gates, metric),
        seed=suite.seed,
        reporter=reporter,
        memo=store_memo(store),
    )
    today = settings.today or datetime.now(UTC).date()
    gates = verdicts(run, suite, scores.metrics, scores.comparisons, evaluations, today=today)
    first = next(iter(found.values()))
    return Results(
        suite=suite.name,
        suite_digest=suite.digest,
        title=suite.title or suite.name,
        seed=suite.seed,
        baseline=suite.compare.baseline,
        candidates=list(suite.candidates),
        release=list(suite.release),
        limit=settings.limit,
        models=[_model(name, suite, first) for name in suite.models],
        data=[],
        evaluations=evaluations,
        metrics=scores.metrics,
        comparisons=scores.comparisons,
        flips=[],
        tables=[],
        gates=gates,
        verdict=overall(gates),
        notes=[f"Every figure is over {len(found)} planted worlds; each model was trained anew in every world."],
    )


def _evaluation(run: RunDir, suite: Suite, name: str, found: Mapping[tuple[float, int], World]) -> EvaluationResult:
    spec = suite.evaluations[name]
    cells = {cell: _item(name, *cell) for cell in found}
    run.items_path(name).parent.mkdir(parents=True, exist_ok=True)
    write_items(run.items_path(name), list(cells.values()))
    protocols: dict[str, str] = {}
    skipped: dict[str, str] = {}
    figures: dict[str, tuple[str, float | None]] = {}
    for model in suite.contenders:
        answered = {cell: world[model]["evaluations"].get(name) for cell, world in found.items()}
        told = [one for one in answered.values() if one is not None]
        if not told:
            skipped[model] = next(iter(found.values()))[model]["skipped"].get(name, "it was not asked")
            continue
        protocols[model] = told[0]["protocol"]
        for one in told:
            figures |= {id_: (figure["direction"], figure["ideal"]) for id_, figure in one["figures"].items()}
        head = RecordsHead(name, digest(["worlds", suite.digest, model]), protocols[model])
        records = [_record(suite, cells[cell], cell, one) for cell, one in answered.items()]
        Records.of(head, records).write(run.records_path(name, model))
    metrics = [outer for id_, (direction, ideal) in figures.items() for outer in world_metrics(id_, direction, ideal)]
    return EvaluationResult(
        name=name,
        role="probe",
        kind=spec.kind,
        summary=f"Over planted worlds: {spec.cls.summary[0].lower()}{spec.cls.summary[1:]}",
        data=[],
        split=spec.options.split,
        n=len(cells),
        clusters={CLUSTER: len({world for _, world in cells})},
        protocols=protocols,
        skipped=skipped,
        coverage=dict.fromkeys(protocols, 1.0),
        counts={},
        metrics=metrics,
        baseline=suite.compare.baseline,
    )


def _item(name: str, dose: float, world: int) -> Item:
    text = f"world {world} with the dose {dose:g}"
    return Item(
        id=digest(["world", name, dose, world]),
        payload={},
        texts={"world": text},
        clusters={CLUSTER: str(world)},
        slices=(f"dose={dose:g}",),
    )


def _record(suite: Suite, item: Item, cell: tuple[float, int], answered: Mapping[str, Any] | None) -> Record:
    worlds = suite.planted_bias
    assert worlds is not None
    common: dict[str, Any] = {
        "item_id": item.id,
        "item_digest": item.id,
        "clusters": item.clusters,
        "slices": item.slices,
    }
    if answered is None:
        return Record(**common, status="failed", response={"failure": "error", "message": "not asked in this world"})
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

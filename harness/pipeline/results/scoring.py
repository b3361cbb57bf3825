"""Records → metrics, comparisons, flips and tables: needs the run directory, never a model."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from harness.comparisons.join import Pair
from harness.core.arrow_columns import parts_of
from harness.core.digests import digest
from harness.core.metric import Metric, MetricContext
from harness.core.records import Records
from harness.core.reporter import Reporter
from harness.pipeline.results.scoring_jobs import Memo as Memo
from harness.pipeline.results.scoring_jobs import ScoringJob as ScoringJob
from harness.pipeline.results.scoring_jobs import ScoringSpec as ScoringSpec
from harness.pipeline.results.scoring_jobs import cluster_unit_of as cluster_unit_of
from harness.pipeline.results.scoring_pool import WorkerPool
from harness.schema.results.metrics import ComparisonResult, FlipsResult, MetricResult, TableResult
from harness.storage import memory_room
from harness.storage.run_dir import RunDir
from harness.storage.store import Store

SCORES_FORMAT = 7

Levels = Callable[[str], tuple[float, ...]]


@dataclass
class Scores:
    """What the records of a run say."""

    metrics: list[MetricResult] = field(default_factory=list)
    comparisons: list[ComparisonResult] = field(default_factory=list)
    flips: list[FlipsResult] = field(default_factory=list)
    tables: list[TableResult] = field(default_factory=list)


def no_memo(parts: Mapping[str, Any], compute: Callable[[], Any]) -> Any:
    return compute()


def store_memo(store: Store) -> Memo:
    """Keeps score files in the store, so that a second run on the same records computes nothing."""
    import json

    from harness.storage import atomic

    def remember(parts: Mapping[str, Any], compute: Callable[[], Any]) -> Any:
        key = digest({"format": SCORES_FORMAT, **parts})

        def build(work: Any) -> dict[str, Any]:
            atomic.write_text(work / "scores.json", json.dumps(compute(), allow_nan=False))
            return {}

        entry = store.make("scores", key, build)
        return json.loads((entry.path / "scores.json").read_text("utf-8"))

    return remember


@dataclass(frozen=True)
class ScoringContext:
    """How a run is scored.

    Attributes:
        alphas: `evaluation.metric` → levels at which its gates want one-sided bounds.
        seed: of every resampling.
        code: as in `metrics_of`.
        anytime: `evaluation.metric` → whether its gates want bounds that hold at every number of items at once.
    """

    alphas: Levels
    seed: int
    reporter: Reporter
    memo: Memo = no_memo
    code: Mapping[str, Any] | None = None
    anytime: Callable[[str], bool] = lambda metric: False


def score(run: RunDir, evaluations: Sequence[ScoringSpec], pairs: Sequence[Pair], context: ScoringContext) -> Scores:
    """Scores every evaluation of a run for every model with records, and compares the pairs.

    What takes long is shared among all cores (`scoring_pool`); the results are the same.
    """
    scores = Scores()
    by_evaluation: dict[str, list[Pair]] = {}
    for pair in pairs:
        by_evaluation.setdefault(pair.evaluation, []).append(pair)
    work = [(evaluation, by_evaluation.get(evaluation.name, [])) for evaluation in evaluations]
    total = sum(len(evaluation.protocols) + len(wanted) for evaluation, wanted in work)
    with context.reporter.task("statistics", total=total) as task, WorkerPool(run) as pool:
        for evaluation, wanted in work:
            records = {model: run.replicates(evaluation.name, model) for model in evaluation.protocols}
            jobs = _jobs(evaluation, wanted, records, context)

            def here(job: ScoringJob, records: Mapping[str, Sequence[Records]] = records) -> dict[str, Any]:
                return computed(job, records, context)

            for value in pool.results(jobs, context.memo, here):
                scores.metrics += [MetricResult.model_validate(entry) for entry in value.get("metrics", ())]
                scores.tables += [TableResult.model_validate(entry) for entry in value.get("tables", ())]
                scores.comparisons += [ComparisonResult.model_validate(entry) for entry in value.get("comparisons", ())]
                scores.flips += [FlipsResult.model_validate(entry) for entry in value.get("flips", ())]
                task.advance()
            task.advance(len(evaluation.protocols) + len(wanted) - len(jobs))
    memory_room.give_back()
    return scores


def _jobs(
    evaluation: ScoringSpec, wanted: Sequence[Pair], records: Mapping[str, Sequence[Records]], context: ScoringContext
) -> list[ScoringJob]:
    digests = {
        model: [[records_of_seed.head.seed, content_digest(records_of_seed)] for records_of_seed in seeds]
        for model, seeds in records.items()
    }
    common = {
        "evaluation": evaluation.name,
        "metrics": list(evaluation.metrics),
        "labels": list(evaluation.labels),
        "scorer": evaluation.scorer,
        "cluster_unit": evaluation.cluster_unit,
        "alphas": {metric: list(context.alphas(f"{evaluation.name}.{metric}")) for metric in evaluation.metrics},
        "seed": context.seed,
    }

    def job(wanted: Pair | str, models: tuple[str, ...], parts: dict[str, Any]) -> ScoringJob:
        protocols = [records[model][0].head.protocol for model in models]
        metrics = metrics_of(evaluation, *protocols, code=context.code)
        levels = {metric.id: context.alphas(f"{evaluation.name}.{metric.id}") for metric in metrics}
        anytime = [metric.id for metric in metrics if context.anytime(f"{evaluation.name}.{metric.id}")]
        if anytime:
            parts["anytime"] = anytime
        inline = bool(context.code) or any(metric.kind == "recompute" for metric in metrics)
        return ScoringJob(evaluation, wanted, levels, anytime, context.seed, {**common, **parts}, inline)

    jobs = [job(model, (model,), {"records": digests[model], "model": model}) for model in records]
    for pair in wanted:
        if pair.baseline in records and pair.candidate in records:
            sides = {
                "baseline": [pair.baseline, digests[pair.baseline]],
                "candidate": [pair.candidate, digests[pair.candidate]],
            }
            jobs.append(job(pair, (pair.baseline, pair.candidate), sides))
    return jobs


def computed(job: ScoringJob, records: Mapping[str, Sequence[Records]], context: ScoringContext) -> dict[str, Any]:
    """The JSON of a job's results.

    Args:
        records: of the job's models, every training seed.
    """
    if isinstance(job.wanted, str):
        return _levels(job, records[job.wanted], job.wanted, context)
    return _differences(job, records, job.wanted, context)


def content_digest(records: Records) -> str:
    """A digest of the records' content (not of the Parquet bytes, which a library may change)."""
    import hashlib

    hasher = hashlib.sha256(repr((records.head.protocol, dict(records.head.facts))).encode())
    for name in records.column_names:
        hasher.update(f"{name}[".encode())
        for number, part in enumerate(parts_of(records.column(name))):
            hasher.update((", " * (number > 0) + repr(part)[1:-1]).encode("utf-8", "surrogatepass"))
        hasher.update(b"]")
    return hasher.hexdigest()


def metrics_of(evaluation: ScoringSpec, *protocols: str, code: Mapping[str, Any] | None = None) -> list[Metric]:
    """The metrics of an evaluation that read records of one of these protocols.

    A suite may name both the masked and the causal figure; each model gets its own.

    Args:
        code: the loaded modules of metrics that are code of a file. None where a stored run is read, which runs no
            such code: these metrics are left out then, and the caller says so.
    """
    from harness.metrics.build_metrics import applies, build_metrics
    from harness.metrics.hf_evaluate import is_outside

    context = MetricContext(
        labels=tuple(evaluation.labels),
        scorer=evaluation.scorer,
        cluster_unit=evaluation.cluster_unit,
        code=code or {},
    )
    names = [name for name in evaluation.metrics if code is not None or not is_outside(name)]
    metrics = build_metrics(names, context)
    return [metric for metric in metrics if any(applies(metric, protocol) for protocol in protocols)]


def _levels(job: ScoringJob, replicates: Sequence[Records], model: str, context: ScoringContext) -> dict[str, Any]:
    from harness.comparisons.confusion_reliability import tables
    from harness.comparisons.metric_results import metric_results
    from harness.comparisons.seed_comparison import levels_over_seeds

    evaluation, records = job.evaluation, replicates[0]
    results: list[MetricResult] = []
    for metric in metrics_of(evaluation, records.head.protocol, code=context.code):
        settings = job.settings(metric.id)
        with _watched(context.reporter, metric, model) as progress:
            levels = metric_results(
                records, metric, evaluation=evaluation.name, model=model, settings=settings, progress=progress
            )
        results += levels_over_seeds(levels, replicates, metric, settings=settings)
    tabled = (
        tables(records, list(evaluation.labels), evaluation=evaluation.name, model=model) if evaluation.labels else []
    )
    return {"metrics": [_plain(entry) for entry in results], "tables": [_plain(entry) for entry in tabled]}


def _differences(
    job: ScoringJob, records: Mapping[str, Sequence[Records]], pair: Pair, context: ScoringContext
) -> dict[str, Any]:
    from harness.comparisons.flips import flips
    from harness.comparisons.pair_comparison import compare
    from harness.comparisons.paired_records import PairedRecords
    from harness.comparisons.seed_comparison import compared_over_seeds

    evaluation = job.evaluation
    base, candidate = records[pair.baseline][0], records[pair.candidate][0]
    paired, results = PairedRecords(base, candidate), list[ComparisonResult]()
    for metric in metrics_of(evaluation, base.head.protocol, candidate.head.protocol, code=context.code):
        settings = job.settings(metric.id)
        with _watched(context.reporter, metric, f"{pair.candidate} against {pair.baseline}") as progress:
            compared = compare(pair, paired, metric, settings=settings, progress=progress)
        seeds = records[pair.baseline], records[pair.candidate]
        results += compared_over_seeds(compared, *seeds, metric, settings=settings)
    flipped = flips(base, candidate, evaluation=evaluation.name, baseline=pair.baseline, candidate_name=pair.candidate)
    return {
        "comparisons": [_plain(entry) for entry in results],
        "flips": [_plain(flipped)] if flipped is not None else [],
    }


@contextmanager
def _watched(reporter: Reporter, metric: Metric, who: str) -> Iterator[Callable[[], None]]:
    """Progress of a metric that is recomputed on every resample; the others take no time worth showing."""
    if metric.kind != "recompute":
        yield lambda: None
        return
    with reporter.task(f"{metric.id} of {who}, recomputed", unit="resamples") as task:
        yield task.advance


def _plain(entry: Any) -> Any:
    from harness.schema.results.base import finite

    return finite(entry.model_dump(mode="json"))

"""Times several models against each other: in blocks, in turn, each in a process that holds it alone.

What a machine does beside (other programs, heat, clock rates) changes from minute to minute, and not from one model
to the next. So every block visits all models there and back, in an order that rotates; the difference of two models
within a block holds only what is theirs.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Collection, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np

from harness.core.digests import digest
from harness.core.evaluation import Item
from harness.core.model import ModelFacts
from harness.core.records import Records, RecordsHead
from harness.core.requests import Failure
from harness.core.thread_waiting import waiting
from harness.evaluations.probes.inference_cost import InferenceCost
from harness.models.peak_memory import gpu_name
from harness.pipeline import provenance
from harness.pipeline.answered_evaluation import AnsweredEvaluation
from harness.pipeline.checkpoints.checkpoint import Checkpoint
from harness.pipeline.prepared_suite import BoundEvaluation
from harness.pipeline.records.protocol_facts import protocol_facts
from harness.pipeline.records.record_cache import RecordCache, facts_json, made_for_another
from harness.pipeline.records.timed_model import TimedModel
from harness.pipeline.records.timing_messages import ToOpen, Visit
from harness.storage.records_file import read_records, write_records

FORMAT = 1
_MEGABYTE = 1e6
_ELSEWHERE = "the model runs elsewhere, and its server does not say"
_NOT_TOLD = {
    "memory_peak": "this system does not tell the peak memory of a process",
    "token_throughput": "no tokens go through this kind of model, or they are not counted",
}
"""Why a statistic is missing that the visits would tell."""


def timed_answers(
    cache: RecordCache, bound: BoundEvaluation, checkpoints: Mapping[str, Checkpoint]
) -> list[AnsweredEvaluation]:
    """The timings of the models: from the store, where just these were timed together on this machine; else anew.

    Models of a stored run keep what that run measured.

    Args:
        checkpoints: of the models that are timed, by name.
    """
    here = {name: checkpoint for name, checkpoint in checkpoints.items() if not checkpoint.stored}
    key = _key(cache, bound, here.values())
    entry = cache.store.get("timings", key)
    cached = entry is not None
    if entry is None and here:
        distinct = {_identity(cache, checkpoint): checkpoint for checkpoint in here.values()}
        entry = cache.store.make("timings", key, lambda work: _measure(cache, bound, distinct, work))
    answered = []
    for name, checkpoint in checkpoints.items():
        if checkpoint.stored:
            answered.append(cache.answer(bound, checkpoint))
            continue
        assert entry is not None
        meta = entry.meta["models"][_identity(cache, checkpoint)]
        records = None if meta["protocol"] is None else read_records(entry.path / meta["file"])
        answered.append(
            AnsweredEvaluation(
                bound, name, meta["protocol"], meta["facts"], cached, skipped=meta.get("unsupported"), records=records
            )
        )
    return answered


def timings_are_cached(cache: RecordCache, bound: BoundEvaluation, checkpoints: Collection[Checkpoint]) -> bool:
    """Whether the store holds what these models took together."""
    return cache.store.get("timings", _key(cache, bound, checkpoints)) is not None


def _key(cache: RecordCache, bound: BoundEvaluation, checkpoints: Collection[Checkpoint]) -> str:
    return digest(
        {
            "format": FORMAT,
            "evaluation": bound.identity(bound.split),
            "name": bound.name,
            "models": sorted({_identity(cache, checkpoint) for checkpoint in checkpoints}),
            "machine": timing_machine(cache.device),
            "policy": cache.policy,
        }
    )


def _identity(cache: RecordCache, checkpoint: Checkpoint) -> str:
    return digest(cache.identity(checkpoint))


def _measure(
    cache: RecordCache, bound: BoundEvaluation, checkpoints: Mapping[str, Checkpoint], work: Path
) -> dict[str, Any]:
    """Times the models of one session and writes their records.

    Args:
        checkpoints: by the digest of what they are.
    """
    evaluation = bound.evaluation
    assert isinstance(evaluation, InferenceCost)
    inputs = evaluation.inputs(bound.data, bound.split)
    cache.close()
    pages: dict[str, dict[str, Any]] = {}
    with ExitStack() as stack:
        workers: dict[str, TimedModel] = {}
        for name, checkpoint in checkpoints.items():
            worker = stack.enter_context(TimedModel(checkpoint.model, _to_open(cache, checkpoint)))
            protocol = evaluation.protocol(worker.facts)
            pages[name] = {"protocol": protocol, "facts": facts_json(worker.facts)}
            asked = [tuple(evaluation.task.requests(item, protocol)) for item in inputs] if protocol else [()]
            unfit = made_for_another(bound, worker.facts, asked[0])
            if protocol is None or unfit is not None:
                pages[name] |= {"protocol": None, "unsupported": unfit or evaluation.unsupported(worker.facts)}
                worker.close()
                continue
            worker.take(asked)
            workers[name] = worker
        blocks = list(evaluation.items(bound.data, bound.split))
        visits = _visits(cache, bound.name, list(workers.values()), len(blocks), evaluation.options.warm_up)
        session = {
            "session": uuid.uuid4().hex,
            "machine": timing_machine(cache.device),
            "load": _load(),
            "inputs": len(inputs),
        }
        for (name, worker), of_model in zip(workers.items(), visits, strict=True):
            sizes = _sizes(cache, checkpoints[name], worker.facts)
            records = _records(bound, worker.facts, blocks, of_model, sizes, session)
            pages[name]["file"] = f"{digest(name)[:12]}.parquet"
            write_records(work / pages[name]["file"], records)
    return {"models": pages}


def _visits(
    cache: RecordCache, title: str, workers: Sequence[TimedModel], blocks: int, warm_up: int
) -> list[list[list[Visit]]]:
    """Model → block → its two visits."""
    visits: list[list[list[Visit]]] = [[[] for _ in range(blocks)] for _ in workers]
    total = len(workers) * (2 * blocks + warm_up)
    with cache.reporter.task(f"{title}: {len(workers)} models in turn", total=total, unit="visits") as task:
        for worker in workers:
            for _ in range(warm_up):
                worker.visit()
                task.advance()
        for block in range(blocks):
            for model in there_and_back(len(workers), block):
                visits[model][block].append(workers[model].visit())
                task.advance()
    return visits


def there_and_back(models: int, block: int) -> list[int]:
    """The order of a block: every model twice, at places whose mean is the same for all; blocks begin in turn."""
    there = [(block + place) % models for place in range(models)]
    return [*there, *reversed(there)]


def block_statistics(visits: Sequence[Visit]) -> dict[str, float] | Failure:
    """The statistics of one model's block; what its visits do not tell is left out."""
    failure = next((visit.failure for visit in visits if visit.failure is not None), None)
    if failure is not None:
        return failure
    latencies = 1000 * np.array([latency for visit in visits for latency in visit.latencies])
    seconds = sum(visit.seconds for visit in visits)
    statistics = {
        "latency_median": float(np.median(latencies)),
        "latency_p95": float(np.quantile(latencies, 0.95)),
        "item_throughput": sum(visit.inputs for visit in visits) / seconds,
    }
    tokens = [visit.tokens for visit in visits if visit.tokens is not None]
    if len(tokens) == len(visits):
        statistics["token_throughput"] = sum(tokens) / seconds
    peaks = [visit.peak_memory for visit in visits if visit.peak_memory is not None]
    if len(peaks) == len(visits):
        statistics["memory_peak"] = max(peaks) / _MEGABYTE
    return statistics


def _records(
    bound: BoundEvaluation,
    facts: ModelFacts,
    blocks: Sequence[Item],
    visits: Sequence[Sequence[Visit]],
    sizes: Mapping[str, float | str],
    session: Mapping[str, Any],
) -> Records:
    """The records of one model.

    Args:
        sizes: what no block changes; a text says why a statistic cannot be known.
    """
    evaluation = bound.evaluation
    assert isinstance(evaluation, InferenceCost)
    protocol = str(evaluation.protocol(facts))
    absent = {name: reason for name, reason in sizes.items() if isinstance(reason, str)}
    known = {
        "asked": protocol_facts(evaluation, protocol, facts, messages=False),
        "family": facts.family,
        "tokenizer": facts.tokenizer_digest,
        "dtype": facts.dtype,
        "device": facts.device,
        "max_length": facts.max_length,
        "timing": {**session, "absent": {**_NOT_TOLD, **absent}},
    }
    blocks_of_model = [_only_known(block_statistics(of_block), sizes) for of_block in visits]
    made = [
        evaluation.block_record(block, statistics) for block, statistics in zip(blocks, blocks_of_model, strict=True)
    ]
    return Records.of(RecordsHead(bound.name, facts.digest, protocol, facts=known), made)


def _only_known(statistics: dict[str, float] | Failure, sizes: Mapping[str, float | str]) -> dict[str, float] | Failure:
    """The statistics of a block with those that no block changes, and without those that cannot be known."""
    if isinstance(statistics, Failure):
        return statistics
    joined = {**statistics, **sizes}
    return {name: value for name, value in joined.items() if not isinstance(value, str)}


def _sizes(cache: RecordCache, checkpoint: Checkpoint, facts: ModelFacts) -> dict[str, float | str]:
    """Parameters and bytes; texts say why something cannot be known, and zero never stands for that."""
    if checkpoint.server is not None:
        known = float(facts.parameters) if facts.parameters else _ELSEWHERE
        return {
            "parameter_count": known,
            "disk_size": _ELSEWHERE,
            "memory_peak": _ELSEWHERE,
            "token_throughput": _ELSEWHERE,
        }
    from harness.models.checkpoint.inspection import inspect

    folders = [checkpoint.path, *_parents(cache, checkpoint).values()]
    return {
        "parameter_count": float(facts.parameters),
        "disk_size": sum(inspect(folder).bytes for folder in folders) / _MEGABYTE,
    }


def _to_open(cache: RecordCache, checkpoint: Checkpoint) -> ToOpen:
    return ToOpen(checkpoint.source, _parents(cache, checkpoint), cache.device)


def _parents(cache: RecordCache, checkpoint: Checkpoint) -> dict[str, Path]:
    """Every folder that a checkpoint stands on, by its key."""
    from harness.models.checkpoint.inspection import inspect

    folders: dict[str, Path] = {}
    folder: Path | None = None if checkpoint.weightless else checkpoint.path
    while folder is not None:
        parent = inspect(folder).parent
        if parent is None or parent["key"] in folders:
            break
        folder = folders[parent["key"]] = cache.builder.resolve(parent["key"])
    return folders


def _load() -> float | None:
    """Programs that wanted a core during the last minute, where the system says it."""
    try:
        return round(os.getloadavg()[0], 2)
    except (AttributeError, OSError):
        return None


def timing_machine(device: str) -> dict[str, Any]:
    """What timings depend on beside the model: two of them are comparable where this is equal."""
    own, policy, known = provenance.hardware(), provenance.answering(device), provenance.versions()
    threads = os.environ.get("OMP_NUM_THREADS", "")
    return {
        **own,
        "threads": int(threads) if threads.isdecimal() else own["cores"],
        "waiting_threads": waiting(),
        "device": gpu_name() if policy["device"] == "cuda" else policy["device"],
        "dtype": policy["dtype"],
        **{name: known[name] for name in ("harness", "python", "torch", "transformers")},
    }

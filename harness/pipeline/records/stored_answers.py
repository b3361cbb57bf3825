"""The records of a stored run in the place of a model's answers: a baseline of yesterday, paired with today by item id.

The stored run must have asked as this suite does, by content. Items that it does not hold are asked again where the
model itself is still at hand and is the same by digest; else they are counted as skipped, and never left away.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from harness.core.digests import digest, is_key
from harness.core.errors import DataError, HarnessError, Where
from harness.core.evaluation import Item
from harness.core.records import SKIPPED, Records, RecordsHead
from harness.core.reporter import Reporter
from harness.core.requests import Failure
from harness.model_kinds.stored_kind import NAME
from harness.models.device_policy import SCORING_VERSION
from harness.pipeline.answered_evaluation import AnsweredEvaluation
from harness.pipeline.checkpoints.checkpoint import CHECKPOINTS, Checkpoint
from harness.pipeline.checkpoints.checkpoint_builder import CheckpointBuilder
from harness.pipeline.prepared_suite import BoundEvaluation, PreparedSuite
from harness.pipeline.records.inference import ask
from harness.schema.results.inputs import EvaluationResult
from harness.storage.run_dir import RunDir
from harness.storage.store import Store

if TYPE_CHECKING:
    from harness.models.cached_model import CachedModel

_SHOTS = re.compile(r"_\d+_shots\Z")


class Answering(Protocol):
    """What is needed of a `RecordCache`: today's items, and models that are opened where an item is missing."""

    @property
    def prepared(self) -> PreparedSuite: ...

    @property
    def builder(self) -> CheckpointBuilder: ...

    @property
    def store(self) -> Store: ...

    @property
    def reporter(self) -> Reporter: ...

    def items(self, bound: BoundEvaluation) -> Sequence[Item]: ...

    def open(self, checkpoint: Checkpoint) -> CachedModel: ...

    def release(self, checkpoint: Checkpoint) -> None: ...


def stored_answers(cache: Answering, bound: BoundEvaluation, checkpoint: Checkpoint, split: str) -> AnsweredEvaluation:
    """What the stored run says of a model on an evaluation, for the items that are asked today.

    Raises:
        DataError: when the stored run asked differently, or was changed.
    """
    run, model = RunDir(checkpoint.path), str(checkpoint.meta["stored_model"])
    results = run.read_results()
    facts = next(entry.facts for entry in results.models if entry.name == model)
    known = next((entry for entry in results.evaluations if entry.name == bound.name), None)
    if known is None or model not in known.protocols or split != bound.split:
        what = bound.name if split == bound.split else f"the {split} split of {bound.name}"
        why = f"the stored run {run.path.name} has no records of {model} on {what}"
        return AnsweredEvaluation(bound, checkpoint.model, None, facts, True, skipped=why)
    seeds = run.replicates(bound.name, model)
    _require_same_questions(cache, bound, known, seeds[0].head, run)
    items = {item.id: item for item in cache.items(bound)}
    missing = [item for name, item in items.items() if name not in set(seeds[0].item_ids)]
    left_out = any(entry.left_out for entry in results.data if entry.name in known.data)
    asked = None if left_out or not missing else _asked_again(cache, bound, checkpoint, missing, seeds[0].head)
    counts = {"run": run.path.name, "items": len(items), "missing": len(missing), "asked_again": asked is not None}
    complete = [_completed(bound, of_seed, items, asked if of_seed is seeds[0] else None, counts) for of_seed in seeds]
    return AnsweredEvaluation(
        spec=bound,
        model=checkpoint.model,
        protocol=seeds[0].head.protocol,
        facts=facts,
        cached=asked is None,
        records=complete[0],
        further_seeds=complete[1:],
    )


def _require_same_questions(
    cache: Answering, bound: BoundEvaluation, known: EvaluationResult, head: RecordsHead, run: RunDir
) -> None:
    """Refuses records of other prompts, words, stop rules, filters, scorers, or of another scoring version."""
    asked = head.facts.get("asked")
    content: Mapping[str, Any] = asked["content"] if isinstance(asked, Mapping) else {}
    today = _content_today(cache, bound, head, content)
    notes = [
        f"{part}: stored {_short(content.get(part))}, now {_short(value)}."
        for part, value in today.items()
        if digest(content.get(part)) != digest(value)
    ]
    if known.kind != bound.evaluation.kind:
        notes.insert(0, f"kind: stored {known.kind}, now {bound.evaluation.kind}.")
    if notes:
        raise DataError(
            f"{bound.name}: the stored run asked differently, so its records are not comparable:",
            where=Where(run.path),
            notes=[f"  {note}" for note in notes],
            hint="run the stored model once with today's suite, and use that run.",
        )


def _content_today(
    cache: Answering, bound: BoundEvaluation, head: RecordsHead, content: Mapping[str, Any]
) -> dict[str, Any]:
    today: dict[str, Any] = dict(bound.evaluation.protocol_content(_SHOTS.sub("", head.protocol)))
    if bound.lists:
        today["lists"] = bound.lists
    elif "lists" in content:
        today.setdefault("lists", {})
    if "scoring" in content:
        today["scoring"] = SCORING_VERSION
    if bound.evaluation.readings or "readers" in content:
        today["readers"] = {
            reading.model: {"reading": reading.spec(), "model": cache.builder.checkpoint(reading.model).digest}
            for reading in bound.evaluation.readings
        }
    return today


def _short(value: Any) -> str:
    text = "nothing" if value is None else repr(value)
    return text if len(text) <= 120 else f"{text[:120]}…"


def _asked_again(
    cache: Answering, bound: BoundEvaluation, checkpoint: Checkpoint, missing: Sequence[Item], head: RecordsHead
) -> Records | None:
    """The records of the missing items, where the very model that the stored run asked is still at hand."""
    weights = None if bound.evaluation.readings else _weights(cache, checkpoint)
    if weights is None:
        return None
    try:
        model = cache.open(weights)
    except HarnessError as error:
        cache.reporter.info(f"{checkpoint.model}: the stored model cannot be opened: {error.message}")
        return None
    try:
        if model.facts.digest != head.model_digest or bound.evaluation.protocol(model.facts) != head.protocol:
            return None
        title = f"{checkpoint.model}: {bound.name}, {len(missing)} items that the stored run lacks"
        records = ask(bound.evaluation, missing, model, head.protocol, reporter=cache.reporter, title=title)
    finally:
        cache.release(weights)
    return records if digest(records.head.facts.get("asked")) == digest(head.facts.get("asked")) else None


def _weights(cache: Answering, checkpoint: Checkpoint) -> Checkpoint | None:
    """The checkpoint of the stored model on this machine, by its digest: one of today's suite, or one of the cache."""
    for name, spec in cache.prepared.suite.models.items():
        if spec.made_by != NAME and cache.builder.checkpoint(name).digest == checkpoint.digest:
            return cache.builder.checkpoint(name)
    address = RunDir(checkpoint.path).read_info().checkpoints.get(str(checkpoint.meta["stored_model"]))
    if address is None or not is_key(address):
        # A path in a run may be a stranger's word: only what this cache made itself is opened.
        return None
    entry = cache.store.get(CHECKPOINTS, address)
    if entry is None or entry.meta.get("digest") != checkpoint.digest:
        return None
    return Checkpoint(checkpoint.model, entry.path, address, checkpoint.digest, "stored weights")


def _completed(
    bound: BoundEvaluation,
    stored: Records,
    items: Mapping[str, Item],
    asked: Records | None,
    counts: Mapping[str, Any],
) -> Records:
    """The stored records of today's items; what nobody answered is there as skipped."""
    head = dataclasses.replace(stored.head, evaluation=bound.name, facts={**stored.head.facts, NAME: dict(counts)})
    kept = stored.take([row for row, name in enumerate(stored.item_ids) if name in items])
    answered = {*kept.item_ids, *(asked.item_ids if asked is not None else ())}
    protocol = _SHOTS.sub("", head.protocol)
    absent = Failure("absent", "the stored run does not hold this item")
    skipped = [
        dataclasses.replace(
            bound.evaluation.record(item, protocol, [absent] * len(bound.evaluation.requests(item, protocol))),
            status=SKIPPED,
        )
        for name, item in items.items()
        if name not in answered
    ]
    parts = [kept, *([asked] if asked is not None else []), *([Records.of(head, skipped)] if skipped else [])]
    return Records.joined(head, [part.table for part in parts])

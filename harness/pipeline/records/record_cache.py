"""Items and records through the store: asked once per model, evaluation and policy."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.core.dataset import Dataset
from harness.core.digests import digest
from harness.core.errors import DataError, IncompleteError, SuiteError, unknown
from harness.core.model import ModelFacts
from harness.core.records import Records
from harness.core.reporter import Reporter
from harness.core.requests import Cloze, Continuations, Generate, Request, TargetLikelihood
from harness.pipeline.answered_evaluation import AnsweredEvaluation, InferenceCost, ItemSet
from harness.pipeline.checkpoints.checkpoint import Checkpoint
from harness.pipeline.checkpoints.checkpoint_builder import CheckpointBuilder
from harness.pipeline.prepared_suite import BoundEvaluation, PreparedSuite
from harness.pipeline.records.grading import read_texts, readings_of
from harness.pipeline.records.held_items import HeldItems
from harness.pipeline.records.inference import ask, unable
from harness.pipeline.records.protocol_facts import with_parts
from harness.pipeline.records.stored_answers import stored_answers
from harness.pipeline.records.training_overlap import training_texts
from harness.storage import memory_room
from harness.storage.items_file import each_item, write_sorted_items
from harness.storage.records_file import read_records, write_records
from harness.storage.response_cache import RESPONSES, RenewedFile, model_identity
from harness.storage.store import Entry, Store

if TYPE_CHECKING:
    from harness.core.model import Work
    from harness.models.cached_model import CachedModel
    from harness.models.local.base_cache import BasePool
    from harness.models.peak_memory import Memory

RECORDS_KEY_FORMAT = 6


class RecordCache:
    """Finds or makes the records of a suite. One model is open at a time."""

    def __init__(
        self,
        prepared: PreparedSuite,
        builder: CheckpointBuilder,
        store: Store,
        reporter: Reporter,
        *,
        device: str = "auto",
    ) -> None:
        self.prepared = prepared
        self.builder = builder
        self.store = store
        self.reporter = reporter
        self.device = device
        self.highest_memory = 0
        self._models: dict[str, CachedModel] = {}
        self._pool: BasePool | None = None
        self._items: dict[tuple[str, str], HeldItems] = {}
        self._policy: dict[str, Any] | None = None
        self._identities: dict[str, str | None] = {}

    def items(self, bound: BoundEvaluation, split: str | None = None) -> HeldItems:
        """The items of an evaluation in the order of their ids (made once per process).

        Raises:
            DataError: when there are none.
        """
        where = split or bound.split
        if (bound.name, where) not in self._items:
            items = HeldItems(bound.evaluation.items(bound.data, where))
            if not items:
                names = ", ".join(dataset.name for dataset in bound.data)
                raise DataError(
                    f"{bound.name!r} has no items in the {where} split of {names}.",
                    hint="inspect the data with `harness data show`, or choose a different split or dataset.",
                )
            self._items[bound.name, where] = items
        return self._items[bound.name, where]

    def items_file(self, bound: BoundEvaluation) -> Path:
        """items.parquet of an evaluation, from the store."""
        return self._items_entry(bound).path / "items.parquet"

    def item_set(self, bound: BoundEvaluation) -> ItemSet:
        meta = self._items_entry(bound).meta
        return ItemSet(int(meta["n"]), dict(meta["clusters"]))

    def _items_entry(self, bound: BoundEvaluation) -> Entry:
        def build(work: Path) -> dict[str, Any]:
            items = self.items(bound)
            write_sorted_items(work / "items.parquet", items)
            levels = {level for item in items for level in item.clusters}
            return {
                "n": len(items),
                "clusters": {
                    level: len({item.clusters.get(level, item.id) for item in items}) for level in sorted(levels)
                },
            }

        return self.store.make("items", bound.items_key(bound.split), build)

    def answer(self, bound: BoundEvaluation, checkpoint: Checkpoint, split: str | None = None) -> AnsweredEvaluation:
        """What a model answers to an evaluation: from the store, else it is asked.

        Args:
            split: another split than the evaluation's own.
        """
        where = split or bound.split
        if checkpoint.stored:
            return stored_answers(self, bound, checkpoint, where)
        key = self._key(bound, checkpoint, where)
        entry = self.store.get("records", key)
        cached = entry is not None
        if entry is None:
            entry = self.store.make("records", key, lambda work: self._ask(bound, checkpoint, where, work))
            memory_room.give_back()
        meta = entry.meta
        if meta["protocol"] is None:
            why = str(meta["unsupported"])
            return AnsweredEvaluation(bound, checkpoint.model, None, meta["facts"], cached, skipped=why)
        records = read_records(entry.path / "records.parquet")
        records, readers = self._graded(bound, checkpoint, where, key, records)
        return AnsweredEvaluation(
            spec=bound,
            model=checkpoint.model,
            protocol=str(meta["protocol"]),
            facts=meta["facts"],
            cached=cached,
            records=records.with_head(dataclasses.replace(records.head, seed=checkpoint.seed)),
            cost=InferenceCost(float(meta["seconds"]), dict(meta["work"])) if "seconds" in meta else None,
            readers=readers,
        )

    def _graded(
        self, bound: BoundEvaluation, checkpoint: Checkpoint, split: str, key: str, records: Records
    ) -> tuple[Records, dict[str, Mapping[str, Any]]]:
        """The records with what other models of the suite say of the texts in them, and these models' facts."""
        readers: dict[str, Mapping[str, Any]] = {}
        graders: dict[str, Any] = {}
        for reading in readings_of(bound.evaluation):
            if reading.model not in self.prepared.suite.models:
                raise SuiteError(unknown("model", reading.model, list(self.prepared.suite.models)))
            reader = self.builder.checkpoint(reading.model)
            key = digest(
                {
                    "records": key,
                    "reader": [reader.digest, self._tokens(reader)],
                    "reading": reading.spec(),
                    "policy": self.policy,
                }
            )
            entry = self.store.get("records", key)
            if entry is None:
                title = f"{checkpoint.model}: {bound.name}, graded by {reading.model}"
                items = {item.id: item for item in self.items(bound, split)}
                opened = self.open(reader)
                read = read_texts(records, items, reading, opened, title)
                entry = self.store.make("records", key, partial(_write, read, facts_json(opened.facts)))
            readers.setdefault(reading.model, entry.meta.get("facts", {}))
            records = read_records(entry.path / "records.parquet")
            graders[reading.model] = {"reading": reading.spec(), "model": reader.digest}
        parts = {"readers": graders} if graders else {}
        return records.with_head(with_parts(records.head, parts)), readers

    def is_cached(self, bound: BoundEvaluation, checkpoint: Checkpoint) -> bool:
        """Whether the records of a model on an evaluation are there already."""
        return checkpoint.stored or self.store.get("records", self._key(bound, checkpoint, bound.split)) is not None

    def _ask(self, bound: BoundEvaluation, checkpoint: Checkpoint, split: str, work: Path) -> dict[str, Any]:
        model = self.open(checkpoint)
        protocol = bound.evaluation.protocol(model.facts)
        facts = model.facts
        meta: dict[str, Any] = {
            "protocol": protocol,
            "facts": facts_json(facts),
        }
        if protocol is None:
            return {**meta, "unsupported": bound.evaluation.unsupported(facts)}
        title = f"{checkpoint.model}: {bound.name}"
        items = self.items(bound, split)
        first = bound.evaluation.requests(items.first, protocol) if items.first is not None else ()
        unfit = made_for_another(bound, facts, first)
        if unfit is not None:
            return {**meta, "protocol": None, "unsupported": unfit}
        shown: dict[str, Any] = {"lists": bound.lists} if bound.lists else {}
        if _shown(facts, first):
            meta["protocol"] = f"{protocol}_{facts.shots}_shots"
            shown |= {"protocol": meta["protocol"], "examples": facts.answer_key.get("shots")}
        before = model.work
        memory = self._memory(facts.device)
        started = time.monotonic()
        records = ask(bound.evaluation, items, model, protocol, reporter=self.reporter, title=title)
        seconds = round(time.monotonic() - started, 3)
        if len(records) and "failed" in records.texts("status") and not records.ok.any():
            failures = [entry for entry in records.texts("response") if "failure" in entry]
            unfit = unable(records)
            if unfit is not None:
                return {**meta, "protocol": None, "unsupported": unfit}
            raise IncompleteError(
                f"{checkpoint.model} answered no item of {bound.name!r}; first failure: "
                f"{failures[0] if failures else 'unread'}",
                hint="check the setup with `harness doctor`, or exclude this evaluation with --only.",
            )
        head = with_parts(dataclasses.replace(records.head, protocol=str(meta["protocol"])), shown)
        write_records(work / "records.parquet", records.with_head(head))
        return {**meta, "seconds": seconds, "work": _work(model.work.since(before), memory.peak())}

    def _memory(self, device: str) -> Memory:
        """The memory of one evaluation, measured from here; the highest of the run so far is kept."""
        from harness.models.peak_memory import Memory, peak_memory

        self.highest_memory = max(self.highest_memory, peak_memory() or 0)
        memory = Memory(device)
        memory.start()
        return memory

    def _key(self, bound: BoundEvaluation, checkpoint: Checkpoint, split: str) -> str:
        return digest(
            {
                "format": RECORDS_KEY_FORMAT,
                "evaluation": bound.identity(split),
                "name": bound.name,
                **self.identity(checkpoint),
                "policy": self.policy,
            }
        )

    @property
    def policy(self) -> dict[str, Any]:
        """What decides answers besides model and evaluation."""
        self._policy = self._policy or answer_policy_of(self.device)
        return self._policy

    def identity(self, checkpoint: Checkpoint) -> dict[str, Any]:
        """What a model is, as a part of keys: its digest, and what its tokenizer does."""
        return {"model": checkpoint.digest, "tokens": self._tokens(checkpoint)}

    def _tokens(self, checkpoint: Checkpoint) -> str | None:
        """What its tokenizer does; a server's is part of its digest."""
        if checkpoint.key not in self._identities:
            from harness.models.stored_identity import stored_identity

            served = checkpoint.server is not None
            identity = None if served else stored_identity(checkpoint.path, self.builder.resolve, self.store)
            self._identities[checkpoint.key] = identity
        return self._identities[checkpoint.key]

    def open(self, checkpoint: Checkpoint) -> CachedModel:
        """The model of a checkpoint, opened once until it is released."""
        if checkpoint.key not in self._models:
            from harness.models.local.base_cache import BasePool
            from harness.models.open_context import OpenContext
            from harness.models.open_model import open_model

            self._pool = self._pool or BasePool()
            responses = self.store.root / RESPONSES
            self._models[checkpoint.key] = open_model(
                checkpoint.source,
                OpenContext(
                    resolve=self.builder.resolve,
                    responses=RenewedFile(responses) if self.store.fresh else responses,
                    device=self.device,
                    reporter=self.reporter,
                    pool=self._pool,
                ),
            )
        return self._models[checkpoint.key]

    def open_uncached(self, checkpoint: Checkpoint, *, batch_tokens: int) -> CachedModel:
        """A model that answers everything anew, in batches of another size."""
        from harness.models.open_context import OpenContext
        from harness.models.open_model import open_model

        return open_model(
            checkpoint.source,
            OpenContext(
                resolve=self.builder.resolve,
                responses=None,
                device=self.device,
                reporter=self.reporter,
                batch_tokens=batch_tokens,
            ),
        )

    def by_base(self, checkpoints: Mapping[str, Checkpoint]) -> list[str]:
        """The models in an order in which those that stand on one base follow each other.

        So that a base is loaded once for itself, its adapters and its linear heads.
        """
        from harness.models.checkpoint.inspection import inspect

        bases: dict[str, list[str]] = {}
        for name, checkpoint in checkpoints.items():
            parent = None if checkpoint.weightless else inspect(checkpoint.path).parent
            folder = checkpoint.path if parent is None else self.builder.resolve(parent["key"])
            bases.setdefault(str(folder), []).append(name)
        return [name for names in bases.values() for name in names]

    def release(self, checkpoint: Checkpoint) -> None:
        """Closes a model; its base stays in memory until another one is opened."""
        self._models.pop(checkpoint.key, None)

    def close(self) -> None:
        """Closes all models and their bases, so that a training that follows has the memory."""
        self._models.clear()
        self._pool = None

    def overlap(self) -> dict[str, frozenset[str]]:
        """Evaluation → ids of items whose text stands in the training data of some model.

        Exact and normalized matches and shared n-grams count; the report is cached by the
        fingerprints of both sides.
        """
        return {
            name: frozenset(overlap)
            for name, bound in self.prepared.asked.items()
            if (overlap := self._overlap_of(bound))
        }

    def _overlap_of(self, bound: BoundEvaluation) -> list[str]:
        trained = self._training_data()
        if not trained:
            return []
        fingerprints = sorted(dataset.fingerprint for dataset in trained)
        key = digest({"items": bound.items_key(bound.split), "trained": fingerprints, "fields": "all"})

        def build(work: Path) -> dict[str, Any]:
            from harness.data.overlap import overlap

            file = self.items_file(bound)
            texts = ((item.id, text) for item in each_item(file) for text in item.texts.values() if text)
            report = overlap((text for dataset in trained for text in training_texts(dataset)), texts)
            return {
                "exact": sorted(report.exact),
                "normalized": sorted(report.normalized),
                "ngram": sorted(report.ngram),
            }

        meta = self.store.make("overlap", key, build).meta
        memory_room.give_back()
        return sorted({*meta["exact"], *meta["normalized"], *meta["ngram"]})

    def _training_data(self) -> list[Dataset]:
        names: dict[str, Dataset] = {}
        suite = self.prepared.suite
        # Who only counts labels has seen no text.
        for spec in (spec for model, spec in suite.models.items() if model not in suite.implied):
            for name in spec.data if spec.kind.audited else ():
                names[name] = self.prepared.datasets[name]
            if spec.task is not None:
                for dataset in self.prepared.evaluations[spec.task].data[:1]:
                    names[dataset.name] = dataset
        return [dataset for dataset in names.values() if dataset.size("train")[0]]


def answer_policy_of(device: str) -> dict[str, Any]:
    """What decides answers besides model and evaluation (precision, device): part of the keys of what is answered."""
    from harness.models.device_policy import answer_policy

    return dict(answer_policy(device))


def _work(work: Work, memory: int | None) -> dict[str, float]:
    """What asking an evaluation cost: empty where nothing was counted, or where answers were known already."""
    counts: dict[str, float] = {}
    if work.tokens is not None and work.flops is not None and not work.from_cache:
        counts = {"tokens": work.tokens, "flops": work.flops}
    return counts if memory is None else {**counts, "peak_memory": memory}


def _write(records: Records, facts: dict[str, Any], work: Path) -> dict[str, Any]:
    write_records(work / "records.parquet", records)
    return {"facts": facts}


def facts_json(facts: ModelFacts) -> dict[str, Any]:
    """What results say of a model that was asked."""
    return {
        "family": facts.family,
        "language_model": facts.language_model,
        "labels": list(facts.labels) if facts.labels is not None else None,
        "tokenizer": facts.tokenizer_digest,
        "bos": facts.bos,
        "chat_template": facts.chat_template,
        "dtype": facts.dtype,
        "device": facts.device,
        "max_length": facts.max_length,
        "parameters": facts.parameters,
        "identity": model_identity(facts.digest, facts.answer_key),
        "notes": list(facts.notes),
    }


def made_for_another(bound: BoundEvaluation, facts: ModelFacts, requests: Sequence[Request]) -> str | None:
    """Why a model that can answer an evaluation is not asked it: it is made for another task; None where it is not."""
    own = {bound.name, bound.on}
    if facts.made_for is not None and facts.made_for not in own:
        return f"this heuristic only applies to task {facts.made_for!r}"
    if _shown(facts, requests) and facts.prompted_for not in own:
        return f"its few-shot examples are from task {facts.prompted_for!r}"
    return None


def _shown(facts: ModelFacts, requests: Sequence[Request]) -> bool:
    """Whether a model's worked examples stand before what an evaluation asks."""
    contexts = (Cloze, Continuations, Generate, TargetLikelihood)
    return facts.prompted_for is not None and any(isinstance(request, contexts) for request in requests)

"""Keeps the texts of items out of a run's files: `texts: none`, or those of changed answers alone (`texts: flips`).

Ids, labels, slices, and every number stay. The id of a cluster may be a text or a name of the data, so it becomes a
digest, unless it is one. A text is replaced by a mark that depends on a random key in the cache
folder: equal texts of one item have equal marks, so that answers can be counted as equal or changed, and nobody
without the key can try texts against a mark.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from harness.comparisons.flips import CORRECT
from harness.core.records import Records
from harness.evaluations.probe_guards import MESSAGES
from harness.schema.results.results_file import HIDDEN_TEXT
from harness.storage import atomic, plain_files
from harness.storage.items_file import StoredItem, read_items, write_items
from harness.storage.records_file import write_records
from harness.storage.run_dir import RunDir

if TYPE_CHECKING:
    from harness.pipeline.prepared_suite import BoundEvaluation, PreparedSuite

KEY = "private-texts.key"
_REPLACED = "\ufffd"
_NAME = re.compile(r"[a-z][a-z0-9_]*\Z")
_DIGEST = re.compile(r"[0-9a-f]{12,}\Z")
_REASONS = ("failure", "finish", "skipped")
"""Keys of a response whose values are words of ours."""
Nobody: frozenset[str] = frozenset()


def private_key(root: Path) -> bytes:
    """The key of this cache folder, made when it is first asked for; only its owner can read it."""
    path = root / KEY
    if not path.is_file():
        atomic.write_bytes(path, os.urandom(32))
        path.chmod(0o600)
    return plain_files.read_bytes(path)


@dataclass(frozen=True, slots=True)
class TextVeil:
    """What replaces texts in the files of one evaluation.

    Attributes:
        labels: the labels of the evaluation, which are no texts of items.
    """

    key: bytes
    labels: frozenset[str]

    def records(self, records: Records, kept: Collection[str] = Nobody) -> Records:
        """Records without texts.

        Args:
            kept: ids of items whose texts stay.
        """
        import pyarrow as pa

        table, ids = records.table, records.item_ids
        for column in ("target", "prediction", "response"):
            texts = [
                text if text is None or item in kept else self._hidden(column, item, text)
                for item, text in zip(ids, records.texts(column), strict=True)
            ]
            place = table.column_names.index(column)
            table = table.set_column(place, column, pa.array(texts, pa.string()))
        clusters = [json.dumps(_hashed(json.loads(text)), sort_keys=True) for text in records.texts("clusters")]
        place = table.column_names.index("clusters")
        return Records(records.head, table.set_column(place, "clusters", pa.array(clusters, pa.string())))

    def items(self, items: Iterable[StoredItem], kept: Collection[str] = Nobody) -> list[StoredItem]:
        """Items without texts, with the names of what they would show."""
        return [
            replace(item, clusters=_hashed(item.clusters)) if item.id in kept else self._item(item) for item in items
        ]

    def _item(self, item: StoredItem) -> StoredItem:
        target = None if item.target is None else self.mark(item.id, item.target)
        texts = dict.fromkeys(item.texts, HIDDEN_TEXT)
        return replace(item, texts=texts, target=target, clusters=_hashed(item.clusters))

    def mark(self, item: str, text: str) -> str:
        """A label or an empty text as it is; the mark of any other text."""
        if not text.strip() or text in self.labels or set(text.split("; ")) <= self.labels:
            return text
        digest = hmac.new(self.key, f"{item}\0{text}".encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()
        return f"[text {digest[:10]}{_REPLACED if _REPLACED in text else ''}]"

    def _hidden(self, column: str, item: str, text: str) -> str:
        if column != "response":
            return self.mark(item, text)
        return json.dumps(self._value(item, json.loads(text)), sort_keys=True)

    def _value(self, item: str, value: Any, key: str = "") -> Any:
        if isinstance(value, str):
            known = key in _REASONS or (key == "message" and value in MESSAGES)
            return value if known else self.mark(item, value)
        if isinstance(value, list):
            return [self._value(item, entry) for entry in value]
        if isinstance(value, Mapping):
            return {
                name if name in self.labels or _NAME.match(name) else self.mark(item, name): self._value(
                    item, entry, name
                )
                for name, entry in value.items()
            }
        return value


class RecordWriter:
    """Writes items and records into a run directory, with the texts that the suite lets it keep.

    Args:
        root: the cache folder, which holds the key.
    """

    def __init__(self, run: RunDir, prepared: PreparedSuite, root: Path) -> None:
        self.run = run
        self.prepared = prepared
        self._veils: dict[str, TextVeil] = {}
        if prepared.suite.texts != "all":
            key = private_key(root)
            self._veils = {name: TextVeil(key, _labels(bound)) for name, bound in prepared.asked.items()}

    def items(self, evaluation: str, file: Path, kept: Collection[str] = Nobody) -> None:
        """Writes the items of an evaluation from a file of the cache."""
        target = self.run.items_path(evaluation)
        veil = self._veils.get(evaluation)
        if veil is None:
            atomic.write_bytes(target, file.read_bytes())
        else:
            write_items(target, veil.items(read_items(file), kept))

    def records(self, path: Path, evaluation: str, records: Records, kept: Collection[str] = Nobody) -> None:
        """Writes the records of a model."""
        veil = self._veils.get(evaluation)
        write_records(path, records if veil is None else veil.records(records, kept))

    def changed_items(self, evaluation: str) -> frozenset[str]:
        """The items that a released model fixed or broke, where the suite keeps their texts."""
        suite = self.prepared.suite
        if suite.texts != "flips":
            return Nobody
        there = self.run.models(evaluation)
        before = [
            self._right(evaluation, name)
            for name in (suite.compare.baseline, *suite.compare.base_variants)
            if name in there
        ]
        after = [self._right(evaluation, name) for name in suite.release if name in there]
        return frozenset(
            item for old in before for new in after for item in old.keys() & new.keys() if old[item] != new[item]
        )

    def _right(self, evaluation: str, model: str) -> dict[str, bool]:
        records = self.run.records(evaluation, model)
        if CORRECT not in records.stat_names:
            return {}
        values = records.stat(CORRECT)
        pairs = zip(records.item_ids, values.tolist(), strict=True)
        return {item: value > 0.5 for item, value in pairs if not np.isnan(value)}


def _hashed(clusters: Mapping[str, str]) -> dict[str, str]:
    """Cluster ids that nothing can be read from; one id is the same in every run, so that runs still pair."""
    return {
        unit: name if _DIGEST.match(name) else hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:16]
        for unit, name in clusters.items()
    }


def _labels(bound: BoundEvaluation) -> frozenset[str]:
    return frozenset(bound.evaluation.metric_context().labels)

"""Audits the data that a suite's models learn from, and that its tasks are measured on."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.core.dataset import Dataset
from harness.core.digests import digest
from harness.core.reporter import Reporter
from harness.pipeline.prepared_suite import PreparedSuite
from harness.schema.results.inputs import AuditResult
from harness.storage import atomic, memory_room
from harness.storage.run_dir import RunDir
from harness.storage.store import Store

TEXT = "text"


@dataclass(frozen=True)
class Wanted:
    """One audit to make."""

    dataset: Dataset
    split: str
    purpose: str
    label: str | None


def audits_of(prepared: PreparedSuite, store: Store, reporter: Reporter) -> list[AuditResult]:
    """An audit of every split that something is trained on, and of the test split of what is fine-tuned for.

    Empty when the suite trains nothing. Each is made once for the same rows and lists of words.
    """
    wanted = list(_wanted(prepared))
    if not wanted:
        return []
    with reporter.task("data audit", total=len(wanted)) as task:
        made = []
        for request in wanted:
            made.append(_audited(request, store))
            task.advance()
        return made


def write_audits(run: RunDir, audits: list[AuditResult]) -> None:
    """Writes each audit as `audits/<data>-<split>.json` of the run directory."""
    for audit in audits:
        path = run.path / "audits" / f"{audit.data}-{audit.split}-{audit.purpose}.json"
        path.parent.mkdir(exist_ok=True)
        atomic.write_text(path, json.dumps(audit.model_dump(mode="json"), indent=1, sort_keys=True) + "\n")


def _wanted(prepared: PreparedSuite) -> Iterator[Wanted]:
    wanted: dict[tuple[str, str, str], Wanted] = {}
    for spec in prepared.suite.models.values():
        if not spec.kind.audited:
            continue
        for name in spec.data:
            _add(wanted, prepared.datasets[name], "train", "pretraining")
        if spec.task is not None:
            bound = prepared.evaluations[spec.task]
            _add(wanted, bound.data[0], "train", "fine-tuning")
            _add(wanted, bound.data[0], bound.split, "evaluation")
    yield from wanted.values()


def _add(wanted: dict[tuple[str, str, str], Wanted], dataset: Dataset, split: str, purpose: str) -> None:
    if TEXT in dataset.columns and dataset.size(split)[0]:
        label = "label" if "label" in dataset.labels and purpose != "pretraining" else None
        wanted.setdefault((dataset.name, split, purpose), Wanted(dataset, split, purpose, label))


def _audited(wanted: Wanted, store: Store) -> AuditResult:
    from harness.data.data_audit import AUDIT_FORMAT, audit, lexicon_key
    from harness.text.lexicons.group_words import own_gender_words

    groups = own_gender_words()
    key = digest(
        {
            "format": AUDIT_FORMAT,
            "data": wanted.dataset.fingerprint,
            "name": wanted.dataset.name,
            "split": wanted.split,
            "purpose": wanted.purpose,
            "label": wanted.label,
            "lexicon": lexicon_key(groups),
        }
    )

    def build(work: Path) -> dict[str, Any]:
        made = audit(wanted.dataset, wanted.split, label=wanted.label, groups=groups, purpose=wanted.purpose)
        atomic.write_text(work / "audit.json", json.dumps(made.model_dump(mode="json"), sort_keys=True))
        return {}

    entry = store.make("audits", key, build)
    memory_room.give_back()
    return AuditResult.model_validate(json.loads((entry.path / "audit.json").read_text("utf-8")))

"""Leaves out the rows that a compared model was trained on elsewhere, for all models alike."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.core.dataset import Dataset, Row
from harness.core.digests import bytes_digest, digest
from harness.core.errors import HarnessError, IncompleteError
from harness.core.reporter import Reporter
from harness.data.row_table import cluster_count, without
from harness.schema.suite.data_refs import FileRef, ref_name
from harness.storage.store import Store

if TYPE_CHECKING:
    from harness.suite.suite import Suite

_FORMAT = 1


@dataclass(frozen=True)
class TrainingFile:
    """A file that a model learned from.

    Attributes:
        models: that name it.
    """

    ref: FileRef
    content: bytes
    models: Sequence[str]

    def texts(self) -> Iterator[str]:
        """All texts in it; its columns need no names."""
        from harness.data.read_rows import TableFormat, read_rows
        from harness.data.row_texts import row_texts

        for raw in read_rows(self.content, self.ref.file, TableFormat()).rows:
            yield from row_texts(raw.fields)


def without_trained_rows(
    suite: Suite, datasets: Mapping[str, Dataset], store: Store, reporter: Reporter
) -> dict[str, Dataset]:
    """The data of a suite without the evaluated rows that occur in a file that a compared model was trained on.

    Duplicates are judged as `harness.data.overlap` does: equal, equal but for case and space, or by a long run of
    words. A training split stays whole, unless an evaluation asks about it by name.

    Raises:
        DataError: when such a file cannot be read.
        IncompleteError: when nothing is left of a split that an evaluation asks about.
    """
    files = training_files(suite)
    kept = dict(datasets)
    if not files:
        return kept
    for name, splits in _asked(suite).items():
        kept[name] = _without(datasets[name], splits, files, store)
        for split, count in kept[name].facts.get("left_out", {}).items():
            if split in splits and count == len(datasets[name].rows[split]):
                raise _nothing_left(suite, name, split, count, files)
        for note in kept[name].facts.get("left_out_notes", ()):
            reporter.warn(f"data {name}: {note}.")
    return kept


def training_files(suite: Suite) -> list[TrainingFile]:
    """The files that the compared models, and what they start from, say they were trained on.

    Raises:
        DataError: when one cannot be read, at the model's line.
    """
    from harness.data.sources.user_file import content_of, format_of
    from harness.suite.unknown_training import lineage

    named: dict[str, list[str]] = {}
    for model in suite.contenders:
        for source in lineage(suite.models, model):
            for file in suite.models[source].trained_on or ():
                named.setdefault(file, []).append(source)
    files = []
    for file, models in named.items():
        ref = FileRef(file=file)
        try:
            format_of(ref)
            files.append(TrainingFile(ref, content_of(ref, suite.folder), list(dict.fromkeys(models))))
        except HarnessError as error:
            error.notes = (*error.notes, f"{suite.where('models', models[0])}: `trained_on` of {models[0]} names it.")
            raise
    return files


def _asked(suite: Suite) -> dict[str, set[str]]:
    """Data → the splits of it that evaluations ask about."""
    from harness.suite.unknown_training import references_of

    asked: dict[str, set[str]] = {}
    for name in suite.evaluated:
        spec = suite.evaluations[name]
        for ref in references_of(suite, spec):
            asked.setdefault(ref_name(ref), set()).add(spec.options.split)
    return asked


def _without(dataset: Dataset, splits: set[str], files: Sequence[TrainingFile], store: Store) -> Dataset:
    from harness.data.fingerprints import fingerprint

    checked = {split: rows for split, rows in dataset.rows.items() if split != "train" or split in splits}
    shared = _shared(dataset, checked, files, store)
    if not shared:
        return dataset
    rows = {**dataset.rows}
    for split, kept in checked.items():
        rows[split] = without(kept, shared, dataset.columns)
    left_out = {split: len(kept) - len(rows[split]) for split, kept in checked.items() if len(kept) > len(rows[split])}
    models, names = _named(files)
    notes = [
        f"{count} of {len(dataset.rows[split])} rows of {split} are left out for all models: they occur in what "
        f"{models} learned from ({names})"
        for split, count in left_out.items()
    ]
    facts: dict[str, Any] = {
        **dataset.facts,
        "rows": {split: len(kept) for split, kept in rows.items()},
        "clusters": {split: cluster_count(kept) for split, kept in rows.items()},
        "notes": [*dataset.facts.get("notes", ()), *notes],
        "left_out": left_out,
        "left_out_notes": notes,
    }
    return replace(dataset, rows=rows, fingerprint=fingerprint(rows, dataset.columns, dataset.labels), facts=facts)


def _shared(
    dataset: Dataset, checked: Mapping[str, Sequence[Row]], files: Sequence[TrainingFile], store: Store
) -> frozenset[str]:
    """Ids of the rows that occur in a training file."""
    from harness.data.overlap import NGRAM_WORDS, overlap
    from harness.data.row_texts import row_texts

    key = digest(
        {
            "format": _FORMAT,
            "rows": dataset.fingerprint,
            "splits": sorted(checked),
            "words": NGRAM_WORDS,
            "trained_on": sorted([bytes_digest(file.content), Path(file.ref.file).suffix.lower()] for file in files),
        }
    )

    def build(work: Path) -> dict[str, Any]:
        items = (
            (row.id, text)
            for rows in checked.values()
            for row in rows
            for text in row_texts(row.fields, without=dataset.labels)
        )
        report = overlap((text for file in files for text in file.texts()), items)
        return {"rows": sorted(report.ngram)}

    return frozenset(store.make("overlap", key, build).meta["rows"])


def _nothing_left(suite: Suite, name: str, split: str, count: int, files: Sequence[TrainingFile]) -> IncompleteError:
    models, names = _named(files)
    return IncompleteError(
        f"data {name!r}: all {count} rows of {split} occur in what {models} learned from ({names}); nothing is left to "
        f"evaluate.",
        where=suite.where("data", name) if name in suite.data else suite.where(),
        hint="evaluate on rows that no model was trained on.",
    )


def _named(files: Sequence[TrainingFile]) -> tuple[str, str]:
    """The models and the files, for people."""
    models = dict.fromkeys(model for file in files for model in file.models)
    return " and ".join(models), ", ".join(file.ref.file for file in files)

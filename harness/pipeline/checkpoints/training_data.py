"""What the stages of a suite learn from: rows that no evaluation asks about, labels, a given tokenizer."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from harness.core.dataset import Dataset, OnDemand, Row
from harness.core.digests import digest, fraction
from harness.core.errors import DataError, SuiteError
from harness.core.examples import Example, LabeledText
from harness.core.model_kind import ModelSpec, TrainingNeed
from harness.core.option_names import Mitigates
from harness.core.reporter import Reporter
from harness.data.row_table import without
from harness.data.splits import normalized
from harness.data.text_index import TextIndex
from harness.pipeline.prepared_suite import BoundEvaluation, PreparedSuite
from harness.schema.suite.mitigation import Mitigation
from harness.storage.store import Store


class TrainingData:
    """The data of a prepared suite's stages.

    Args:
        prepared: the suite with its data sets and evaluations.
        reporter: told how many training rows are left out.
        store: keeps which rows those are, and the digests of texts, so that a second run compares no rows.
    """

    def __init__(self, prepared: PreparedSuite, reporter: Reporter, store: Store) -> None:
        self._prepared = prepared
        self._reporter = reporter
        self._store = store
        self._held_out: HeldOut | None = None
        self._excluded: dict[str, frozenset[str]] = {}
        self._examples: dict[tuple[str, TrainingNeed, int | None], tuple[tuple[Example, ...], tuple[Example, ...]]] = {}
        self._digests: dict[int, tuple[tuple[Example, ...], str]] = {}

    def inputs(self, model: str, spec: ModelSpec) -> DataInputs:
        """The rows and texts that a stage learns from, without its parent.

        Args:
            model: its name in the suite.
            spec: of that model.

        Raises:
            SuiteError: when the stage's task has no examples, or fewer than the labels that it asks for.
        """
        if spec.need is TrainingNeed.NOTHING:
            return DataInputs(texts={}, train=(), validation=(), labels=(), fingerprints={})
        if spec.need is TrainingNeed.TEXTS:
            return pretraining_inputs({name: self._allowed(self._prepared.datasets[name]) for name in spec.data})
        bound = self._prepared.evaluations.get(spec.task or "")
        if bound is None or not bound.data:
            raise self._no_examples(model, spec.task)
        demonstrations = spec.need is TrainingNeed.DEMONSTRATIONS
        examples = bound.evaluation.demonstrations if demonstrations else bound.evaluation.examples
        if model in self._prepared.suite.implied:
            return _counted(bound, bound.data[0])
        dataset = self._allowed(bound.data[0])
        present = len(dataset.split("train"))
        if spec.max_train_rows is not None and spec.max_train_rows > present:
            raise SuiteError(
                f"model {model!r}: expected at most {present} rows, the training rows of {dataset.name!r}, "
                f"found {spec.max_train_rows}.",
                where=self._prepared.suite.where("models", model),
                hint="lower `max_train_rows`, or remove it to train on all rows.",
            )
        rows = tuple(subset(dataset.split("train"), spec.max_train_rows))
        learned = dataset.with_train(lambda: rows)
        key = (bound.name, spec.need, spec.max_train_rows)
        if key not in self._examples:
            made = examples(learned, "train")
            if made is None:
                raise self._no_examples(model, spec.task)
            kept = examples(learned, "validation") if learned.size("validation")[0] else None
            self._examples[key] = (tuple(made), tuple(kept or ()))
        train, validation = self._examples[key]
        labels = bound.evaluation.example_labels
        return DataInputs(
            texts={},
            train=train,
            validation=validation,
            labels=tuple(labels if labels is not None else bound.evaluation.metric_context().labels),
            fingerprints={dataset.name: dataset.fingerprint},
            groups=column_groups(learned, rows, spec.options),
        )

    def digest(self, examples: tuple[Example, ...]) -> str:
        """Content digest of examples; models that learn from the same ones share it."""
        known = self._digests.get(id(examples))
        if known is None:
            known = self._digests[id(examples)] = (examples, digest([example.to_json() for example in examples]))
        return known[1]

    def _no_examples(self, model: str, task: str | None) -> SuiteError:
        return SuiteError(
            f"model {model!r}: training needs a task with training examples; {task!r} has none.",
            where=self._prepared.suite.where("models", model),
            hint="set `task` to a task of this suite with training examples.",
        )

    def tokenizer(self, spec: ModelSpec) -> Path | None:
        """The folder of a given tokenizer; None where one is trained, or the parent's is used.

        Raises:
            SuiteError: when the folder holds none.
        """
        given = spec.kind.tokenizer(spec.options)
        if given is None:
            return None
        folder = self._prepared.suite.folder / Path(given).expanduser()
        if not (folder / "tokenizer.json").is_file():
            raise SuiteError(
                f"the tokenizer folder has no tokenizer.json: {given}",
                hint="use a folder written by `save_pretrained` of a fast tokenizer.",
            )
        return folder

    def tokenizer_digest(self, spec: ModelSpec) -> str | None:
        """Content digest of a given tokenizer."""
        from harness.models.checkpoint.checkpoint_digest import tokenizer_digest

        folder = self.tokenizer(spec)
        return None if folder is None else tokenizer_digest(folder)

    def text_digests(self, inputs: DataInputs) -> dict[str, str]:
        """Content digest of the training texts of each data set; texts of a known digest are not read."""
        return {name: self._text_digest(name, inputs) for name in sorted(inputs.texts)}

    def _text_digest(self, name: str, inputs: DataInputs) -> str:
        return str(self._remembered("texts", self._prepared.datasets[name], lambda: digest(inputs.texts[name])))

    def _asked(self, dataset: Dataset) -> list[str]:
        if self._held_out is None:
            self._held_out = HeldOut(self._prepared.held_out)
        return [row.id for row in dataset.rows["train"] if self._held_out.holds(row)]

    def _remembered(self, what: str, dataset: Dataset, compute: Callable[[], Any]) -> Any:
        """What follows from the rows of a data set and of those that are held out."""
        held_out = sorted({(held.fingerprint, split) for held, split in self._prepared.held_out})
        key = digest({"format": _FORMAT, "what": what, "data": dataset.fingerprint, "held_out": held_out})
        return self._store.make("training_rows", key, lambda _: {"value": compute()}).meta["value"]

    def _allowed(self, dataset: Dataset) -> Dataset:
        """A data set without the training rows that an evaluation of the suite asks about."""
        if "train" not in dataset.rows:
            return dataset
        if dataset.fingerprint not in self._excluded:
            excluded = frozenset(self._remembered("excluded", dataset, lambda: self._asked(dataset)))
            self._excluded[dataset.fingerprint] = excluded
            if excluded:
                self._reporter.info(
                    f"data {dataset.name!r}: {len(excluded)} training rows also occur in an evaluation and "
                    f"are excluded from training."
                )
        excluded = self._excluded[dataset.fingerprint]
        if not excluded:
            return dataset
        return dataset.with_train(lambda: without(dataset.rows["train"], excluded, dataset.columns))


_FORMAT = 1
"""Part of what is kept of the rows: raise it when the rule below changes."""
_WORDS = 3
"""Shorter fields (labels, names, years) do not make two rows the same."""


class HeldOut:
    """The rows of every split that some evaluation of the suite asks about.

    Args:
        asked: (data set, split) of each evaluation. A training split that an evaluation asks about by
            name is left in training: who wants to measure memory says so.
    """

    def __init__(self, asked: Iterable[tuple[Dataset, str]]) -> None:
        self._ids, self._rows = TextIndex(), TextIndex()
        seen: set[tuple[str, str]] = set()
        number = 0
        for dataset, split in asked:
            if split == "train" or (dataset.fingerprint, split) in seen:
                continue
            seen.add((dataset.fingerprint, split))
            for row in dataset.rows.get(split, ()):
                self._ids.add(row.id, number)
                for text in _texts(row):
                    self._rows.add(text, number)
                number += 1

    def holds(self, row: Row) -> bool:
        """Whether a training row is one of them: by its id, or because all its texts stand in one of them."""
        if self._ids.numbers(row.id):
            return True
        texts = _texts(row)
        return bool(texts) and bool(set.intersection(*map(self._rows.numbers, texts)))


def _texts(row: Row) -> set[str]:
    """A row's texts, after case folding, Unicode composition and white space."""
    texts = (normalized(value) for value in row.fields.values() if isinstance(value, str))
    return {text for text in texts if text.count(" ") + 1 >= _WORDS}


def _counted(bound: BoundEvaluation, dataset: Dataset) -> DataInputs:
    """What an implied baseline counts: the training rows, or the asked ones where there are none to learn from.

    Counted on the asked rows a constant is the best of all constants, which is the safe side for whoever must beat it.
    """
    train: Sequence[Example] | None = None
    if dataset.size("train")[0]:
        with contextlib.suppress(DataError):  # rows that no model of the suite learns from
            train = bound.evaluation.examples(dataset, "train")
    if not train:
        train = bound.evaluation.examples(dataset, bound.split)
    labels = bound.evaluation.example_labels
    return DataInputs(
        texts={},
        train=tuple(train or ()),
        validation=(),
        labels=tuple(labels if labels is not None else bound.evaluation.metric_context().labels),
        fingerprints={dataset.name: dataset.fingerprint},
    )


@dataclass(frozen=True)
class DataInputs:
    """What a stage learns from: texts by data name, or examples of a task."""

    texts: Mapping[str, tuple[str, ...]]
    train: tuple[Example, ...]
    validation: tuple[Example, ...]
    labels: tuple[str, ...]
    fingerprints: Mapping[str, str]
    groups: tuple[str, ...] = ()

    @property
    def kind(self) -> str:
        """The type of the examples; that of labeled texts where there are none."""
        return self.train[0].kind if self.train else LabeledText.kind


def pretraining_inputs(datasets: Mapping[str, Dataset]) -> DataInputs:
    """The training texts of each data set."""
    return DataInputs(
        texts=OnDemand({name: partial(_training_texts, dataset) for name, dataset in datasets.items()}),
        train=(),
        validation=(),
        labels=(),
        fingerprints={name: dataset.fingerprint for name, dataset in datasets.items()},
    )


def _training_texts(dataset: Dataset) -> tuple[str, ...]:
    return tuple(dataset.texts("train", "text"))


def subset(rows: Sequence[Row], count: int | None) -> Sequence[Row]:
    """At most `count` rows, chosen by hash of the row id: the same rows whatever else changes."""
    if count is None or count >= len(rows):
        return rows
    chosen = {row.id for row in sorted(rows, key=lambda row: fraction(row.id))[:count]}
    return [row for row in rows if row.id in chosen]


def column_groups(dataset: Dataset, rows: Sequence[Row], options: object) -> tuple[str, ...]:
    """Each row's group, where a stage weighs rows by a column of its data; empty where it does not.

    Raises:
        DataError: when there is no such column.
    """
    mitigation = options.mitigate if isinstance(options, Mitigates) else None
    weights = mitigation.reweighing if isinstance(mitigation, Mitigation) else None
    if weights is None or weights.column is None:
        return ()
    dataset.require(weights.column)
    return tuple(str(value) if (value := row.fields.get(weights.column)) is not None else "" for row in rows)

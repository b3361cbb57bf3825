"""What a stage is given: texts, labeled examples, the parent checkpoint, the seed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.core.errors import CheckpointError, DataError
from harness.core.examples import LabeledText, TaggedWords


def _unresolved(key: str) -> Path:
    raise CheckpointError(f"the parent checkpoint {key[:12]} cannot be found: no store was given.")


@dataclass(frozen=True, slots=True)
class StageInputs:
    """Everything a stage depends on besides its own spec.

    Attributes:
        texts: data name → training texts (pretraining).
        train: training examples, all of one type (fine-tuning, alignment).
        validation: the same for validation; may be empty.
        labels: the task's labels in their fixed order.
        parent: folder of the checkpoint to start from.
        parent_key: its content key in the store.
        parent_digest: its content digest.
        seed: of initial weights, order, masking and dropout.
        data: data name → fingerprint.
        tokenizer: folder of a given tokenizer (pretraining from scratch).
        groups: each training example's group by a column of the data; empty where none is named.
        weights: each training example's weight in the loss; empty where all count alike.
        resolve: content key → folder of a checkpoint (an adapter's base).
    """

    texts: Mapping[str, Sequence[str]] = field(default_factory=dict)
    train: Sequence[Any] = ()
    validation: Sequence[Any] = ()
    labels: tuple[str, ...] = ()
    parent: Path | None = None
    parent_key: str | None = None
    parent_digest: str | None = None
    tokenizer: Path | None = None
    seed: int = 0
    data: Mapping[str, str] = field(default_factory=dict)
    groups: Sequence[str] = ()
    weights: Sequence[float] = ()
    resolve: Callable[[str], Path] = _unresolved

    def require_texts(self) -> None:
        """Checks that there is something to pretrain on.

        Raises:
            DataError: when there is no data, or one of them has no text that is not empty.
        """
        if not self.texts:
            raise DataError("pretraining needs at least one dataset.", hint="list them under `data`.")
        for name, texts in self.texts.items():
            if not any(text.strip() for text in texts):
                raise DataError(
                    f"data {name!r}: the training split has no text for pretraining.",
                    hint="check the `text` column and the split fractions.",
                )

    def require_examples(self) -> str:
        """Checks that there are examples of one type, and what their type asks for; returns the type.

        Raises:
            DataError: when examples are missing or empty, of several types, or labeled with one label
                only or an unknown one.
        """
        names = ", ".join(sorted(self.data)) or "the task"
        if not self.train:
            raise DataError(
                f"{names}: the training split has no examples.", hint="add rows, or increase the training fraction."
            )
        kinds = {example.kind for example in (*self.train, *self.validation)}
        if len(kinds) > 1:
            raise DataError(f"{names}: examples of several types in one task: {', '.join(sorted(kinds))}.")
        kind = str(next(iter(kinds)))
        for split, examples in (("training", self.train), ("validation", self.validation)):
            for number, example in enumerate(examples, start=1):
                _check_texts(f"{names}: {split} split", number, example)
        if kind == LabeledText.kind:
            self._check_labels(names)
        elif kind == TaggedWords.kind and len(self.labels) < 2:
            raise DataError(f"{names}: token classification needs at least two tags, found {list(self.labels)}.")
        return kind

    def _check_labels(self, names: str) -> None:
        independent = {example.independent for example in (*self.train, *self.validation)}
        if len(independent) > 1:
            raise DataError(f"{names}: some examples have independent labels, others have exclusive ones.")
        alone = independent == {True}
        if len(self.labels) < (1 if alone else 2):
            raise DataError(
                f"{names}: a classifier needs at least two labels, found {list(self.labels)}.",
                hint="check the `label` column.",
            )
        for split, examples in (("training", self.train), ("validation", self.validation)):
            for number, example in enumerate(examples, start=1):
                _check_places(f"{names}: {split} split", number, example, len(self.labels))
        present = {place for example in self.train for place in example.places}
        if not alone and len(present) < 2:
            only = self.labels[next(iter(present))]
            raise DataError(
                f"{names}: every training example has the label {only!r}; a classifier needs at least two labels.",
                hint="check the `label` column, or use more rows.",
            )

    def require_labeled(
        self, by: str, join: Callable[[str, str | None], str] | None = None
    ) -> tuple[list[tuple[str, int]], list[tuple[str, int]]]:
        """(text, place of its label) of every training and validation example.

        Args:
            by: what asks for them, for the error.
            join: makes one text of a pair; without it, pairs are refused.

        Raises:
            DataError: when examples are unfit, or not single texts with one label each.
        """
        self.require_examples()
        for example in (*self.train, *self.validation):
            fits = isinstance(example, LabeledText) and not example.independent
            if not fits or (example.pair is not None and join is None):
                what = "texts" if join else "single texts"
                raise DataError(
                    f"{by} supports only {what} with one label each; the task has different examples.",
                    hint="use `method: full`, `frozen` or `lora` for this task.",
                )

        def text(example: LabeledText) -> str:
            return example.text if join is None else join(example.text, example.pair)

        return (
            [(text(example), example.places[0]) for example in self.train],
            [(text(example), example.places[0]) for example in self.validation],
        )

    def require_parent(self) -> Path:
        """The folder of the checkpoint to start from.

        Raises:
            CheckpointError: when none was given or it does not exist.
        """
        if self.parent is None or not self.parent.is_dir():
            raise CheckpointError(
                f"the parent checkpoint is missing: {self.parent}.", hint="train or load the parent model first."
            )
        return self.parent


def _check_texts(what: str, number: int, example: Any) -> None:
    if isinstance(example, TaggedWords):
        if not example.words:
            raise DataError(f"{what}: example {number} has no words.", hint="drop empty rows.")
        return
    if not all(text.strip() for text in example.texts()):
        raise DataError(f"{what}: the text of example {number} is empty.", hint="drop rows without text.")
    if not example.inputs():
        raise DataError(f"{what}: example {number} has neither a prompt nor messages.", hint="drop such rows.")


def _check_places(what: str, number: int, example: LabeledText, labels: int) -> None:
    if not example.independent and len(example.places) != 1:
        raise DataError(
            f"{what}: example {number} has {len(example.places)} labels; expected one.",
            hint="mark the examples as independent for a task of several labels.",
        )
    for place in example.places:
        if not 0 <= place < labels:
            raise DataError(
                f"{what}: example {number} has the label index {place}; expected 0 to {labels - 1}.",
                hint="every row's label must be one of the task's labels.",
            )

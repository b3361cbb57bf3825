"""What a stage is given: texts, labelled examples, the parent checkpoint, the seed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from harness.core.errors import CheckpointError, DataError


def _unresolved(key: str) -> Path:
    raise CheckpointError(f"the parent checkpoint {key[:12]} cannot be found: no store was given.")


@dataclass(frozen=True, slots=True)
class StageInputs:
    """Everything a stage depends on besides its own spec.

    Attributes:
        texts: data name → training texts (pretraining).
        train: (text, index of its label) of every training example (fine-tuning).
        validation: the same for validation; may be empty.
        labels: the task's labels in their fixed order.
        parent: folder of the checkpoint to start from.
        parent_key: its content key in the store.
        parent_digest: its content digest.
        seed: of initial weights, order, masking and dropout.
        data: data name → fingerprint.
        tokenizer: folder of a given tokenizer (pretraining from scratch).
        resolve: content key → folder of a checkpoint (an adapter's base).
    """

    texts: Mapping[str, Sequence[str]] = field(default_factory=dict)
    train: Sequence[tuple[str, int]] = ()
    validation: Sequence[tuple[str, int]] = ()
    labels: tuple[str, ...] = ()
    parent: Path | None = None
    parent_key: str | None = None
    parent_digest: str | None = None
    tokenizer: Path | None = None
    seed: int = 0
    data: Mapping[str, str] = field(default_factory=dict)
    resolve: Callable[[str], Path] = _unresolved

    def require_texts(self) -> None:
        """Checks that there is something to pretrain on.

        Raises:
            DataError: when there is no data, or one of them has no text that is not empty.
        """
        if not self.texts:
            raise DataError("pretraining needs at least one data set; none was given.", hint="name some under `data`.")
        for name, texts in self.texts.items():
            if not any(text.strip() for text in texts):
                raise DataError(
                    f"data {name!r}: the training split holds no text to pretrain on.",
                    hint="check the `text` column and the split shares.",
                )

    def require_examples(self) -> None:
        """Checks that there are labelled examples of at least two labels.

        Raises:
            DataError: when examples are missing, empty, of one label only or of an unknown label.
        """
        names = ", ".join(sorted(self.data)) or "the task"
        if len(self.labels) < 2:
            raise DataError(
                f"{names}: a classifier needs two or more labels, found {list(self.labels)}.",
                hint="check the `label` column.",
            )
        if not self.train:
            raise DataError(
                f"{names}: the training split has no examples.", hint="give more rows, or a larger training share."
            )
        for split, examples in (("training", self.train), ("validation", self.validation)):
            _check_examples(f"{names}: {split} split", examples, len(self.labels))
        present = {label for _, label in self.train}
        if len(present) < 2:
            only = self.labels[next(iter(present))]
            raise DataError(
                f"{names}: every training example has the label {only!r}; a classifier needs two or more labels.",
                hint="check the `label` column, or use more rows.",
            )

    def require_parent(self) -> Path:
        """The folder of the checkpoint to start from.

        Raises:
            CheckpointError: when none was given or it does not exist.
        """
        if self.parent is None or not self.parent.is_dir():
            raise CheckpointError(
                f"the checkpoint to start from is missing: {self.parent}.", hint="train or load its model first."
            )
        return self.parent


def _check_examples(what: str, examples: Sequence[tuple[str, int]], labels: int) -> None:
    for number, (text, label) in enumerate(examples, start=1):
        if not text.strip():
            raise DataError(f"{what}: the text of example {number} is empty.", hint="drop rows without text.")
        if not 0 <= label < labels:
            raise DataError(
                f"{what}: example {number} has the label index {label}; expected 0 to {labels - 1}.",
                hint="every row's label must be one of the task's labels.",
            )

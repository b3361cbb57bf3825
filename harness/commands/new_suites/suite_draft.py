"""A suite while `harness init` puts it together: what was given, what the suite says, what a reader must know."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.pipeline.checkpoints.named_checkpoints import Ability

MOST_LABELS = 20
"""A suite names so many labels; more are left to the data."""
HEURISTICS = {
    "classification": "majority",
    "token_classification": "gazetteer",
    "question_answering": "overlap",
    "translation": "copy",
    "summarization": "lead",
    "multiple_choice": "longest",
    "regression": "mean",
    "retrieval": "tfidf",
    "reranking": "tfidf",
}
"""Task → the heuristic that any model must beat."""
Ask = Callable[[Sequence[str], Mapping[str, int]], str | None]
"""Asks a person what the rows of a head mean: its names, the data's labels with their rows → the answer, or None."""


@dataclass(frozen=True, slots=True)
class TrainingWord:
    """What the person says of the rows.

    Attributes:
        trained_on: files that the models learned from, relative to the current folder; None where nothing is said.
        held_out: no model learned from the rows.
    """

    trained_on: Sequence[str] | None = None
    held_out: bool = False


@dataclass(frozen=True, slots=True)
class GivenModels:
    """The checkpoints of the command line: folders, hub-id@revision, or catalog:NAME."""

    base: str | None = None
    finetuned: str | None = None


NO_MODELS = GivenModels()
UNSAID = TrainingWord()


@dataclass(slots=True)
class Draft:
    """A suite while it is put together."""

    folder: Path
    base: Ability | None
    finetuned: Ability | None
    word: TrainingWord
    value: dict[str, Any] = field(default_factory=dict)
    comments: dict[tuple[str, ...], str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    @property
    def trained_here(self) -> bool:
        """Whether the fine-tuned model is trained by the suite."""
        return self.finetuned is None

    def gate(self, **rule: Any) -> None:
        """Adds a gate under a name of its own."""
        known = {other["id"] for other in self.value["gates"]}
        base = rule.pop("id")
        number = next(name for name in (base, *(f"{base}-{place}" for place in range(2, 99))) if name not in known)
        self.value["gates"].append({"id": number, **rule})


def parted(name: str) -> tuple[str, str | None]:
    """`hub-id@revision` → both; a path stays whole."""
    path, at, revision = name.rpartition("@")
    return (path, revision) if at and not Path(name).exists() else (name, None)


def path_in_suite(file: Path, folder: Path) -> str:
    """A path of the command line as the suite writes it."""
    return str(file) if file.is_absolute() else os.path.relpath(file, folder)

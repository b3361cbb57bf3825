"""What another tool logged of its models' answers, in one shape; and the protocol of those who read it.

Outside packages register a `LogImporter` as an entry point of the group `harness.importers`. Names of figures say
what the tool let pass: a whole item, or one of its checks.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, Literal


@dataclass(frozen=True, slots=True)
class LoggedAnswer:
    """One answer of a model to one item.

    Attributes:
        id: the item's own, the same for every model.
        text: what was asked.
        targets: right answers, any of them; empty where the log has none.
        answer: what the model answered; None where it failed.
        figures: the tool's figures of this answer, by name.
        epoch: which of several answers to the item, from 1.
        fault: why there is no answer or no figure.
        slices: groups that the item belongs to, as `key=value`.
    """

    id: str
    text: str
    targets: tuple[str, ...] = ()
    answer: str | None = None
    figures: Mapping[str, float] = field(default_factory=dict)
    epoch: int = 1
    fault: str | None = None
    slices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class LoggedEvaluation:
    """All answers of one model in one task.

    Attributes:
        directions: figures for which less is better; every other one is better when it is higher.
        verdicts: figures that say what the tool let pass; they stay as logged beside what they can be computed as.
        totals: the tool's own mean of a figure, to be held against the answers.
        notes: what a reader of the figures must know.
    """

    answers: Sequence[LoggedAnswer]
    directions: Mapping[str, Literal["higher", "lower"]] = field(default_factory=dict)
    totals: Mapping[str, float] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    verdicts: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class ModelLog:
    """What one model did.

    Attributes:
        model: as the tool calls it.
        evaluations: by the task's name.
        facts: the tool's version and what else it says of the model.
    """

    model: str
    evaluations: Mapping[str, LoggedEvaluation]
    facts: Mapping[str, str | int] = field(default_factory=dict)


class LogImporter(ABC):
    """Reads the logs of one tool.

    Attributes:
        tool: its name, as people write it.
        summary: one line for `harness import --help`.
        options: what `--option KEY=VALUE` may say, with a description of each.
    """

    tool: ClassVar[str]
    summary: ClassVar[str]
    options: ClassVar[Mapping[str, str]] = {}

    @classmethod
    def recognizes(cls, path: Path) -> bool:
        """Whether a file or folder looks like a log of this tool.

        Asked only to name the format of a log that another importer cannot read; it need not be sure.
        """
        return False

    @abstractmethod
    def read(self, path: Path, options: Mapping[str, str]) -> Sequence[ModelLog]:
        """The models of a log, in its order.

        Args:
            path: a file or a folder.
            options: keys of `options`.

        Raises:
            DataError: when nothing of it can be read, with the place and what was expected.
        """


PASSED = "passed"
"""Whether an item passed all that it was held to."""


def verdict_figure(name: str) -> str:
    """The figure that says whether one check passed, by the check's name."""
    return f"{name} {PASSED}"


def is_verdict(figure: str) -> bool:
    """Whether a figure says what passed, and is no score."""
    return figure == PASSED or figure.endswith(f" {PASSED}")

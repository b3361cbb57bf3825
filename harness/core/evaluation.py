"""The small protocols that everything meets at: model, evaluation, metric.

A task and a probe are both evaluations: they differ only in what they ask and in which metrics
read their records. A metric is a pure function of records. A model answers requests.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Literal

from pydantic import BaseModel

from harness.core.dataset import Dataset
from harness.core.metric import MetricContext
from harness.core.model import ModelFacts
from harness.core.records import Record, Records
from harness.core.requests import Request, Response

EvaluationRole = Literal["task", "probe", "cost"]
"""What an evaluation is about: what a model can do, whom it harms, or what asking it costs."""


@dataclass(frozen=True, slots=True)
class Item:
    """One thing that is asked about: a review, a sentence pair, a group of substitutions.

    Attributes:
        id: content hash, stable over runs and machines.
        payload: what the evaluation needs to make requests and read answers (JSON-able).
        texts: named texts for display (`text`, `original`, `swapped`, …); stored once per item.
        clusters: unit → cluster id; statistics resample clusters, never rows.
    """

    id: str
    payload: Mapping[str, Any]
    texts: Mapping[str, str]
    target: str | None = None
    clusters: Mapping[str, str] = field(default_factory=dict)
    slices: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    overlap: bool = False


@dataclass(frozen=True, slots=True)
class ItemMeasure:
    """What tells most of an item: its value is `statistic` / Σ `per` / `divisor`.

    Attributes:
        statistic: of its record, or `margin`, the record's margin.
        label: in a few words.
        unit: of the value; empty where it has none.
        better: which way is better; None where neither is.
        empty: the value where the sum of `per` is zero; None where there is none.
    """

    statistic: str
    label: str
    unit: str = ""
    better: Literal["higher", "lower"] | None = None
    per: tuple[str, ...] = ()
    divisor: float = 1.0
    empty: float | None = None


class Evaluation(ABC):
    """A task or probe bound to its data, as `harness.tasks` and `harness.probes` name them.

    Every evaluation inherits from here, those of outside packages too. The class is called as
    `Cls(name, options, context)`; `Options` validates the YAML below the evaluation's kind.

    Attributes:
        provides: the columns and statistics that its records hold.
        default_metrics: those of a suite that names none; the first one leads.
        implied_rules: heuristics that a suite has for this task without being asked.
        cluster_unit: what is independent of each other: a unit that every item has an id of
            (`Item.clusters`), or `item` where every item stands alone.
    """

    Options: ClassVar[type[BaseModel]]
    role: ClassVar[EvaluationRole]
    kind: ClassVar[str]
    summary: ClassVar[str]
    provides: ClassVar[tuple[str, ...]]
    cluster_unit: ClassVar[str]
    implied_rules: ClassVar[tuple[str, ...]] = ()

    name: str
    options: Any
    default_metrics: tuple[str, ...]

    def __init__(self, name: str, options: Any, context: EvaluationContext) -> None:
        self.name = name
        self.options = options

    @property
    def caveats(self) -> tuple[str, ...]:
        """Sentences for whoever reads the figures."""
        return ()

    @property
    def item_measures(self) -> tuple[ItemMeasure, ...]:
        """What its items are ordered by: the first one whose statistic a model's records have."""
        return ()

    @property
    def readings(self) -> Sequence[Any]:
        """What other models of the suite are asked about the written texts (`evaluations.graders.grader.Reading`)."""
        return ()

    @property
    def example_labels(self) -> tuple[str, ...] | None:
        """The labels in the order that `examples` counts them; None where they are those of `metric_context`."""
        return None

    @classmethod
    def prepared(cls, given: dict[str, Any], folder: Path) -> dict[str, Any]:
        """The YAML below the kind, completed before it is validated (by a file beside the suite).

        Args:
            folder: of the suite.
        """
        return given

    @classmethod
    @abstractmethod
    def data_names(cls, options: Any) -> tuple[Any, ...]:
        """The data references in the options (a name of the suite's `data`, or an inline reference), in order."""

    @property
    def data_refs(self) -> tuple[Any, ...]:
        """The data that `items` wants, in order; a probe that stands on a task has the task's data too."""
        return self.data_names(self.options)

    @abstractmethod
    def spec(self) -> Mapping[str, Any]:
        """JSON: everything that changes items, requests or records; part of content keys."""

    def protocol_content(self, protocol: str) -> Mapping[str, Any]:
        """JSON: what decides how a model is asked by a protocol and how its answers are read.

        Prompt, words, stop rules, filters, scorer: two runs are compared where this is equal, whatever their names.
        Which rows are asked about is no part of it, since runs are compared on the rows that both hold.
        """
        return {name: value for name, value in self.spec().items() if name not in {"kind", "limit"}}

    @abstractmethod
    def items(self, data: Sequence[Dataset], split: str) -> Iterator[Item]:
        """The items of a split. Stable order, unique ids."""

    def check_data(self, data: Sequence[Dataset]) -> None:
        """Refuses data that it cannot ask about, before anything is trained or asked.

        Raises:
            DataError: naming the column or the slot.
        """
        return

    def warnings(self, data: Sequence[Dataset], split: str) -> Sequence[str]:
        """Sentences about the data and the options that whoever runs the suite must see."""
        return ()

    def answer_warnings(self, records: Records) -> Sequence[str]:
        """Sentences about one model's answers that whoever reads its figures must see."""
        return ()

    def frame(self, item: Item) -> tuple[str, str] | None:
        """What the item asks and whom it is about, where each item is about other people; None where items stand alone.

        Items that ask the same about different people have no figure if the model reads the same tokens.
        """
        return None

    def remarks(self, data: Sequence[Dataset], split: str) -> Sequence[str]:
        """Sentences about the data: rows without a counterpart, words that never occur."""
        return ()

    def examples(self, dataset: Dataset, split: str) -> Sequence[Any] | None:
        """What models learn from (harness/core/examples.py); None where no model is trained for it."""
        return None

    def demonstrations(self, dataset: Dataset, split: str) -> Sequence[Any] | None:
        """What a prompt shows a model; the examples, where a task says nothing else."""
        return self.examples(dataset, split)

    @abstractmethod
    def protocol(self, facts: ModelFacts) -> str | None:
        """How this model is asked (`head`, `cloze`, `continuations`, …); None when it cannot be."""

    @abstractmethod
    def unsupported(self, facts: ModelFacts) -> str:
        """Why `protocol` is None, for people."""

    @abstractmethod
    def requests(self, item: Item, protocol: str) -> Sequence[Request]: ...

    @abstractmethod
    def record(self, item: Item, protocol: str, responses: Sequence[Response]) -> Record: ...

    def metric_context(self) -> MetricContext:
        """What its metrics need to know; evaluations with labels or a scorer say them."""
        return MetricContext(cluster_unit=self.cluster_unit)


@dataclass(frozen=True, slots=True)
class EvaluationContext:
    """What an evaluation may know of its suite.

    Attributes:
        tasks: the tasks already made (a probe stands `on` one).
        labels: data name → label column → labels, as the opened datasets say; empty while a suite
            is only validated and no data is open.
        languages: data name → language tag, where the suite declares one.
        generated_code: programs that models write may run, in locked-down processes.
    """

    tasks: Mapping[str, Evaluation] = field(default_factory=dict)
    labels: Mapping[str, Mapping[str, tuple[str, ...]]] = field(default_factory=dict)
    seed: int = 0
    languages: Mapping[str, str] = field(default_factory=dict)
    generated_code: bool = False

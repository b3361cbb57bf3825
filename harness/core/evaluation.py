"""The small protocols that everything meets at: model, evaluation, metric.

A task and a probe are both evaluations: they differ only in what they ask and in which metrics
read their records. A metric is a pure function of records. A model answers requests.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, Protocol

from pydantic import BaseModel

from harness.core.dataset import Dataset
from harness.core.metric import MetricContext
from harness.core.model import ModelFacts
from harness.core.records import Record
from harness.core.requests import Request, Response


@dataclass(frozen=True, slots=True)
class Item:
    """One thing that is asked about: a review, a sentence pair, a group of substitutions.

    Attributes:
        id: content hash, stable over runs and machines.
        payload: what the evaluation needs to make requests and read answers (JSON-able).
        texts: named texts for display (`text`, `original`, `swapped`, …); stored once per item.
        clusters: level → cluster id; statistics resample clusters, never rows.
    """

    id: str
    payload: Mapping[str, Any]
    texts: Mapping[str, str]
    target: str | None = None
    clusters: Mapping[str, str] = field(default_factory=dict)
    slices: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    overlap: bool = False


class Evaluation(Protocol):
    """A task or probe bound to its data, as `harness.tasks` and `harness.probes` name them.

    The class is called as `Cls(name, options, context)`; `Options` validates the YAML below the
    evaluation's kind. These members may be left out: `prepared(given, folder)`, a class method that completes
    the YAML below the kind before it is validated (by a file beside the suite); `data_refs`, a property that
    `items` wants instead of `data_names` (a probe that stands on a task has the task's data too); `caveats`, sentences
    for whoever reads the figures, and `remarks(data, split)`, such sentences about the data; and for tasks
    that models are trained for `examples(dataset, split) -> Sequence[Example]` (harness/core/examples.py), with
    `example_labels`, the labels in the order that examples count them, where they are not those of
    `metric_context`.
    """

    Options: ClassVar[type[BaseModel]]
    role: ClassVar[Literal["task", "probe"]]
    kind: ClassVar[str]
    summary: ClassVar[str]
    provides: ClassVar[tuple[str, ...]]
    default_metrics: ClassVar[tuple[str, ...]]

    name: str

    @classmethod
    def data_names(cls, options: Any) -> tuple[Any, ...]:
        """The data references in the options (a name of the suite's `data`, or an inline
        reference), in the order in which `items` wants them."""
        ...

    def spec(self) -> Mapping[str, Any]:
        """JSON: everything that changes items, requests or records; part of content keys."""
        ...

    def items(self, data: Sequence[Dataset], split: str) -> Iterator[Item]:
        """The items of a split. Stable order, unique ids."""
        ...

    def protocol(self, facts: ModelFacts) -> str | None:
        """How this model is asked (`head`, `cloze`, `continuations`, …); None when it cannot be."""
        ...

    def unsupported(self, facts: ModelFacts) -> str:
        """Why `protocol` is None, for people."""
        ...

    def requests(self, item: Item, protocol: str) -> Sequence[Request]: ...

    def record(self, item: Item, protocol: str, responses: Sequence[Response]) -> Record: ...

    def metric_context(self) -> MetricContext: ...


@dataclass(frozen=True, slots=True)
class EvaluationContext:
    """What an evaluation may know of its suite.

    Attributes:
        tasks: the tasks already made (a probe stands `on` one).
        labels: data name → label column → labels, as the opened datasets say; empty while a suite
            is only validated and no data is open.
    """

    tasks: Mapping[str, Evaluation] = field(default_factory=dict)
    labels: Mapping[str, Mapping[str, tuple[str, ...]]] = field(default_factory=dict)
    seed: int = 0

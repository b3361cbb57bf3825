"""The small protocols that everything meets at: model, evaluation, metric.

A task and a probe are both evaluations: they differ only in what they ask and in which metrics
read their records. A metric is a pure function of records. A model answers requests.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, Protocol, runtime_checkable

import numpy.typing as npt
from pydantic import BaseModel

from harness.core.dataset import Dataset
from harness.core.records import FloatArray, Record, Records
from harness.core.requests import Request, Response

Direction = Literal["higher", "lower", "target"]
MetricKind = Literal["mean", "ratio", "additive", "recompute"]


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """What must be known of a model to ask it well and to compare it honestly.

    Attributes:
        digest: content digest of weights, configuration, tokenizer and, for adapters and heads
            on a frozen base, of the base too. Never a path.
        family: `masked`, `causal`, `encoder` (no language-model head), `bag_of_words`, ….
        language_model: `masked`, `causal`, `seq2seq` or None when there is no trained
            language-model head.
        labels: the labels of its classification head, in head order, or None.
        tag_labels: the labels of its token-classification head, in head order, or None.
        supports: the kinds of request (`Request.kind`) that it answers.
        chat: whether it has a chat template, so that `messages` can be asked.
        chat_template: digest of that template, where it is known.
        bos: what its texts begin with (`<s> before every text`, …), where that is known.
        tokenizer_digest: of what decides its tokens; the chat template is none of it.
        prompted_for: the task whose worked examples stand before every question, or None.
        shots: how many of them.
        made_for: the only task that it can be asked about, or None.
        answer_key: what else changes answers (dtype, scoring version, …), part of cache keys.
    """

    digest: str
    family: str
    language_model: Literal["masked", "causal", "seq2seq"] | None
    labels: tuple[str, ...] | None
    tag_labels: tuple[str, ...] | None = None
    supports: frozenset[str] = frozenset()
    chat: bool = False
    tokenizer_digest: str | None = None
    dtype: str = "float32"
    device: str = "cpu"
    max_length: int | None = None
    parameters: int = 0
    notes: tuple[str, ...] = ()
    prompted_for: str | None = None
    shots: int = 0
    made_for: str | None = None
    chat_template: str | None = None
    bos: str | None = None
    answer_key: Mapping[str, Any] = field(default_factory=dict)


@runtime_checkable
class Model(Protocol):
    """Something that answers requests."""

    @property
    def facts(self) -> ModelFacts: ...

    def answer(self, requests: Iterable[Request]) -> Iterator[tuple[Request, Response]]:
        """Answers every distinct request once, in any order. Never raises for one request: a
        request that cannot be answered gets a `Failure`."""
        ...


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


@runtime_checkable
class Metric(Protocol):
    """A pure function of records.

    `kind` says which statistics fit:
        mean: `stats` is [n, 1], one value per item; the metric is their mean.
        ratio: `stats` is [n, 2]; the metric is Σ first / Σ second.
        additive: any function of the summed columns (F1, calibration error, BLEU).
        recompute: needs the records themselves. It has a method `recompute(records) -> float` (NaN
            where undefined; records may repeat), is bootstrapped slowly, and is marked `slow`; its
            `stats` and `value` are never called.

    An attribute `weakness` (a sentence) stands with every result of the metric.
    """

    id: str
    unit: str
    direction: Direction
    ideal: float | None
    kind: MetricKind
    cluster: str | None

    def stats(self, records: Records) -> FloatArray:
        """float64[n, k], one row per record, in the records' order. A row that does not belong
        to the metric (a tie, an item of another kind) is NaN throughout and is left out."""
        ...

    def value(self, sums: FloatArray, n: npt.NDArray[Any] | float) -> FloatArray:
        """[…, k] sums of rows and […] number of rows → […] values. NaN where undefined."""
        ...


@dataclass(frozen=True, slots=True)
class MetricContext:
    """What a metric factory may need: the labels of the task, the scorer in use, options.

    `code` holds the loaded modules of metrics that are code of a file, by name; empty unless the user allowed them.
    """

    labels: tuple[str, ...] = ()
    scorer: str | None = None
    code: Mapping[str, Any] = field(default_factory=dict)


class MetricFactory(Protocol):
    """What `harness.metrics` entry points name: makes the metric(s) of one name.

    One name may stand for several metrics (`f1_per_class` → `f1[negative]`, …). `needs` lists the
    record statistics and columns that it reads, so that a metric that does not fit a task is
    refused before anything runs.
    """

    needs: ClassVar[tuple[str, ...]]
    summary: ClassVar[str]

    def __call__(self, name: str, context: MetricContext) -> Sequence[Metric]: ...


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

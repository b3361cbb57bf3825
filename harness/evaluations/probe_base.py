"""What probes share: how they are made, which data they want, content keys from their settings."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar, Generic, Literal, TypeVar

from harness.core.dataset import Dataset
from harness.core.evaluation import Evaluation, EvaluationContext
from harness.core.metric import MetricContext
from harness.core.model import ModelFacts
from harness.core.records import Records
from harness.evaluations.on_task import task_of, task_spec
from harness.evaluations.probe_guards import alike_warnings
from harness.schema.suite.data_refs import DataName
from harness.schema.suite.evaluation_options import EvaluationOptions, OnTaskOptions
from harness.text.language_guess import language_warnings

OptionsT = TypeVar("OptionsT", bound=EvaluationOptions)
OnTaskOptionsT = TypeVar("OnTaskOptionsT", bound=OnTaskOptions)


class Probe(Evaluation, Generic[OptionsT]):
    """A probe with data of its own.

    Attributes:
        format: of its items, requests and records; a new number makes them again.
    """

    role: ClassVar[Literal["task", "probe"]] = "probe"
    format: ClassVar[int] = 1
    options: OptionsT

    def __init__(self, name: str, options: OptionsT, context: EvaluationContext) -> None:
        super().__init__(name, options, context)

    @classmethod
    def data_names(cls, options: Any) -> tuple[DataName, ...]:
        """The data of its own."""
        return (options.data,)

    def spec(self) -> Mapping[str, Any]:
        """What changes items, requests or records: its settings and the limit."""
        return {"kind": self.kind, "format": self.format, **self.settings(), "limit": self.options.limit}

    def answer_warnings(self, records: Records) -> list[str]:
        """Items whose variants a model could not tell apart."""
        return alike_warnings(records)

    @abstractmethod
    def settings(self) -> Mapping[str, Any]:
        """JSON: the options that change items, requests or records."""


class OnTaskProbe(Probe[OnTaskOptionsT]):
    """A probe that asks the question of a classification task, about the task's data and further data."""

    def __init__(self, name: str, options: OnTaskOptionsT, context: EvaluationContext) -> None:
        super().__init__(name, options, context)
        self.task = task_of(name, options.on, context)

    @property
    def data_refs(self) -> tuple[DataName, ...]:
        """The data that `items` wants, in order: the task's, then its own."""
        return (*self.task.data_refs, *self.data_names(self.options))

    def spec(self) -> Mapping[str, Any]:
        return {**super().spec(), "on": task_spec(self.task)}

    def foreign_texts(self, data: Sequence[Dataset], split: str, what: str) -> list[str]:
        """A warning where English lists meet the task's texts in another language."""
        texts = (item.payload["text"] for item in self.task.every_item(data[: len(self.task.data_refs)], split))
        return language_warnings(texts, what)

    def protocol_content(self, protocol: str) -> Mapping[str, Any]:
        """Its own, and its task's."""
        return {**super().protocol_content(protocol), "on": self.task.protocol_content(protocol)}

    def protocol(self, facts: ModelFacts) -> str | None:
        return self.task.protocol(facts)

    def unsupported(self, facts: ModelFacts) -> str:
        return self.task.unsupported(facts)

    def metric_context(self) -> MetricContext:
        return replace(self.task.metric_context(), cluster_unit=self.cluster_unit)

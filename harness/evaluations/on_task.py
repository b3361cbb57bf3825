"""What probes that stand on a classification task share: the task's question, and reading its answers."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol, cast

from harness.core.dataset import Dataset
from harness.core.errors import SuiteError, unknown
from harness.core.evaluation import EvaluationContext, Item
from harness.core.metric import MetricContext
from harness.core.model import ModelFacts
from harness.core.requests import Failure, Request, Response
from harness.evaluations.prompts.label_prompt import decide
from harness.schema.suite.data_refs import DataName

_OFFERED = ("values", "text_column", "data_refs", "every_item", "requests_for", "log_probabilities")


class ClassifiesTexts(Protocol):
    """What a task must offer for a probe to stand on it; `Classification` does."""

    name: str
    cluster_unit: ClassVar[str]

    @property
    def values(self) -> dict[str, float]: ...

    @property
    def text_column(self) -> str: ...

    @property
    def data_refs(self) -> tuple[DataName, ...]: ...

    def spec(self) -> Mapping[str, Any]: ...

    def protocol_content(self, protocol: str) -> Mapping[str, Any]: ...

    def every_item(self, data: Sequence[Dataset], split: str) -> Iterator[Item]: ...

    def protocol(self, facts: ModelFacts) -> str | None: ...

    def unsupported(self, facts: ModelFacts) -> str: ...

    def requests_for(self, text: str, protocol: str) -> Sequence[Request]: ...

    def log_probabilities(self, responses: Sequence[Response], protocol: str) -> dict[str, float] | Failure: ...

    def metric_context(self) -> MetricContext: ...


@dataclass(frozen=True, slots=True)
class Answer:
    """A task's answer on one text.

    Attributes:
        label: the likeliest label.
        score: Σ p(label)·value(label), the values being the task's.
    """

    label: str
    tied: bool
    score: float
    log_p: Mapping[str, float]


def task_of(probe: str, on: str, context: EvaluationContext) -> ClassifiesTexts:
    """The classification task that a probe stands on.

    Raises:
        SuiteError: when there is no such task, or it is of another kind.
    """
    task = context.tasks.get(on)
    if task is None:
        raise SuiteError(
            f"probe {probe!r}: {unknown('task', on, context.tasks)}", hint="set `on` to a task of this suite."
        )
    if not all(hasattr(type(task), name) for name in _OFFERED):
        raise SuiteError(
            f"probe {probe!r} uses the task {on!r}, which is a {task.kind} task.",
            hint="set `on` to a classification task.",
        )
    return cast(ClassifiesTexts, task)


def task_spec(task: ClassifiesTexts) -> dict[str, Any]:
    """The task's settings as part of a probe's; its limit is not the probe's."""
    return {key: value for key, value in task.spec().items() if key != "limit"}


def read_answers(
    task: ClassifiesTexts, responses: Sequence[Response], texts: int, protocol: str, key: str
) -> list[Answer] | Failure:
    """The answers on several texts, asked one after the other; the first failure, when one has none.

    Args:
        key: decides between tied labels, as `decide` does.
    """
    step = len(responses) // texts
    answers: list[Answer] = []
    for start in range(0, len(responses), step):
        log_p = task.log_probabilities(responses[start : start + step], protocol)
        if isinstance(log_p, Failure):
            return log_p
        label, tied = decide(log_p, key)
        score = math.fsum(math.exp(log_p[name]) * value for name, value in task.values.items())
        answers.append(Answer(label, tied, score, log_p))
    return answers

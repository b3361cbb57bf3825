"""Opens a suite's data and binds its tasks and probes to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from harness.core import registry
from harness.core.dataset import Dataset
from harness.core.digests import digest
from harness.core.errors import SuiteError
from harness.core.evaluation import Evaluation, EvaluationContext
from harness.core.reporter import Reporter
from harness.pipeline.trained_rows import without_trained_rows
from harness.schema.suite.data_refs import DataRef, ref_name
from harness.storage.store import Store

if TYPE_CHECKING:
    from harness.suite.suite import EvaluationSpec, Suite

EVALUATION_FORMAT = 1


@dataclass(frozen=True)
class BoundEvaluation:
    """An evaluation with its open data."""

    name: str
    evaluation: Evaluation
    data: tuple[Dataset, ...]
    split: str
    metrics: tuple[str, ...]
    on: str | None

    def identity(self, split: str) -> dict[str, Any]:
        """What decides the items and requests: part of the keys of items and records."""
        return {
            "format": EVALUATION_FORMAT,
            "kind": self.evaluation.kind,
            "spec": dict(self.evaluation.spec()),
            "split": split,
            "data": [dataset.fingerprint for dataset in self.data],
        }

    def items_key(self, split: str) -> str:
        return digest(self.identity(split))


@dataclass(frozen=True)
class PreparedSuite:
    """A suite with open data and bound evaluations, tasks before probes.

    `code` holds the loaded modules of metrics that are code of a file; only a run that the user allowed has any.
    """

    suite: Suite
    datasets: Mapping[str, Dataset]
    evaluations: Mapping[str, BoundEvaluation]
    code: Mapping[str, Any] = field(default_factory=dict)

    @property
    def asked(self) -> dict[str, BoundEvaluation]:
        """The evaluations that models are asked; others only serve training or a probe."""
        return {name: bound for name, bound in self.evaluations.items() if name in self.suite.evaluated}


def prepare(
    suite: Suite,
    store: Store,
    reporter: Reporter,
    *,
    limit: int | None = None,
    code: Mapping[str, Any] | None = None,
) -> PreparedSuite:
    """Opens all data that the suite's models, tasks and probes name, without rows that models learned from elsewhere.

    Args:
        limit: at most this many items an evaluation (`--limit`); training is not touched.
        code: loaded modules of metrics, by name.

    Raises:
        HarnessError: where data is missing or wrong, at the suite's line.
    """
    datasets = without_trained_rows(suite, open_data(suite, store, reporter), store, reporter)
    return PreparedSuite(suite, datasets, bind(suite, datasets, limit), code or {})


def open_data(suite: Suite, store: Store, reporter: Reporter) -> dict[str, Dataset]:
    """Opens the data of the suite, by name, and the references written inside evaluations."""
    from harness.data.open_dataset import open_dataset

    opened: dict[str, Dataset] = {}
    for name, ref in references(suite).items():
        opened[name] = open_dataset(ref, name=name, base=suite.folder, store=store, reporter=reporter)
    return opened


def references(suite: Suite) -> dict[str, DataRef]:
    """Every data reference that something in the suite uses: name → reference."""
    used: dict[str, DataRef] = {}
    for model in suite.models.values():
        for name in model.data:
            used[name] = suite.data[name]
    for spec in [*suite.tasks.values(), *suite.probes.values()]:
        for ref in _names(spec):
            key = ref_name(ref)
            used[key] = suite.data[key] if isinstance(ref, str) else ref
    return used


def _names(spec: EvaluationSpec) -> tuple[Any, ...]:
    cls = registry.load("tasks" if spec.role == "task" else "probes", spec.kind)
    names: tuple[Any, ...] = cls.data_names(spec.options)
    return names


def bind(suite: Suite, datasets: Mapping[str, Dataset], limit: int | None = None) -> dict[str, BoundEvaluation]:
    """Makes every task and probe of the suite, with its data."""
    labels = {name: dataset.labels for name, dataset in datasets.items()}
    tasks: dict[str, Evaluation] = {}
    bound: dict[str, BoundEvaluation] = {}
    for spec in [*suite.tasks.values(), *suite.probes.values()]:
        group = "tasks" if spec.role == "task" else "probes"
        cls = registry.load(group, spec.kind)
        options = spec.options
        if limit is not None:
            options = options.model_copy(update={"limit": min(limit, options.limit or limit)})
        evaluation: Evaluation = cls(spec.name, options, EvaluationContext(tasks=tasks, labels=labels, seed=suite.seed))
        data = tuple(datasets[ref_name(ref)] for ref in evaluation.data_refs)
        evaluation.check_data(data)
        metrics = tuple(options.metrics or evaluation.default_metrics)
        if not metrics:
            raise SuiteError(f"{group[:-1]} {spec.name!r} has no metric.", where=suite.where(group, spec.name))
        bound[spec.name] = BoundEvaluation(spec.name, evaluation, data, options.split, metrics, options.task_name)
        if spec.role == "task":
            tasks[spec.name] = evaluation
    return bound

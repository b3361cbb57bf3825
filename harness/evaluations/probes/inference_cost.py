"""What asking costs: the inputs of a task, asked again and again by all models in turn, and timed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar

from pydantic import Field

from harness.core.dataset import Dataset
from harness.core.digests import digest
from harness.core.errors import DataError, SuiteError, unknown
from harness.core.evaluation import Evaluation, EvaluationContext, EvaluationRole, Item
from harness.core.metric import MetricContext
from harness.core.model import ModelFacts
from harness.core.records import Record, Records
from harness.core.requests import Failure, Request, Response
from harness.evaluations.record_builders import failed, outcome
from harness.schema.suite.evaluation_options import EvaluationOptions

LEAST_INPUTS = 20
"""A block asks each input twice; with fewer than 40 times its 95th percentile would be about the longest of them."""


class InferenceCostOptions(EvaluationOptions):
    """The YAML of an inference-cost evaluation."""

    on: str = Field(description="The task whose inputs are timed.")
    items: int = Field(40, ge=LEAST_INPUTS, le=1000, description="Inputs of a block: the first ones by id.")
    blocks: int = Field(20, ge=10, le=500, description="Blocks. In each, every model is timed twice, there and back.")
    warm_up: int = Field(1, ge=1, le=20, description="Visits to each model before the first block, not counted.")

    @property
    def task_name(self) -> str:
        return self.on


class InferenceCost(Evaluation):
    """One item is a block of timings, in which every model answers the same inputs of a task.

    A block goes through all models and back again, so that a machine that becomes slower meanwhile does so for all of
    them alike. At each visit the model is asked every input alone (latency), and then all together (throughput).
    """

    Options: ClassVar[type[InferenceCostOptions]] = InferenceCostOptions
    role: ClassVar[EvaluationRole] = "cost"
    kind: ClassVar[str] = "inference_cost"
    summary: ClassVar[str] = "Latency, throughput, memory, and size of the models on a task's inputs."
    cluster_unit: ClassVar[str] = "block"
    provides: ClassVar[tuple[str, ...]] = (
        *("latency_median", "latency_p95", "item_throughput", "token_throughput"),
        *("memory_peak", "parameter_count", "disk_size"),
    )
    default_metrics: tuple[str, ...] = (
        *("latency_median", "latency_p95", "item_throughput", "token_throughput"),
        *("memory_peak", "parameter_count", "disk_size"),
    )
    options: InferenceCostOptions

    def __init__(self, name: str, options: InferenceCostOptions, context: EvaluationContext) -> None:
        super().__init__(name, options, context)
        task = context.tasks.get(options.on)
        if task is None:
            raise SuiteError(
                f"probe {name!r}: {unknown('task', options.on, context.tasks)}",
                hint="set `on` to a task of this suite.",
            )
        self.task = task

    @classmethod
    def data_names(cls, options: Any) -> tuple[Any, ...]:
        """None of its own."""
        return ()

    @property
    def data_refs(self) -> tuple[Any, ...]:
        """The task's."""
        return self.task.data_refs

    def spec(self) -> Mapping[str, Any]:
        """What is asked and how often; the task's limit is no part of it."""
        task = {name: value for name, value in self.task.spec().items() if name != "limit"}
        options = self.options
        repeated = {"items": options.items, "blocks": options.blocks, "warm_up": options.warm_up}
        return {"kind": self.kind, "format": 1, **repeated, "on": task, "limit": options.limit}

    def protocol_content(self, protocol: str) -> Mapping[str, Any]:
        """Its own, and its task's."""
        return {**super().protocol_content(protocol), "on": self.task.protocol_content(protocol)}

    def inputs(self, data: Sequence[Dataset], split: str) -> list[Item]:
        """The task's items that a block asks: the first ones by id, no text twice, as equal ones are asked once.

        Raises:
            DataError: when there are too few for a 95th percentile.
        """
        wanted = self.options.items
        if self.options.limit is not None:
            wanted = min(wanted, max(LEAST_INPUTS, self.options.limit))
        by_texts = {
            digest(dict(item.texts)): item
            for item in sorted(self.task.items(data, split), key=lambda item: item.id, reverse=True)
        }
        chosen = sorted(by_texts.values(), key=lambda item: item.id)[:wanted]
        if len(chosen) < LEAST_INPUTS:
            raise DataError(
                f"{self.name!r} times the inputs of {self.options.on!r}, which has {len(chosen)} different ones in the "
                f"{split} split; at least {LEAST_INPUTS} are needed.",
                hint="choose a task or a split with more items, or raise the task's `limit`.",
            )
        return chosen

    def items(self, data: Sequence[Dataset], split: str) -> Iterator[Item]:
        """The blocks."""
        inputs = self.inputs(data, split)
        asked = digest([item.id for item in inputs])
        for number in range(1, self.options.blocks + 1):
            yield Item(
                id=f"block-{number:03d}",
                payload={"block": number, "inputs": asked},
                texts={"block": f"Block {number} of {self.options.blocks}: {len(inputs)} inputs of {self.options.on}"},
                clusters={self.cluster_unit: f"block-{number:03d}"},
            )

    def check_data(self, data: Sequence[Dataset]) -> None:
        """The task's data, with inputs enough."""
        self.task.check_data(data)
        self.inputs(data, self.options.split)

    def protocol(self, facts: ModelFacts) -> str | None:
        return self.task.protocol(facts)

    def unsupported(self, facts: ModelFacts) -> str:
        return self.task.unsupported(facts)

    def requests(self, item: Item, protocol: str) -> Sequence[Request]:
        """Nothing: a block is timed as a whole (`pipeline.records.timing_session`)."""
        return ()

    def record(self, item: Item, protocol: str, responses: Sequence[Response]) -> Record:
        """A block that nobody timed."""
        return failed(item, Failure("absent", "the block was not timed"))

    def block_record(self, item: Item, measured: Mapping[str, float] | Failure) -> Record:
        """The record of a block that was timed.

        Args:
            measured: the statistics of the block; or why a request of it was not answered.
        """
        if isinstance(measured, Failure):
            return failed(item, measured)
        shown = {name: float(f"{value:.6g}") for name, value in measured.items()}
        return outcome(item, response=shown, stats=measured)

    def metric_context(self) -> MetricContext:
        return MetricContext(cluster_unit=self.cluster_unit)


def timing_note(records: Records) -> str:
    """On which machine some blocks were timed, for people; empty where the records do not say it."""
    timing = records.head.facts.get("timing", {})
    machine = timing.get("machine")
    if not machine:
        return ""
    parts = [
        str(machine["processor"]),
        f"{machine['cores']} cores",
        f"{machine['threads']} thread{'' if machine['threads'] == 1 else 's'}",
        *([] if machine["device"] == "cpu" else [str(machine["device"])]),
        str(machine["dtype"]),
        f"torch {machine['torch']}",
    ]
    load = timing.get("load")
    busy = load is not None and load > machine["cores"]
    other = f", which did other work as well (load {load:.1f})" if busy else ""
    return f"Timed on {', '.join(parts)}{other}; figures of another machine are not comparable."

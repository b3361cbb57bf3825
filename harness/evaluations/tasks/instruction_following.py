"""Instruction following: does the answer meet what the instruction asks for, as far as rules can check it."""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import Field

from harness.core.dataset import Dataset, Row
from harness.core.evaluation import Item, ItemMeasure
from harness.evaluations.answers.constraints import constraints_in, met
from harness.evaluations.answers.repeated_answers import SAMPLED
from harness.evaluations.generation_base import WritingOptions, WritingTask
from harness.evaluations.item_measures import CONSTRAINTS_MET, REPEATED
from harness.evaluations.prompts.prompt_template import ColumnTemplate
from harness.metrics.capability.written_text import writing_statistics


class InstructionOptions(WritingOptions):
    """The YAML of an instruction task."""

    prompt: ColumnTemplate = Field("{instruction}\n", description="Prompt: a template with {column} placeholders.")
    target: str = Field(
        "answer", description="Column with an answer that satisfies the constraints; used for training only."
    )
    constraints: str = Field("constraints", description='Column with a JSON list such as `[{"lines": 2}]`.')
    stop: list[str] = Field(["\n\n"], description="Stop strings; the answer ends before the first one.")


class Instruction(WritingTask[InstructionOptions]):
    """Asks for an answer and checks each constraint of its row."""

    Options: ClassVar[type[InstructionOptions]] = InstructionOptions
    kind: ClassVar[str] = "instruction_following"
    summary: ClassVar[str] = (
        "Whether answers satisfy the verifiable constraints of their instructions: format, length, words."
    )
    item_measures: ClassVar[tuple[ItemMeasure, ...]] = (
        CONSTRAINTS_MET,
        REPEATED,
    )
    provides: ClassVar[tuple[str, ...]] = (
        *("followed", "met", "constraints", "correct", "length_limit_rate", "words", "grams_4", "repeated"),
        *("nll_reference", "bytes_reference", "prediction"),
        *SAMPLED,
    )
    default_metrics: tuple[str, ...] = (
        "prompt_level_accuracy",
        "instruction_level_accuracy",
        "repetition",
        "length_limit_rate",
    )
    separator: ClassVar[str] = ""
    needs_reference: ClassVar[bool] = False

    def columns(self) -> list[str]:
        return [*super().columns(), self.options.constraints]

    def extra(self, dataset: Dataset, row: Row) -> dict[str, Any]:
        return {"constraints": constraints_in(dataset, row, self.options.constraints)}

    def measure(self, text: str, item: Item) -> tuple[dict[str, float], dict[str, Any]]:
        results = met(text, item.payload["constraints"])
        followed = float(all(results))
        counts = {
            "met": float(sum(results)),
            "constraints": float(len(results)),
            "followed": followed,
            "correct": followed,
        }
        return {**writing_statistics(text), **counts}, {"met": results}

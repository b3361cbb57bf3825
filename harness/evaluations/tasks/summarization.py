"""Summarization: ROUGE of what the model writes about a document."""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import Field

from harness.core.evaluation import Item, ItemMeasure
from harness.evaluations.generation_base import WritingOptions, WritingTask
from harness.evaluations.prompt_template import ColumnTemplate
from harness.metrics.capability.rouge import rouge_statistics
from harness.metrics.capability.written_text import writing_statistics


class SummarizationOptions(WritingOptions):
    """The YAML of a summarization task."""

    prompt: ColumnTemplate = Field("{document}\nSummary:", description="Prompt: a template with {column} placeholders.")
    target: str = Field("summary", description="Column with the reference summary, or a JSON list of references.")


class Summarization(WritingTask[SummarizationOptions]):
    """Asks for the summary of each document."""

    Options: ClassVar[type[SummarizationOptions]] = SummarizationOptions
    kind: ClassVar[str] = "summarization"
    summary: ClassVar[str] = "Summarization: how much a generated summary overlaps with the references."
    item_measures: ClassVar[tuple[ItemMeasure, ...]] = (ItemMeasure("rougeL", "ROUGE-L of the text", better="higher"),)
    provides: ClassVar[tuple[str, ...]] = (
        *("rouge1", "rouge2", "rougeL", "rougeLsum", "words", "reference_words", "length_limit_rate"),
        *("target", "prediction", "nll_reference", "bytes_reference"),
    )
    default_metrics: tuple[str, ...] = (
        *("rouge1", "rouge2", "rougeL", "length_ratio", "target_bits_per_byte", "length_limit_rate"),
    )

    def measure(self, text: str, item: Item) -> tuple[dict[str, float], dict[str, Any]]:
        references = item.payload["references"]
        return {**rouge_statistics(text, references), **writing_statistics(text, references[0])}, {}

"""Summarization: ROUGE of what the model writes about a document."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from pydantic import Field

from harness.core.dataset import Dataset
from harness.core.evaluation import EvaluationContext, Item, ItemMeasure
from harness.evaluations.generation_base import WritingOptions, WritingTask
from harness.evaluations.prompts.prompt_template import ColumnTemplate
from harness.metrics.capability.rouge import rouge_statistics
from harness.metrics.capability.text_tokenizers import RougeTokenizer, check_tokenizer, rouge_tokenizer
from harness.metrics.capability.written_text import writing_statistics


class SummarizationOptions(WritingOptions):
    """The YAML of a summarization task."""

    prompt: ColumnTemplate = Field("{document}\nSummary:", description="Prompt: a template with {column} placeholders.")
    target: str = Field("summary", description="Column with the reference summary, or a JSON list of references.")

    tokenize: RougeTokenizer | None = Field(
        None, description="Tokenizer of ROUGE. Defaults to that of the data's `language`, or ascii."
    )


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

    def __init__(self, name: str, options: SummarizationOptions, context: EvaluationContext) -> None:
        super().__init__(name, options, context)
        self.tokenizer = options.tokenize or rouge_tokenizer(self.language)
        check_tokenizer(self.tokenizer, f"task {name!r}")

    def spec(self) -> Mapping[str, Any]:
        made = super().spec()
        options = {name: value for name, value in made["options"].items() if name != "tokenize"}
        # Keys of answers from before there was a choice stay what they were.
        return {**made, "options": options, **({} if self.tokenizer == "ascii" else {"tokenizer": self.tokenizer})}

    @property
    def caveats(self) -> tuple[str, ...]:
        return (*super().caveats, f"ROUGE: tokenizer {self.tokenizer}, no stemming.")

    def warnings(self, data: Sequence[Dataset], split: str) -> list[str]:
        return [*super().warnings(data, split), *self.script_warnings(data, split, self.tokenizer)]

    def measure(self, text: str, item: Item) -> tuple[dict[str, float], dict[str, Any]]:
        references = item.payload["references"]
        return {**rouge_statistics(text, references, self.tokenizer), **writing_statistics(text, references[0])}, {}

"""Generative question answering: the model writes the answer; exact match and F1 by SQuAD's rules."""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import Field

from harness.core.evaluation import Item, ItemMeasure
from harness.evaluations.generation_base import WritingOptions, WritingTask
from harness.evaluations.item_measures import ANSWER_F1
from harness.evaluations.prompt_template import ColumnTemplate
from harness.metrics.capability.answer_match import answer_f1_of, exact_match_of, normalize_answer
from harness.metrics.capability.rouge import rouge_statistics


class GenerativeQAOptions(WritingOptions):
    """The YAML of a generative question-answering task."""

    prompt: ColumnTemplate = Field(
        "{context}\nQuestion: {question}\nAnswer:", description="Prompt: a template with {column} placeholders."
    )
    target: str = Field("answers", description="Column with the reference answer, or a JSON list of accepted answers.")
    max_tokens: int = Field(24, ge=1, le=4096, description="Maximum number of generated tokens.")
    no_answer: str = Field("unanswerable", description="Text that means that the context has no answer.")


class GenerativeQA(WritingTask[GenerativeQAOptions]):
    """Asks each question; a row without accepted answers wants `no_answer`."""

    Options: ClassVar[type[GenerativeQAOptions]] = GenerativeQAOptions
    kind: ClassVar[str] = "generative_qa"
    summary: ClassVar[str] = "Question answering with generated answers."
    item_measures: ClassVar[tuple[ItemMeasure, ...]] = (ANSWER_F1,)
    provides: ClassVar[tuple[str, ...]] = (
        *("squad_exact_match", "squad_f1", "no_answer_accuracy", "rougeL", "length_limit_rate"),
        *("target", "prediction", "correct", "nll_reference", "bytes_reference"),
    )
    default_metrics: tuple[str, ...] = (
        "squad_exact_match",
        "squad_f1",
        "target_bits_per_byte",
        "length_limit_rate",
    )

    def measure(self, text: str, item: Item) -> tuple[dict[str, float], dict[str, Any]]:
        nothing = normalize_answer(self.options.no_answer)
        wanted = [gold for gold in item.payload["references"] if normalize_answer(gold) != nothing]
        given = "" if normalize_answer(text) == nothing else text
        exact = exact_match_of(given, wanted)
        stats = {
            "squad_exact_match": exact,
            "squad_f1": answer_f1_of(given, wanted),
            "no_answer_accuracy": float(bool(given) == bool(wanted)),
            "correct": exact,
            "rougeL": rouge_statistics(given, wanted or [""])["rougeL"],
        }
        return stats, {}

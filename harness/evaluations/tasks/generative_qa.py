"""Generative question answering: the model writes the answer; exact match and F1 by SQuAD's rules."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from pydantic import Field

from harness.core.dataset import Dataset
from harness.core.evaluation import EvaluationContext, Item, ItemMeasure
from harness.evaluations.answers.answer_reader import ReadAnswer, as_canonical, calls_match, read_answer
from harness.evaluations.answers.repeated_answers import SAMPLED
from harness.evaluations.generation_base import MOST_TOKENS, WritingOptions, WritingTask
from harness.evaluations.item_measures import ANSWER_F1
from harness.evaluations.prompts.prompt_template import ColumnTemplate
from harness.metrics.capability.answer_match import (
    answer_f1_of,
    exact_match_of,
    normalization_faults,
    normalize_answer,
    numeric_match_of,
    plain_match_of,
)
from harness.metrics.capability.rouge import rouge_statistics
from harness.metrics.capability.text_tokenizers import rouge_tokenizer


class GenerativeQAOptions(WritingOptions):
    """The YAML of a generative question-answering task."""

    prompt: ColumnTemplate = Field(
        "{context}\nQuestion: {question}\nAnswer:", description="Prompt: a template with {column} placeholders."
    )
    target: str = Field("answers", description="Column with the reference answer, or a JSON list of accepted answers.")
    max_tokens: int = Field(24, ge=1, le=MOST_TOKENS, description="Maximum number of generated tokens.")
    read_answer: ReadAnswer | None = Field(
        None, description="How an answer is read before it is compared: `regex`, `json_schema`, or `tool_call`."
    )
    no_answer: str = Field("unanswerable", description="Text that means that the context has no answer.")


class GenerativeQA(WritingTask[GenerativeQAOptions]):
    """Asks each question; a row without accepted answers wants `no_answer`."""

    Options: ClassVar[type[GenerativeQAOptions]] = GenerativeQAOptions
    kind: ClassVar[str] = "generative_qa"
    summary: ClassVar[str] = "Question answering with generated answers."
    item_measures: ClassVar[tuple[ItemMeasure, ...]] = (ANSWER_F1,)
    provides: ClassVar[tuple[str, ...]] = (
        *(
            "squad_exact_match",
            "squad_f1",
            "exact_match_strict",
            "exact_match_numeric",
            "no_answer_accuracy",
            "rougeL",
            "length_limit_rate",
        ),
        *("tool_name", "tool_arguments", "target", "prediction", "correct", "nll_reference", "bytes_reference"),
        *SAMPLED,
    )
    default_metrics: tuple[str, ...] = (
        "squad_exact_match",
        "squad_f1",
        "target_bits_per_byte",
        "length_limit_rate",
    )

    needs_reference: ClassVar[bool] = False
    format: ClassVar[int] = 2

    def __init__(self, name: str, options: GenerativeQAOptions, context: EvaluationContext) -> None:
        super().__init__(name, options, context)
        self.tokenizer = rouge_tokenizer(self.language)
        reader = options.read_answer
        if reader is not None and reader.tool_call:
            self.default_metrics = ("tool_name_accuracy", "tool_arguments_accuracy", "length_limit_rate")
        elif reader is not None and reader.json_schema is not None:
            self.default_metrics = ("exact_match_strict", "length_limit_rate")

    def read(self, text: str) -> str:
        """By `read_answer`, where the task has one."""
        return text if self.options.read_answer is None else read_answer(self.options.read_answer, text)

    def spec(self) -> Mapping[str, Any]:
        return {**super().spec(), **({} if self.tokenizer == "ascii" else {"tokenizer": self.tokenizer})}

    def warnings(self, data: Sequence[Dataset], split: str) -> list[str]:
        return [*super().warnings(data, split), *self._normalization(data[0], split)]

    def _normalization(self, dataset: Dataset, split: str) -> list[str]:
        """Targets that SQuAD's normal form empties, or makes alike, where a metric reads that form."""
        if not {"squad_exact_match", "squad_f1"} & set(self.options.metrics or self.default_metrics):
            return []
        golds = (gold for row in dataset.split(split) for gold in self.accepted(dataset, row))
        emptied, merged = normalization_faults(golds)
        faults = []
        if emptied:
            faults.append(f"empties {len(emptied)} targets ({', '.join(map(repr, emptied[:3]))})")
        if merged:
            pairs = ", ".join(f"{first!r} and {second!r}" for first, second in merged[:3])
            faults.append(f"makes {len(merged)} pairs of targets alike ({pairs})")
        if not faults:
            return []
        form = "SQuAD's normal form, which takes punctuation and articles away, "
        return [f"{form}{' and '.join(faults)}. Add the metrics exact_match_strict or exact_match_numeric."]

    def measure(self, text: str, item: Item) -> tuple[dict[str, float], dict[str, Any]]:
        nothing = normalize_answer(self.options.no_answer)
        reader, golds = self.options.read_answer, list(item.payload["references"])
        if reader is not None and reader.tool_call:
            return _call_statistics(text, golds), {"read": text}
        if reader is not None and reader.json_schema is not None:
            golds = [as_canonical(gold) for gold in golds]
        wanted = [gold for gold in golds if normalize_answer(gold) != nothing]
        given = "" if normalize_answer(text) == nothing else text
        exact = exact_match_of(given, wanted)
        stats = {
            "squad_exact_match": exact,
            "squad_f1": answer_f1_of(given, wanted),
            "exact_match_strict": plain_match_of(given, wanted),
            "exact_match_numeric": numeric_match_of(given, wanted),
            "no_answer_accuracy": float(bool(given) == bool(wanted)),
            "correct": exact,
            "rougeL": rouge_statistics(given, wanted or [""], self.tokenizer)["rougeL"],
        }
        return stats, {} if reader is None else {"read": text}


def _call_statistics(call: str, golds: Sequence[str]) -> dict[str, float]:
    """Whether the tool and its arguments are those of a reference; both of the same one count as right."""
    matches = [calls_match(call, gold) for gold in golds]
    return {
        "tool_name": float(any(name for name, _ in matches)),
        "tool_arguments": float(any(arguments for _, arguments in matches)),
        "correct": float(any(name and arguments for name, arguments in matches)),
        "exact_match_strict": float(any(name and arguments for name, arguments in matches)),
    }

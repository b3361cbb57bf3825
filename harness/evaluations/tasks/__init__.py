"""Tasks: one file each."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from harness.evaluations.tasks.classification import Classification, ClassificationOptions
    from harness.evaluations.tasks.code_completion import CodeCompletion
    from harness.evaluations.tasks.completions import CompletionsTask
    from harness.evaluations.tasks.extractive_qa import ExtractiveQA
    from harness.evaluations.tasks.generation import Generation
    from harness.evaluations.tasks.generative_qa import GenerativeQA
    from harness.evaluations.tasks.instruction import Instruction
    from harness.evaluations.tasks.language_modelling import LanguageModelling, LanguageModellingOptions
    from harness.evaluations.tasks.multi_label import MultiLabel
    from harness.evaluations.tasks.multiple_choice import MultipleChoice
    from harness.evaluations.tasks.next_sentence import NextSentenceTask
    from harness.evaluations.tasks.next_word import NextWord
    from harness.evaluations.tasks.question import ClozeOptions
    from harness.evaluations.tasks.refusal import Refusal
    from harness.evaluations.tasks.sentence_choice import SentenceChoice
    from harness.evaluations.tasks.summarisation import Summarisation
    from harness.evaluations.tasks.tagging import Tagging
    from harness.evaluations.tasks.translation import Translation

_HOMES = {
    "Classification": "classification",
    "ClassificationOptions": "classification",
    "ClozeOptions": "question",
    "CodeCompletion": "code_completion",
    "CompletionsTask": "completions",
    "ExtractiveQA": "extractive_qa",
    "Generation": "generation",
    "GenerativeQA": "generative_qa",
    "Instruction": "instruction",
    "LanguageModelling": "language_modelling",
    "LanguageModellingOptions": "language_modelling",
    "MultiLabel": "multi_label",
    "MultipleChoice": "multiple_choice",
    "NextSentenceTask": "next_sentence",
    "NextWord": "next_word",
    "Refusal": "refusal",
    "SentenceChoice": "sentence_choice",
    "Summarisation": "summarisation",
    "Tagging": "tagging",
    "Translation": "translation",
}

__all__ = [
    "Classification",
    "ClassificationOptions",
    "ClozeOptions",
    "CodeCompletion",
    "CompletionsTask",
    "ExtractiveQA",
    "Generation",
    "GenerativeQA",
    "Instruction",
    "LanguageModelling",
    "LanguageModellingOptions",
    "MultiLabel",
    "MultipleChoice",
    "NextSentenceTask",
    "NextWord",
    "Refusal",
    "SentenceChoice",
    "Summarisation",
    "Tagging",
    "Translation",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)

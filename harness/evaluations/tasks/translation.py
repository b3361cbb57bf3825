"""Translation: BLEU, chrF and TER of what the model writes for a source text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from pydantic import Field

from harness.core.dataset import Dataset
from harness.core.evaluation import EvaluationContext, Item
from harness.evaluations.generation_base import WritingOptions, WritingTask
from harness.evaluations.prompts.prompt_template import ColumnTemplate
from harness.metrics.capability.bleu_chrf_ter import NAMES, signature, translation_statistics
from harness.metrics.capability.text_tokenizers import BleuTokenizer, bleu_tokenizer, check_tokenizer


class TranslationOptions(WritingOptions):
    """The YAML of a translation task."""

    prompt: ColumnTemplate = Field("{source} =>", description="Prompt: a template with {column} placeholders.")

    tokenize: BleuTokenizer | None = Field(
        None, description="Tokenizer of BLEU, one of sacrebleu's. Defaults to that of the data's `language`, or 13a."
    )


class Translation(WritingTask[TranslationOptions]):
    """Asks for the translation of each source text; all references count."""

    Options: ClassVar[type[TranslationOptions]] = TranslationOptions
    kind: ClassVar[str] = "translation"
    summary: ClassVar[str] = "Translation: how close a generated translation is to the references."
    provides: ClassVar[tuple[str, ...]] = (
        *(f"{name}.0" for name in NAMES),
        *("target", "prediction", "correct", "length_limit_rate", "nll_reference", "bytes_reference"),
    )
    default_metrics: tuple[str, ...] = ("chrf", "bleu", "ter", "target_bits_per_byte", "length_limit_rate")

    def __init__(self, name: str, options: TranslationOptions, context: EvaluationContext) -> None:
        super().__init__(name, options, context)
        self.tokenizer = options.tokenize or bleu_tokenizer(self.language)
        check_tokenizer(self.tokenizer, f"task {name!r}")

    def warnings(self, data: Sequence[Dataset], split: str) -> list[str]:
        return [*super().warnings(data, split), *self.script_warnings(data, split, self.tokenizer)]

    @property
    def caveats(self) -> tuple[str, ...]:
        """The signatures of the corpus scores; they stand with the results."""
        return (*super().caveats, *self._signatures())

    def _signatures(self) -> tuple[str, ...]:
        return tuple(f"{name}: sacrebleu {signature(name, None, self.tokenizer)}" for name in NAMES)

    def spec(self) -> Mapping[str, Any]:
        made = super().spec()
        options = {name: value for name, value in made["options"].items() if name != "tokenize"}
        signatures = [signature(name, None, self.tokenizer) for name in NAMES]
        return {**made, "options": options, "signatures": signatures}

    def measure(self, text: str, item: Item) -> tuple[dict[str, float], dict[str, Any]]:
        references = item.payload["references"]
        statistics = translation_statistics(text, references, tokenize=self.tokenizer)
        return {**statistics, "correct": float(text in references)}, {}

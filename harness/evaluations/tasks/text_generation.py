"""Free generation: how a model goes on with a text, in variety, repetition, length and form."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from pydantic import Field, field_validator, model_validator

from harness.core.dataset import Dataset, Row
from harness.core.evaluation import Item, ItemMeasure
from harness.evaluations.answers.constraints import checked_constraint, constraints_in, met
from harness.evaluations.columns import text_of
from harness.evaluations.generation_base import WritingOptions, WritingTask
from harness.evaluations.graders.grader import Reading
from harness.evaluations.graders.model_judge import Judge, JudgeOptions
from harness.evaluations.graders.reference_likelihood import ReferenceLikelihood
from harness.evaluations.item_measures import CONSTRAINTS_MET, REPEATED
from harness.evaluations.row_task import PARENT
from harness.metrics.capability.written_text import writing_statistics

REFERENCE_METRICS = ("reference_bits_per_byte", "reference_word_perplexity")
JUDGE_METRICS = ("judge_win_rate", "judge_position_bias", "judge_unreadable_rate")


class GenerationOptions(WritingOptions):
    """The YAML of a generation task."""

    target: str | None = Field(  # type: ignore[assignment]  # a text may be cut instead
        None, description="Column with the reference continuation. Without it, the text in `text` is split in two."
    )
    text: str = Field("text", description="Column with whole texts, split after `prompt_words` words.")
    prompt_words: int = Field(20, ge=1, description="Number of words in the prompt.")
    reference_words: int = Field(60, ge=1, description="Number of words in the reference continuation.")
    stop: list[str] = Field([], description="Stop strings; the text ends before the first one.")
    form: list[dict[str, Any]] = Field(
        [], description="Constraints that every text must satisfy, such as `{lines: 4}`."
    )
    constraints: str | None = Field(
        None, description='Column with constraints of a row\'s own, a JSON list such as `[{"contains": "fox"}]`.'
    )

    reference_model: str | None = Field(
        None, description="Model of the suite that scores the likelihood of each generated text."
    )
    judge: JudgeOptions | None = Field(
        None, description="Model of the suite that compares each generated text with the reference; none by default."
    )

    @model_validator(mode="after")
    def _read_by(self) -> GenerationOptions:
        for option, given, metrics in (
            ("reference_model", self.reference_model, REFERENCE_METRICS),
            ("judge", self.judge, JUDGE_METRICS),
        ):
            named = [name for name in self.metrics or () if name in metrics]
            if named and given is None:
                raise ValueError(f"the metric {named[0]!r} needs `{option}`")
            if given is not None and not named:
                raise ValueError(f"`{option}` is read by {', '.join(metrics)}; name one of them in `metrics`")
        return self

    @model_validator(mode="after")
    def _read_once(self) -> GenerationOptions:
        if self.samples is not None and self.readers:
            raise ValueError("`samples` does not fit `reference_model` or `judge`, which read one text of each item")
        return self

    @property
    def readers(self) -> tuple[tuple[tuple[str, ...], str], ...]:
        """Where the YAML names a model that reads the texts, and which."""
        readers: list[tuple[tuple[str, ...], str]] = []
        if self.reference_model is not None:
            readers.append((("reference_model",), self.reference_model))
        if self.judge is not None:
            readers.append((("judge", "model"), self.judge.model))
        return tuple(readers)

    @field_validator("form")
    @classmethod
    def _known(cls, value: list[dict[str, Any]]) -> list[dict[str, Any]]:
        for constraint in value:
            checked_constraint(constraint)
        return value


class Generation(WritingTask[GenerationOptions]):
    """Lets a model go on with the beginning of a text, or with a prompt."""

    Options: ClassVar[type[GenerationOptions]] = GenerationOptions
    kind: ClassVar[str] = "text_generation"
    summary: ClassVar[str] = (
        "Open-ended generation: diversity, repetition, and length of the texts, and adherence to a form."
    )
    item_measures: ClassVar[tuple[ItemMeasure, ...]] = (
        ItemMeasure("form_adherence", "form kept", better="higher"),
        CONSTRAINTS_MET,
        REPEATED,
    )
    provides: ClassVar[tuple[str, ...]] = (
        *(f"{name}_{size}" for name in ("grams", "distinct_grams") for size in (1, 2, 4)),
        *("repeated", "words", "reference_words", "length_limit_rate", "form_adherence", "prediction"),
        *("nll_reference", "bytes_reference"),
        *("nll_reader", "bytes_reader", "words_reader", "judged", "judge_position_bias", "judge_unread"),
    )
    default_metrics: tuple[str, ...] = (
        *("target_bits_per_byte", "distinct_1", "distinct_2", "repetition", "length_ratio", "length_limit_rate"),
    )

    def spec(self) -> Mapping[str, Any]:
        """As of every task; who reads the texts afterward changes neither items nor what is asked."""
        made = super().spec()
        own = {name: value for name, value in made["options"].items() if name not in {"reference_model", "judge"}}
        return {**made, "options": own}

    @property
    def readings(self) -> list[Reading]:
        """What other models are asked about the written texts."""
        readings: list[Reading] = []
        if self.options.reference_model is not None:
            readings.append(ReferenceLikelihood(self.options.reference_model, self.separator))
        if self.options.judge is not None:
            readings.append(Judge(self.options.judge))
        return readings

    @property
    def caveats(self) -> tuple[str, ...]:
        """What a reader of the figures must know."""
        if self.options.judge is None:
            return super().caveats
        judge = self.options.judge
        part = "" if judge.share == 1 else f" Chance chose the {judge.share:.0%} of the texts that it sees."
        said = f"Judged by the model {judge.model!r}, in both orders, with the prompt: {judge.prompt!r}.{part}"
        return (*super().caveats, f"{said} A judge has its own preferences; its scores do not measure quality.")

    def columns(self) -> list[str]:
        more = [] if self.options.constraints is None else [self.options.constraints]
        return [self.options.text, *more] if self._cuts_texts else [*super().columns(), *more]

    @property
    def _cuts_texts(self) -> bool:
        """Whether prompts and references are parts of whole texts."""
        return self.options.target is None and self.options.messages is None

    def extra(self, dataset: Dataset, row: Row) -> dict[str, Any]:
        column = self.options.constraints
        return {} if column is None else {"constraints": constraints_in(dataset, row, column)}

    def row_items(self, dataset: Dataset, row: Row) -> Iterator[Item]:
        if not self._cuts_texts:
            yield from super().row_items(dataset, row)
            return
        words = text_of(dataset, row, self.options.text).split()
        start, end = self.options.prompt_words, self.options.prompt_words + self.options.reference_words
        if len(words) <= start:
            return
        prompt, reference = " ".join(words[:start]), " ".join(words[start:end])
        yield Item(
            id=row.id,
            payload={"prompt": prompt, "references": [reference], **self.extra(dataset, row)},
            texts={"text": prompt, "reference": reference},
            target=reference,
            clusters={PARENT: row.cluster},
            slices=row.slices,
        )

    def measure(self, text: str, item: Item) -> tuple[dict[str, float], dict[str, Any]]:
        references = item.payload["references"]
        stats = writing_statistics(text, references[0] if references else None)
        form = [*self.options.form, *item.payload.get("constraints", [])]
        if form:
            stats["form_adherence"] = float(all(met(text, form)))
        return stats, {}

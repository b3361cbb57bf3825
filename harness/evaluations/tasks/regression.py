"""Regression: a number for each text, or for each pair of texts (STS)."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar, Literal

from pydantic import Field, field_validator, model_validator

from harness.core.dataset import Dataset, Row
from harness.core.errors import DataError
from harness.core.evaluation import EvaluationContext, Item, ItemMeasure
from harness.core.examples import PromptTarget, ScoredText
from harness.core.labels import is_missing
from harness.core.model import ModelFacts
from harness.core.records import Record
from harness.core.requests import Embed, Failure, Generate, Regress, Request, Response
from harness.evaluations.columns import text_of
from harness.evaluations.generation_base import CHAT, GENERATION, written_text
from harness.evaluations.prompts.label_prompt import HEAD
from harness.evaluations.prompts.prompt_template import ColumnTemplate
from harness.evaluations.record_builders import failed, outcome, scores, truncated_tokens, unread
from harness.evaluations.row_task import PARENT, RowOptions, RowTask, fill
from harness.evaluations.sentence_vectors import embedding_protocol, similarity_of, vectors_of

NUMBER = re.compile(r"[-+]?(?:\d+(?:[.,]\d+)?|[.,]\d+)(?:[eE][-+]?\d+)?")


class RegressionOptions(RowOptions):
    """The YAML of a regression task."""

    text: str = Field("text", description="Column with the text.")
    pair: str | None = Field(None, description="Column with the second text of a text pair.")
    score: str = Field("score", description="Column with the number that is right.")
    bounds: tuple[float, float] | None = Field(
        None, description="Smallest and largest number; a label outside is an error, a written answer is unread."
    )
    prompt: ColumnTemplate | None = Field(
        None, description="Prompt for generative models: a template with {column} placeholders. Its answer is a number."
    )
    chat: bool = Field(False, description="Apply the model's chat template to the prompt.")
    max_tokens: int = Field(8, ge=1, le=1024, description="Maximum number of generated tokens.")
    instruction: str | None = Field(
        None,
        description="Name of the prompt that a sentence encoder puts before each text (its own default otherwise).",
    )
    unlabeled: Literal["leave_out"] | None = Field(
        None, description="Rows without a number are left out: what a model says of them makes no figure surer."
    )

    @field_validator("unlabeled", mode="before")
    @classmethod
    def _no_unlabeled_rows(cls, value: Any) -> Any:
        if value == "ask":
            raise ValueError(
                "a regression leaves out rows without a number: its predictions carry no probability, so they cannot "
                "sharpen a figure; `harness.adjusted_mean` accepts columns that can"
            )
        return value

    @model_validator(mode="after")
    def _ordered(self) -> RegressionOptions:
        if self.bounds is not None and not self.bounds[0] < self.bounds[1]:
            raise ValueError(f"expected `bounds: [smallest, largest]`, found {list(self.bounds)}")
        return self


class Regression(RowTask[RegressionOptions]):
    """Asks for the number of each text or pair.

    A head with one row gives a number; a sentence encoder gives the cosine of a pair, whose scale is its own, so that
    it has correlations and no errors; a generative model writes a number after `prompt`.
    """

    Options: ClassVar[type[RegressionOptions]] = RegressionOptions
    kind: ClassVar[str] = "regression"
    summary: ClassVar[str] = "A number for each text or pair of texts, such as their similarity."
    item_measures: ClassVar[tuple[ItemMeasure, ...]] = (
        ItemMeasure("absolute_error", "absolute error", better="lower"),
        ItemMeasure("predicted", "given number"),
    )
    implied_rules: ClassVar[tuple[str, ...]] = ("mean",)
    provides: ClassVar[tuple[str, ...]] = ("gold", "predicted", "absolute_error", "target", "prediction")
    default_metrics: tuple[str, ...] = ("spearman", "pearson", "mae", "rmse", "r2")

    def __init__(self, name: str, options: RegressionOptions, context: EvaluationContext) -> None:
        super().__init__(name, options, context)

    def columns(self) -> Sequence[str]:
        options = self.options
        return [options.text, options.score, *([] if options.pair is None else [options.pair])]

    @property
    def prompt(self) -> str | None:
        return self.options.prompt

    def answer_columns(self) -> Sequence[str]:
        return [self.options.score]

    def row_items(self, dataset: Dataset, row: Row) -> Iterator[Item]:
        """One item a row that has a number; rows without one are left out."""
        score = self._score(dataset, row)
        if score is None:
            return
        texts = self._texts(dataset, row)
        asked = {} if self.options.prompt is None else {"prompt": fill(self.options.prompt, dataset, row)}
        yield Item(
            id=row.id,
            payload={**texts, **asked, "score": score},
            texts=texts,
            target=f"{score:g}",
            clusters={PARENT: row.cluster},
            slices=row.slices,
        )

    def remarks(self, data: Sequence[Dataset], split: str) -> Sequence[str]:
        """How many rows have no number."""
        (dataset,) = data
        lost = sum(is_missing(row.fields.get(self.options.score)) for row in dataset.split(split))
        if not lost:
            return ()
        count = "1 row has" if lost == 1 else f"{lost} rows have"
        return (f"{count} no {self.options.score!r} and {'is' if lost == 1 else 'are'} left out.",)

    def examples(self, dataset: Dataset, split: str) -> list[ScoredText]:
        """The texts of a split and their numbers, for training."""
        return [
            ScoredText(item.payload["text"], item.payload["score"], item.payload.get("pair"))
            for item in self.every_item([dataset], split)
        ]

    def demonstrations(self, dataset: Dataset, split: str) -> list[PromptTarget] | None:
        """The prompt with the right number behind it; None where there is no prompt."""
        if self.options.prompt is None:
            return None
        made = []
        for item in self.every_item([dataset], split):
            number, prompt = f"{item.payload['score']:g}", str(item.payload["prompt"])
            messages = (("user", prompt),)
            chat = PromptTarget(number, messages=messages)
            made.append(chat if self.options.chat else PromptTarget(f" {number}", prompt=prompt))
        return made

    def protocol(self, facts: ModelFacts) -> str | None:
        if Regress.kind in facts.supports:
            return HEAD
        if self.options.prompt is not None and Generate.kind in facts.supports:
            return GENERATION if not self.options.chat else CHAT if facts.chat else None
        return embedding_protocol(facts, [self.options.instruction]) if self.options.pair is not None else None

    def unsupported(self, facts: ModelFacts) -> str:
        if Generate.kind in facts.supports and self.options.prompt is None:
            return "it has no head with one row, and the task has no `prompt` after which it could write a number"
        if self.options.chat and Generate.kind in facts.supports:
            return "it has no chat template, and the task requires one (`chat: true`)"
        if Embed.kind in facts.supports:
            return "it has no head with one row; a sentence encoder is asked about pairs of texts alone (`pair`)"
        return f"it has no head with one row (it is of the kind {facts.family})"

    def requests(self, item: Item, protocol: str) -> Sequence[Request]:
        text, pair = item.payload["text"], item.payload.get("pair")
        if protocol == HEAD:
            return [Regress(text, pair)]
        if protocol in (GENERATION, CHAT):
            prompt = str(item.payload["prompt"])
            messages = (("user", prompt),) if protocol == CHAT else ()
            asked = "" if protocol == CHAT else prompt
            stop = ("\n",) if protocol == GENERATION else ()
            return [Generate(asked, messages=messages, max_tokens=self.options.max_tokens, stop=stop)]
        vectors = vectors_of(protocol)
        assert vectors is not None, protocol
        return [Embed(side, vectors.pooling, vectors.prompts[0]) for side in (text, str(pair))]

    def record(self, item: Item, protocol: str, responses: Sequence[Response]) -> Record:
        truncated = truncated_tokens(responses)
        if protocol in (GENERATION, CHAT):
            return self._written(item, responses[0])
        if protocol == HEAD:
            values = scores(responses[0], 1)
            number = values if isinstance(values, Failure) else values[0]
        else:
            vectors = vectors_of(protocol)
            number = similarity_of(responses[0], responses[1], "cosine" if vectors is None else vectors.similarity)
        if isinstance(number, Failure):
            return failed(item, number, truncated=truncated)
        return _scored(item, number, {} if protocol == HEAD else {"scale": "similarity"}, truncated)

    def _written(self, item: Item, response: Response) -> Record:
        written = written_text(response)
        if isinstance(written, Failure):
            return failed(item, written)
        text = written.text.strip()
        match = NUMBER.search(text)
        number = math.nan if match is None else float(match.group().replace(",", "."))
        low, high = self.options.bounds or (-math.inf, math.inf)
        if not (math.isfinite(number) and low <= number <= high):
            reason = "no number is in the answer" if match is None else "the number is outside `bounds`"
            return unread(item, {"generated": text, "unread": reason}, finish=written.finish)
        return _scored(item, number, {"generated": text}, truncated_tokens([response]))

    def _texts(self, dataset: Dataset, row: Row) -> dict[str, str]:
        pair = {} if self.options.pair is None else {"pair": text_of(dataset, row, self.options.pair)}
        return {"text": text_of(dataset, row, self.options.text), **pair}

    def _score(self, dataset: Dataset, row: Row) -> float | None:
        """The row's number; None where the cell is empty.

        Raises:
            DataError: for a cell that is no number, or one outside `bounds`.
        """
        cell = row.fields.get(self.options.score)
        if is_missing(cell):
            return None
        try:
            number = float(cell)  # type: ignore[arg-type]
        except (TypeError, ValueError):
            number = math.nan
        low, high = self.options.bounds or (-math.inf, math.inf)
        if not math.isfinite(number) or not low <= number <= high:
            wanted = "a number" if self.options.bounds is None else f"a number from {low:g} to {high:g}"
            raise DataError(
                f"{dataset.place(row)}: expected {wanted} in the column {self.options.score!r}, found {cell!r:.60}.",
                hint="correct the row, or name the column of numbers under `score`.",
            )
        return number


def _scored(item: Item, number: float, shown: Mapping[str, Any], truncated: int) -> Record:
    gold = float(item.payload["score"])
    stats = {"gold": gold, "predicted": number}
    if "scale" not in shown:
        stats["absolute_error"] = abs(number - gold)
    return outcome(
        item, prediction=f"{number:.4g}", truncated=truncated, response={"number": number, **shown}, stats=stats
    )

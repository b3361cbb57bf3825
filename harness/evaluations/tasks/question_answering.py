"""Extractive question answering: the answer is a part of the context, or there is none."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, ClassVar

from pydantic import Field

from harness.core.dataset import Dataset, Row
from harness.core.errors import DataError
from harness.core.evaluation import Item, ItemMeasure
from harness.core.examples import AnswerSpan
from harness.core.model import ModelFacts
from harness.core.records import Record
from harness.core.requests import ExtractSpan, Failure, Generate, Generated, Request, Response, SpanAnswer
from harness.evaluations.answers.answer_places import answer_place
from harness.evaluations.columns import joined_slices, text_of
from harness.evaluations.item_measures import ANSWER_F1, MARGIN_OF_CORRECT
from harness.evaluations.prompts.prompt_template import filled, template_of
from harness.evaluations.record_builders import failed, outcome, truncated_tokens
from harness.evaluations.row_task import PARENT, CellReading, RowOptions, RowTask, texts_in
from harness.metrics.capability.answer_match import answer_f1_of, exact_match_of

HEAD, GENERATION = "span_head", "generation"


class ExtractiveQAOptions(RowOptions):
    """The YAML of an extractive question-answering task."""

    question: str = Field("question", description="Column with the question.")
    context: str = Field("context", description="Column with the context that contains the answer.")
    answers: str = Field(
        "answers", description="Column with the answer, or a JSON list of accepted answers; empty if there is none."
    )
    answers_are: CellReading | None = Field(
        None,
        description="What a cell of `answers` is: one `text`, or a JSON `list` of accepted answers. Needed where a "
        "file's cells can be read both ways.",
    )
    null_allowed: bool = Field(True, description='Whether "no answer" may be given.')
    max_answer_tokens: int = Field(30, ge=1)
    prompt: Annotated[str, template_of("context", "question", needed=("question",))] | None = Field(
        None, description="Prompt for models without a span head: a template with {context} and {question}."
    )


class ExtractiveQA(RowTask[ExtractiveQAOptions]):
    """Asks for the span that answers each question."""

    Options: ClassVar[type[ExtractiveQAOptions]] = ExtractiveQAOptions
    kind: ClassVar[str] = "question_answering"
    summary: ClassVar[str] = "Extractive question answering."
    item_measures: ClassVar[tuple[ItemMeasure, ...]] = (
        MARGIN_OF_CORRECT,
        ANSWER_F1,
    )
    provides: ClassVar[tuple[str, ...]] = (
        *("squad_exact_match", "squad_f1", "no_answer_accuracy", "target", "prediction", "correct"),
    )
    default_metrics: tuple[str, ...] = ("squad_exact_match", "squad_f1", "no_answer_accuracy")

    def columns(self) -> Sequence[str]:
        return [self.options.question, self.options.context, self.options.answers]

    def row_items(self, dataset: Dataset, row: Row) -> Iterator[Item]:
        question = text_of(dataset, row, self.options.question, empty=False)
        context = text_of(dataset, row, self.options.context, empty=False)
        answers = texts_in(dataset, row, self.options.answers, self.options.answers_are, "answers_are")
        yield Item(
            id=row.id,
            payload={"question": question, "context": context, "answers": answers},
            texts={"text": question, "context": context, "reference": answers[0] if answers else "(no answer)"},
            target=answers[0] if answers else "",
            clusters={PARENT: row.cluster},
            slices=joined_slices(row, f"answerable={'yes' if answers else 'no'}"),
        )

    def examples(self, dataset: Dataset, split: str) -> list[AnswerSpan]:
        """Question, context and where the answers stand; an answer that is not in its context is left out.

        An answer that occurs only after normalization is used as the context writes it. A row all of whose answers are
        missing from the context teaches nothing and is left out; `remarks` counts both.

        Raises:
            DataError: when that leaves nothing.
        """
        made, lost = [], 0
        for item in self.every_item([dataset], split):
            context, answers = item.payload["context"], item.payload["answers"]
            places = [answer_place(context, answer) for answer in answers]
            spans = tuple(dict.fromkeys(place for place in places if place is not None))
            if spans or not answers:
                made.append(AnswerSpan(item.payload["question"], context, spans))
            else:
                lost += 1
        if lost and not made:
            raise DataError(
                f"task {self.name!r}: none of the {lost} answers of split {split!r} occurs in its context.",
                hint="is another column the answer? Learn answers that the context does not hold by `generative_qa`.",
            )
        return made

    def protocol_content(self, protocol: str) -> Mapping[str, Any]:
        """The prompt where it is asked."""
        unasked = {"prompt"} if protocol == HEAD else {"null_allowed"}
        return {name: value for name, value in super().protocol_content(protocol).items() if name not in unasked}

    def remarks(self, data: Sequence[Dataset], split: str) -> Sequence[str]:
        """How many answers stand in their contexts only after normalization, or not at all."""
        (dataset,) = data
        told = []
        for name in dict.fromkeys([split, *(["train"] if dataset.rows.get("train") else [])]):
            answers = [
                (item.payload["context"], answer)
                for item in self.every_item(data, name)
                for answer in item.payload["answers"]
            ]
            other = [(context, answer) for context, answer in answers if answer not in context]
            absent = sum(answer_place(context, answer) is None for context, answer in other)
            if len(other) > absent:
                told.append(
                    f"{len(other) - absent} of {len(answers)} answers of the split {name} stand in their contexts only "
                    f"after normalization (case, white space, composition, quotes)."
                )
            if absent:
                told.append(
                    f"{absent} of {len(answers)} answers of the split {name} do not stand in their contexts: no span "
                    f"matches them, and training leaves them out."
                )
        return told

    def protocol(self, facts: ModelFacts) -> str | None:
        if ExtractSpan.kind in facts.supports:
            return HEAD
        return GENERATION if self.options.prompt is not None and Generate.kind in facts.supports else None

    def unsupported(self, facts: ModelFacts) -> str:
        return "it has no span head, and the task has no `prompt` for generative models"

    def requests(self, item: Item, protocol: str) -> Sequence[Request]:
        question, context = item.payload["question"], item.payload["context"]
        if protocol == GENERATION:
            texts = {"question": question, "context": context}
            prompt = filled(str(self.options.prompt), texts.__getitem__)
            return [Generate(prompt, max_tokens=self.options.max_answer_tokens, stop=("\n",))]
        return [
            ExtractSpan(
                question,
                context,
                max_answer_tokens=self.options.max_answer_tokens,
                null_allowed=self.options.null_allowed,
            )
        ]

    def record(self, item: Item, protocol: str, responses: Sequence[Response]) -> Record:
        truncated = truncated_tokens(responses)
        (response,) = responses
        if isinstance(response, SpanAnswer):
            text, margin = response.text, _margin(response)
        elif isinstance(response, Generated):
            text, margin = response.text.strip(), None
        else:
            fault = response if isinstance(response, Failure) else Failure("error", f"no answer: {response!r}")
            return failed(item, fault, truncated=truncated)
        accepted = item.payload["answers"]
        exact = exact_match_of(text, accepted)
        return outcome(
            item,
            prediction=text,
            margin=margin,
            truncated=truncated,
            response={"answer": text},
            stats={
                "squad_exact_match": exact,
                "squad_f1": answer_f1_of(text, accepted),
                "no_answer_accuracy": float(bool(text.strip()) == bool(accepted)),
                "correct": exact,
            },
        )


def _margin(answer: SpanAnswer) -> float | None:
    """How decided the answer is against none, in nats."""
    return None if answer.null_score is None else answer.score - answer.null_score

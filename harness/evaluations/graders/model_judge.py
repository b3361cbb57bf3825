"""A model as a judge of two answers."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field

from harness.core.digests import fraction
from harness.core.evaluation import Item
from harness.core.model import ModelFacts
from harness.core.records import COSTLY
from harness.core.requests import Failure, Generate, Generated, Request, Response
from harness.evaluations.prompts.prompt_template import filled, template_of

JUDGE_PROMPT = (
    "Two continuations of one text follow. Which one goes on better: more fluent, more coherent with the beginning, "
    "more sensible?\n\nBeginning:\n{prompt}\n\nContinuation A:\n{a}\n\nContinuation B:\n{b}\n\n"
    "Answer with one letter, A or B."
)

_SLOTS = ("prompt", "a", "b")

_LETTER = re.compile(r"\b([AB])\b")

_JUDGE_TOKENS = 8


class JudgeOptions(BaseModel):
    """The YAML of a judge."""

    model_config = ConfigDict(extra="forbid")

    model: str = Field(description="Name of the suite's model that judges, such as a `server` model.")
    prompt: Annotated[str, template_of(*_SLOTS, needed=_SLOTS)] = Field(
        JUDGE_PROMPT,
        description="Prompt for the judge; {prompt}, {a}, and {b} are replaced by the prompt and the two texts.",
    )
    share: float = Field(
        1.0, gt=0, le=1,
        description="Share of the texts that are judged, by chance and the same for all models; the other texts' cheap "
        "values make the figures surer (`adjusted`).",
    )  # fmt: skip


class Judge:
    """Which of two texts another model prefers: the written one or the reference, asked in both orders.

    A preference that follows the place of a text counts half for each, so that a judge who always says A
    prefers nothing. An answer that does not name one letter is unread, and counted.
    """

    source: ClassVar[Literal["prediction", "response"]] = "prediction"

    def __init__(self, options: JudgeOptions) -> None:
        self.model = options.model
        self._prompt = options.prompt
        self._share = options.share

    def spec(self) -> Mapping[str, Any]:
        part = {} if self._share == 1 else {"share": self._share}
        return {"reading": "judge", "format": 1, "prompt": self._prompt, "max_tokens": _JUDGE_TOKENS, **part}

    def unsupported(self, facts: ModelFacts) -> str | None:
        return (
            None if Generate.kind in facts.supports else f"it does not generate text (it is of the kind {facts.family})"
        )

    def requests(self, item: Item, text: str, facts: ModelFacts) -> Sequence[Request]:
        references = item.payload["references"]
        if not references or not self._chosen(item):
            return []
        return [
            self._ask(item, first, second, chat=facts.chat)
            for first, second in ((text, references[0]), (references[0], text))
        ]

    def _chosen(self, item: Item) -> bool:
        """By the item's id alone, so that every model is judged on the same ones; not by the hash that limits use."""
        return self._share == 1 or fraction(f"judged {item.id}") < self._share

    def _ask(self, item: Item, first: str, second: str, *, chat: bool) -> Generate:
        values = {"prompt": str(item.payload["prompt"]), "a": first, "b": second}
        question = filled(self._prompt, values.__getitem__)
        if chat:
            return Generate(messages=(("user", question),), max_tokens=_JUDGE_TOKENS, thinking=True)
        return Generate(question, max_tokens=_JUDGE_TOKENS)

    def read(self, item: Item, text: str, responses: Sequence[Response]) -> tuple[dict[str, float], dict[str, Any]]:
        costly = {} if self._share == 1 else {COSTLY: float(bool(responses))}
        if not responses:
            return costly if item.payload["references"] else {}, {}
        letters = [letter_of(response) for response in responses]
        said = [
            response.text
            if isinstance(response, Generated)
            else response.message
            if isinstance(response, Failure)
            else ""
            for response in responses
        ]
        shown = {"judge": [cut[:200] for cut in said]}
        if None in letters:
            return {"judge_unread": 1.0, **costly}, shown
        won = [float(letter == own) for letter, own in zip(letters, ("A", "B"), strict=True)]
        preferred = sum(won) / len(won)
        stats = {"judge_unread": 0.0, "judged": preferred, "judge_position_bias": float(preferred == 0.5)}
        return {**stats, **costly}, shown


def letter_of(response: Response) -> str | None:
    """The one letter, A or B, that an answer names; None for none, both, or no answer."""
    letters = set(_LETTER.findall(response.text)) if isinstance(response, Generated) else set()
    return letters.pop() if len(letters) == 1 else None

"""How likely another model finds a text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal

from harness.core.evaluation import Item
from harness.core.model import ModelFacts
from harness.core.requests import Continuations, Failure, Request, Response
from harness.evaluations.record_builders import scores


class ReferenceLikelihood:
    """How likely another model finds the text, given the same beginning: −log-likelihood in nats.

    Args:
        model: the suite's name of that model.
        separator: what stands between beginning and text.
    """

    source: ClassVar[Literal["prediction", "response"]] = "prediction"

    def __init__(self, model: str, separator: str) -> None:
        self.model = model
        self._separator = separator

    def spec(self) -> Mapping[str, Any]:
        return {"reading": "reference", "format": 1, "separator": self._separator}

    def unsupported(self, facts: ModelFacts) -> str | None:
        if Continuations.kind in facts.supports:
            return None
        return f"it provides no likelihoods of continuations (it is of the kind {facts.family})"

    def requests(self, item: Item, text: str, facts: ModelFacts) -> Sequence[Request]:
        return [Continuations(str(item.payload["prompt"]), (self._separator + text,))] if text else []

    def read(self, item: Item, text: str, responses: Sequence[Response]) -> tuple[dict[str, float], dict[str, Any]]:
        likelihoods = scores(responses[0], 1) if responses else Failure("no_token", "the text is empty")
        if isinstance(likelihoods, Failure) or likelihoods[0] == float("-inf"):
            return {}, {}
        size = len(text.encode("utf-8", "surrogatepass"))
        return {
            "nll_reader": -likelihoods[0],
            "bytes_reader": float(size),
            "words_reader": float(len(text.split())),
        }, {}

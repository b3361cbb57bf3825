"""Small models of plain arithmetic, and data of our own, as inputs for the tests of evaluations."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import numpy as np

from harness.core.evaluation import EvaluationContext
from harness.core.metric import MetricContext
from harness.core.model import ModelFacts
from harness.core.records import Records
from harness.core.requests import (
    Continuations,
    Failure,
    Generate,
    Generated,
    Likelihood,
    PseudoLikelihood,
    Request,
    Response,
    RollingLikelihood,
    Scores,
)
from harness.testing import LABELS, TONE, HeadModel, LanguageModel, ask, dataset, tone

__all__ = [
    "LABELS",
    "TONE",
    "Answering",
    "HeadModel",
    "LanguageModel",
    "TableModel",
    "ask",
    "dataset",
    "figure",
    "made",
    "tone",
    "writer",
]


class TableModel:
    """Answers what a table says: texts → log-likelihoods, prompts → texts, and what `special` makes.

    A text that is not in the table has the log-likelihood of its length.
    """

    def __init__(
        self,
        kind: str | None = "causal",
        *,
        likelihoods: Mapping[str, float] | None = None,
        texts: Mapping[str, str] | None = None,
        supports: Iterable[str] = (),
        special: Callable[[Request], Response | None] = lambda request: None,
    ) -> None:
        language_model: Any = kind
        self.facts = ModelFacts(
            digest=f"table-{kind}",
            family=str(kind),
            language_model=language_model,
            labels=None,
            supports=frozenset(supports),
        )
        self.likelihoods = dict(likelihoods or {})
        self.texts = dict(texts or {})
        self.special = special

    def likelihood(self, text: str) -> float:
        return self.likelihoods.get(text, -0.25 * len(text))

    def answer(self, requests: Iterable[Request]) -> Iterator[tuple[Request, Response]]:
        for request in requests:
            yield request, self.special(request) or self._one(request)

    def _one(self, request: Request) -> Response:
        if isinstance(request, PseudoLikelihood | RollingLikelihood):
            return Likelihood(self.likelihood(request.text), len(request.text.split()))
        if isinstance(request, Continuations):
            whole = [self.likelihood(request.context + option) for option in request.options]
            return Scores(tuple(whole))
        if isinstance(request, Generate) and request.prompt in self.texts:
            return Generated(self.texts[request.prompt], 4, "end")
        return Failure("unsupported", "not in the table")


class Answering:
    """A model that answers every request by a function of it."""

    def __init__(self, answer: Callable[[Any], Response], **facts: Any) -> None:
        given = {"digest": "table", "family": "table", "language_model": None, "labels": None, **facts}
        self.facts = ModelFacts(**given)
        self._answer = answer

    def answer(self, requests: Iterable[Request]) -> Iterator[tuple[Request, Response]]:
        for request in requests:
            yield request, self._answer(request)


def writer(answers: Mapping[str, str] | Callable[[str], str], **facts: Any) -> Answering:
    """A model that writes what a table says for a prompt (or the last message), and finds longer texts less likely."""

    def answer(request: Any) -> Response:
        if isinstance(request, Generate):
            asked = request.messages[-1][1] if request.messages else request.prompt
            text = answers(asked) if callable(answers) else answers[asked]
            return Generated(text, len(text.split()), "end")
        if isinstance(request, Continuations):
            return Scores(tuple(-float(len(option)) for option in request.options))
        return Failure("unsupported", "only writes")

    return Answering(
        answer, **{"supports": frozenset({"generate", "continuations"}), "language_model": "causal", **facts}
    )


def made(kind: type[Any], **options: Any) -> Any:
    """A task of a kind with options, on data named `rows`."""
    return kind("t", kind.Options.model_validate({"data": "rows", **options}), EvaluationContext())


def figure(records: Records, metric: str, context: MetricContext | None = None) -> float:
    """The value of one metric on records."""
    from harness.metrics.build_metrics import build_metrics

    (found,) = build_metrics([metric], context or MetricContext())
    stats = found.stats(records)
    kept = stats[~np.isnan(stats).any(axis=1)]
    return float(found.value(kept.sum(axis=0), float(len(kept))))

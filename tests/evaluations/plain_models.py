"""Small models of plain arithmetic, and data of our own, as inputs for the tests of evaluations."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import numpy as np

from harness.core.dataset import Dataset, Row
from harness.core.digests import digest
from harness.core.evaluation import Evaluation, EvaluationContext
from harness.core.metric import MetricContext
from harness.core.model import ModelFacts
from harness.core.records import Records, RecordsHead
from harness.core.requests import (
    Classify,
    Cloze,
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

LABELS = ("negative", "neutral", "positive")
TONE = {"good": 2.0, "great": 3.0, "fine": 1.0, "bad": -2.0, "awful": -3.0, "dull": -1.5, "he": 0.4, "she": -0.4}


def tone(text: str) -> float:
    words = "".join(c.lower() if c.isalpha() else " " for c in text).split()
    return sum(TONE.get(word, 0.0) for word in words)


def log_softmax(values: list[float]) -> tuple[float, ...]:
    total = math.log(sum(math.exp(value) for value in values))
    return tuple(value - total for value in values)


class HeadModel:
    """A bag of toned words with a classification head; its labels may stand in another order."""

    def __init__(self, labels: tuple[str, ...] = LABELS) -> None:
        self.facts = ModelFacts(digest="head", family="bag_of_words", language_model=None, labels=labels)

    def answer(self, requests: Iterable[Request]) -> Iterator[tuple[Request, Response]]:
        for request in requests:
            if not isinstance(request, Classify):
                yield request, Failure("unsupported", "only texts")
                continue
            place = {"negative": -1.0, "neutral": 0.0, "positive": 1.0}
            mood = tone(request.text)
            yield request, Scores(log_softmax([mood * place.get(label, 0.0) for label in request.labels]))


class LanguageModel:
    """Every letter has its own fixed cost; a gap is filled by the tone of the text.

    `room`: how many tokens (words) fit.
    """

    def __init__(self, kind: str = "masked", room: int = 10_000) -> None:
        language_model: Any = kind
        self.facts = ModelFacts(digest=kind, family=kind, language_model=language_model, labels=None)
        self.room = room

    def total(self, text: str) -> float:
        return -sum(0.1 + (ord(c) % 7) / 10 for c in text)

    def answer(self, requests: Iterable[Request]) -> Iterator[tuple[Request, Response]]:
        for request in requests:
            yield request, self._one(request)

    def _one(self, request: Request) -> Response:
        if isinstance(request, PseudoLikelihood | RollingLikelihood):
            tokens = len(request.text.split())
            over = max(0, tokens - self.room)
            return Likelihood(self.total(request.text), tokens - over, over)
        if isinstance(request, Cloze):
            assert request.text.count("{mask}") == 1
            mood = tone(request.text)
            return Scores(tuple(sum(TONE[word] for word in group) * mood - 5 for group in request.groups))
        if isinstance(request, Continuations):
            mood = tone(request.context)
            return Scores(tuple(TONE[option.strip(" .")] * mood - 9 for option in request.options))
        return Failure("unsupported", "no head")


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


def dataset(
    rows: Iterable[Mapping[str, Any]],
    *,
    name: str = "reviews",
    labels: Mapping[str, tuple[str, ...]] | None = None,
    split: str = "test",
) -> Dataset:
    made = []
    for place, row in enumerate(rows):
        fields = {key: value for key, value in row.items() if key not in ("cluster", "slices")}
        made.append(
            Row(
                digest([name, place, str(fields)]),
                fields,
                row.get("cluster", f"c{place}"),
                tuple(row.get("slices", ())),
            )
        )
    columns = tuple(dict.fromkeys(key for row in made for key in row.fields))
    return Dataset(name, digest([name, len(made)]), {split: tuple(made)}, columns, labels or {})


def ask(evaluation: Evaluation, data: list[Dataset], model: Any, split: str = "test") -> Records:
    protocol = evaluation.protocol(model.facts)
    assert protocol is not None, evaluation.unsupported(model.facts)
    made = []
    for item in evaluation.items(data, split):
        requests = list(evaluation.requests(item, protocol))
        answers = dict(model.answer(dict.fromkeys(requests)))
        made.append(evaluation.record(item, protocol, [answers[request] for request in requests]))
    return Records.of(RecordsHead(evaluation.name, model.facts.digest, protocol), made)


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

"""Trivial rivals: answers by a rule, such as the most frequent label or the first sentence.

    baseline.json    {"format", "rule", "task", "labels", "weights", "spans", "answers", "edges"}

What each rule does stands at `RULES`. A rule that has no answer to a kind of request leaves it unsupported.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from harness.core.digests import fraction
from harness.core.errors import CheckpointError, Where, unknown
from harness.core.model import Backend, ModelFacts
from harness.core.requests import (
    Classify,
    Continuations,
    ExtractSpan,
    Generate,
    Generated,
    Rank,
    Regress,
    Request,
    Response,
    Scores,
    SpanAnswer,
    Tag,
    Tags,
)
from harness.models.checkpoint.checkpoint_digest import checkpoint_digest
from harness.models.checkpoint.checkpoint_files import BASELINE_TABLE, read_json
from harness.models.checkpoint.metadata_schema import BaselinePage, checked
from harness.models.open_context import OpenContext
from harness.models.response_builders import best_documents
from harness.storage import atomic
from harness.text.lexical_ranking import LexicalIndex

BASELINE_FORMAT = 1
OUTSIDE = "O"
RULES: Mapping[str, tuple[str, ...]] = {
    "majority": ("classify", "tag", "generate", "extract_span"),
    "prior": ("classify",),
    "random": ("classify", "continuations"),
    "longest": ("continuations",),
    "gazetteer": ("tag",),
    "dictionary": ("generate",),
    "nearest": ("generate",),
    "copy": ("generate",),
    "lead": ("generate",),
    "overlap": ("extract_span", "regress"),
    "mean": ("regress",),
    "tfidf": ("rank",),
}
INTERCEPT, SLOPE = "intercept", "slope"
"""Of a number: what it is without shared words, and how much they add."""
_WORD = re.compile(r"\w+")
_SENTENCE = re.compile(r"(?<=[.!?])\s+")
_NAMES = re.compile(r"(?:[A-Z][\w’'-]*|\d[\d.,]*)(?: (?:[A-Z][\w’'-]*|\d[\d.,]*))*")


@dataclass(frozen=True, slots=True)
class BaselineTable:
    """What a rule knows.

    Attributes:
        rule: one of `RULES`.
        labels: of a classifier or tagger, in the task's order.
        weights: label → its share of the training examples; of numbers, `INTERCEPT` and `SLOPE`.
        spans: words of a known span, lower-cased and joined by spaces → its type.
        answers: training source → target.
        edges: what stands before and after the source in every training prompt.
        task: the task that it was made for. Without labels, which say by themselves where a rule fits, only
            that task is asked of it.
    """

    rule: str
    labels: tuple[str, ...] = ()
    weights: Mapping[str, float] = field(default_factory=dict)
    spans: Mapping[str, str] = field(default_factory=dict)
    answers: Mapping[str, str] = field(default_factory=dict)
    edges: tuple[str, str] = ("", "")
    task: str | None = None


def write_baseline(folder: Path, table: BaselineTable) -> None:
    """Writes `baseline.json` into `folder`."""
    value = {
        "format": BASELINE_FORMAT,
        "rule": table.rule,
        "task": table.task,
        "labels": list(table.labels),
        "weights": dict(table.weights),
        "spans": dict(table.spans),
        "answers": dict(table.answers),
        "edges": list(table.edges),
    }
    atomic.write_text(folder / BASELINE_TABLE, json.dumps(value, ensure_ascii=False, sort_keys=True) + "\n")


def read_baseline(folder: Path) -> BaselineTable:
    """Reads what `write_baseline` wrote.

    Raises:
        CheckpointError: when the file is missing, damaged or of another format.
    """
    path = folder / BASELINE_TABLE
    page: BaselinePage = checked(BaselinePage, path, read_json(path))
    if page.rule not in RULES:
        raise CheckpointError(unknown("rule", page.rule, RULES), where=Where(path), hint="make the baseline again.")
    return BaselineTable(page.rule, page.labels, page.weights, page.spans, page.answers, page.edges, page.task)


class BaselineBackend:
    """Answers by the table's rule; deterministic, chance included (by hash of the request)."""

    most_pending = 256

    def __init__(self, table: BaselineTable, facts: ModelFacts) -> None:
        self._table = table
        self._facts = facts
        self._indexed: tuple[str, LexicalIndex] | None = None
        self._nearest = _Nearest(table.answers) if table.rule == "nearest" else None
        self._common = _most_common(list(table.answers.values()))
        self._longest = max((words.count(" ") + 1 for words in table.spans), default=0)

    @property
    def facts(self) -> ModelFacts:
        return self._facts

    def compute(self, requests: Sequence[Request]) -> Iterator[tuple[Request, Response]]:
        """See `Backend`."""
        for request in requests:
            if request.kind in RULES[self._table.rule]:
                response = self._answer(request)
                if response is not None:
                    yield request, response

    def _answer(self, request: Request) -> Response | None:
        if isinstance(request, Classify):
            return self._classify(request)
        if isinstance(request, Continuations):
            return self._compare(request)
        if isinstance(request, Rank):
            return best_documents(self._index(request).scores(request.query), request.top)
        if isinstance(request, Regress):
            return self._number(request)
        if isinstance(request, Tag):
            labels = self._tags(request.words)
            return Tags(tuple(labels), (0.0,) * len(labels))
        if isinstance(request, Generate):
            text = self._write(request.messages[-1][1] if request.messages else request.prompt)
            return Generated(text, len(text.split()), "end")
        if isinstance(request, ExtractSpan):
            start, end = self._span(request) if self._table.rule == "overlap" else (0, 0)
            return SpanAnswer(request.context[start:end], start, end, 0.0, 0.0 if request.null_allowed else None)
        return None

    def _index(self, request: Rank) -> LexicalIndex:
        """The index of a pool, made again where the pool is another one."""
        if self._indexed is None or self._indexed[0] != request.pool.digest:
            self._indexed = request.pool.digest, LexicalIndex(request.pool.texts)
        return self._indexed[1]

    def _number(self, request: Regress) -> Response | None:
        weights = self._table.weights
        if INTERCEPT not in weights or (SLOPE in weights and request.pair is None):
            return None
        share = shared_words(request.text, str(request.pair)) if SLOPE in weights else 0.0
        return Scores((weights[INTERCEPT] + weights.get(SLOPE, 0.0) * share,))

    def _classify(self, request: Classify) -> Response | None:
        known = self._table.labels
        if not set(request.labels) <= set(known):
            return None
        if self._table.rule == "random":
            chances = [fraction(f"{request.key()} {label}") for label in request.labels]
            total = math.fsum(chances) or 1.0
            shares = chances if request.independent else [chance / total for chance in chances]
        elif self._table.rule == "prior":
            shares = self._drawn(request)
        else:
            shares = [self._table.weights.get(label, 0.0) for label in request.labels]
        return Scores(tuple(math.log(max(share, 1e-9)) for share in shares))

    def _drawn(self, request: Classify) -> list[float]:
        """Probabilities whose largest one falls on a label as often as training rows have it.

        The Gumbel-max trick: argmax of log p + noise is a draw from p. Of independent labels each is drawn alone, by
        its logit plus logistic noise, which is above 0 with probability p.
        """
        noise = [min(max(fraction(f"{request.key()} {label}"), 1e-12), 1 - 1e-12) for label in request.labels]
        shares = [min(max(self._table.weights.get(label, 0.0), 1e-9), 1 - 1e-9) for label in request.labels]
        if request.independent:
            odds = [share / (1 - share) * chance / (1 - chance) for share, chance in zip(shares, noise, strict=True)]
            return [odd / (1 + odd) for odd in odds]
        drawn = [share / -math.log(chance) for share, chance in zip(shares, noise, strict=True)]
        total = math.fsum(drawn)
        return [count / total for count in drawn]

    def _compare(self, request: Continuations) -> Response:
        if self._table.rule == "longest":
            return Scores(tuple(float(len(option)) for option in request.options))
        seed = f"{request.context} {request.messages}"
        return Scores(tuple(math.log(fraction(f"{seed} {option}") + 1e-12) for option in request.options))

    def _tags(self, words: Sequence[str]) -> list[str]:
        tags = [OUTSIDE] * len(words)
        place = 0
        while place < len(words):
            for size in range(min(self._longest, len(words) - place), 0, -1):
                kind = self._table.spans.get(" ".join(words[place : place + size]).lower())
                if kind is not None:
                    tags[place : place + size] = self._marked(kind, size)
                    place += size - 1
                    break
            place += 1
        return tags

    def _marked(self, kind: str, size: int) -> list[str]:
        if f"S-{kind}" in self._table.labels:
            inside = [f"I-{kind}"] * max(0, size - 2)
            return [f"S-{kind}"] if size == 1 else [f"B-{kind}", *inside, f"E-{kind}"]
        return [f"B-{kind}", *[f"I-{kind}"] * (size - 1)]

    def _write(self, prompt: str) -> str:
        before, after = self._table.edges
        source = prompt.removeprefix(before).removesuffix(after)
        rule = self._table.rule
        if rule == "lead":
            return _SENTENCE.split(source.strip())[0]
        if rule == "majority":
            return self._common
        if rule == "nearest" and self._nearest is not None:
            return self._nearest.answer(source)
        if rule == "dictionary":
            return self._table.answers.get(source, source).strip()
        return source.strip()

    @staticmethod
    def _span(request: ExtractSpan) -> tuple[int, int]:
        """The longest run of names and numbers in the sentence that shares most words with the question."""
        asked = set(_WORD.findall(request.question.lower()))
        best, start = (-1, 0, 0), 0
        for sentence in _SENTENCE.split(request.context):
            begin = request.context.index(sentence, start)
            start = begin + len(sentence)
            shared = len(asked & set(_WORD.findall(sentence.lower())))
            names = [m for m in _NAMES.finditer(sentence) if not set(_WORD.findall(m.group().lower())) <= asked]
            if names and shared > best[0]:
                name = max(names, key=lambda match: len(match.group()))
                best = (shared, begin + name.start(), begin + name.end())
        return best[1], best[2]


def shared_words(first: str, second: str) -> float:
    """The words that two texts share, of all that either has (Jaccard's index)."""
    ours, theirs = (set(_WORD.findall(text.lower())) for text in (first, second))
    return len(ours & theirs) / max(1, len(ours | theirs))


class _Nearest:
    """The target of the training source with the most similar words: cosine of tf-idf."""

    def __init__(self, answers: Mapping[str, str]) -> None:
        self._answers = list(answers.items())
        self._inverted: dict[str, list[int]] = {}
        for number, (source, _) in enumerate(self._answers):
            for word in set(_WORD.findall(source.lower())):
                self._inverted.setdefault(word, []).append(number)
        total = len(self._answers)
        self._idf = {
            word: math.log((1 + total) / (1 + len(documents))) + 1 for word, documents in self._inverted.items()
        }
        self._norms = [
            math.sqrt(math.fsum(self._idf[word] ** 2 for word in set(_WORD.findall(source.lower())))) or 1.0
            for source, _ in self._answers
        ]

    def answer(self, source: str) -> str:
        scores: dict[int, float] = {}
        for word in sorted(set(_WORD.findall(source.lower()))):
            for number in self._inverted.get(word, ()):
                scores[number] = scores.get(number, 0.0) + self._idf[word] ** 2
        if not scores:
            return ""
        best = min(scores, key=lambda number: (-scores[number] / self._norms[number], number))
        return self._answers[best][1].strip()


def _most_common(texts: Sequence[str]) -> str:
    counts: dict[str, int] = {}
    for text in texts:
        counts[text.strip()] = counts.get(text.strip(), 0) + 1
    return min(counts, key=lambda text: (-counts[text], text)) if counts else ""


def open_baseline(folder: Path, context: OpenContext) -> Backend:
    """Opens a baseline.

    Raises:
        CheckpointError: when its table is missing or damaged.
    """
    table = read_baseline(folder)
    tagger = "tag" in RULES[table.rule] and OUTSIDE in table.labels
    rule = frozenset(RULES[table.rule])
    if table.rule == "overlap":
        rule &= {"regress"} if INTERCEPT in table.weights else {"extract_span"}
    kinds = {"tag"} if tagger else {"classify"} if table.labels else rule - {"classify", "tag"}
    facts = ModelFacts(
        digest=checkpoint_digest(folder, context.resolve),
        family=f"baseline ({table.rule})",
        language_model=None,
        labels=table.labels if table.labels and not tagger else None,
        tag_labels=table.labels if tagger else None,
        supports=rule & kinds,
        # A rule reads the question itself, as a prompt or as the user's message.
        chat=Generate.kind in rule & kinds,
        made_for=None if table.labels else table.task,
        answer_key={"baseline": BASELINE_FORMAT},
    )
    return BaselineBackend(table, facts)

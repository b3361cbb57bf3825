"""Exact match and word F1 of answers, by the rules of SQuAD (Rajpurkar et al. 2016, 2018).

Both texts are lower-cased, freed of ASCII punctuation and of the articles a, an, the, and of superfluous white
space. The best over the accepted answers counts. No accepted answer means "there is none": then both figures are
whether the answer is empty.
"""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Sequence

from harness.metrics.column_metrics import MeanOf

_ARTICLES = re.compile(r"\b(a|an|the)\b")
_PUNCTUATION = str.maketrans("", "", string.punctuation)


def normalize_answer(text: str) -> str:
    """The text as it is compared."""
    return " ".join(_ARTICLES.sub(" ", text.lower().translate(_PUNCTUATION)).split())


def exact_match_of(answer: str, accepted: Sequence[str]) -> float:
    """1.0 when the answer equals one of the accepted ones after normalization."""
    return max(float(normalize_answer(answer) == normalize_answer(gold)) for gold in _golds(accepted))


def answer_f1_of(answer: str, accepted: Sequence[str]) -> float:
    """The best F1 of common words over the accepted answers."""
    return max(_f1(normalize_answer(answer).split(), normalize_answer(gold).split()) for gold in _golds(accepted))


def _golds(accepted: Sequence[str]) -> list[str]:
    return [gold for gold in accepted if normalize_answer(gold)] or [""]


def _f1(given: list[str], gold: list[str]) -> float:
    if not given or not gold:
        return float(given == gold)
    common = sum((Counter(given) & Counter(gold)).values())
    return 2.0 * common / (len(given) + len(gold)) if common else 0.0


squad_exact_match = MeanOf(
    "squad_exact_match",
    "Fraction of answers that equal an accepted one (SQuAD normalization).",
    label="share of answers that equal an accepted one",
    short="exact answers",
)
exact_match_strict = MeanOf(
    "exact_match_strict", "Fraction of generated texts that equal an accepted one after the task's filters."
)
greedy_match = MeanOf("greedy_match", "Fraction of contexts after which greedy decoding produces the target.")
squad_f1 = MeanOf(
    "squad_f1",
    "Mean token F1 with the best accepted answer (SQuAD rules).",
    unit="fraction",
    label="words shared with the accepted answer",
    short="F1 of answers",
)
no_answer_accuracy = MeanOf(
    "no_answer_accuracy",
    "Fraction of items with a correct answer/no-answer decision.",
    label="share right on whether there is an answer",
)

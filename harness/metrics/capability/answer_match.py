"""Exact match and word F1 of answers, by the rules of SQuAD (Rajpurkar et al. 2016, 2018).

Both texts are lower-cased, freed of ASCII punctuation and of the articles a, an, the, and of superfluous white
space. The best over the accepted answers counts. No accepted answer means "there is none": then both figures are
whether the answer is empty.
"""

from __future__ import annotations

import re
import string
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from decimal import Decimal

from harness.metrics.column_metrics import MeanOf

_ARTICLES = re.compile(r"\b(a|an|the)\b")
_NUMBER = re.compile(
    r"(?:[$€£¥]\s?)?(?P<sign>[-+]?)(?:[$€£¥]\s?)?(?P<digits>(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?|\.\d+)\s?%?\.?"
)
_SIGNS = str.maketrans("−–", "--")
_AT_ENDS = " .,;:!?\"'()"
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


def plain_match_of(answer: str, accepted: Sequence[str]) -> float:
    """1.0 when the answer is one of the accepted ones but for white space at its ends and the Unicode form (NFC)."""
    golds = [gold for gold in accepted if gold.strip()] or [""]
    return float(_plain(answer) in {_plain(gold) for gold in golds})


def numeric_match_of(answer: str, accepted: Sequence[str]) -> float:
    """1.0 when the answer is a number of the same value as an accepted one; texts that are no numbers match plainly."""
    given = number_in(answer)
    values = [number_in(gold) for gold in accepted]
    if given is None:
        return plain_match_of(answer, accepted)
    return float(given in [value for value in values if value is not None])


def number_in(text: str) -> Decimal | None:
    """The value of a text that is a number: sign, grouped thousands, decimal point, currency or percent sign."""
    match = _NUMBER.fullmatch(text.strip().translate(_SIGNS))
    if match is None:
        return None
    return Decimal(match.group("sign") + match.group("digits").replace(",", "")).normalize()


def normalization_faults(golds: Iterable[str]) -> tuple[list[str], list[tuple[str, str]]]:
    """(targets of which SQuAD's normal form leaves nothing, pairs of unlike targets that it makes alike).

    Alike before are targets that differ in case, articles, white space or punctuation at their ends.
    """
    emptied: dict[str, None] = {}
    forms: dict[str, dict[str, str]] = {}
    for gold in golds:
        if gold.strip() and not normalize_answer(gold):
            emptied[gold] = None
        bare = " ".join(_ARTICLES.sub(" ", gold.lower()).split()).strip(_AT_ENDS)
        forms.setdefault(normalize_answer(gold), {}).setdefault(bare, gold)
    merged = [tuple(list(same.values())[:2]) for form, same in forms.items() if form and len(same) > 1]
    return list(emptied), [(pair[0], pair[1]) for pair in merged]


def _plain(text: str) -> str:
    return unicodedata.normalize("NFC", text).strip()


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
    "exact_match_strict",
    "Fraction of generated texts that equal an accepted one, character by character, after the task's filters.",
    label="share of answers that are an accepted one to the letter",
    short="exact answers, to the letter",
)
exact_match_numeric = MeanOf(
    "exact_match_numeric",
    "Fraction of answers that are a number of the same value as an accepted one; other answers match to the letter.",
    label="share of answers with the value of an accepted one",
    short="exact numbers",
)
tool_name_accuracy = MeanOf(
    "tool_name_accuracy",
    "Fraction of tool calls whose tool is the right one.",
    label="share of tool calls with the right tool",
    short="right tools",
    column="tool_name",
)
tool_arguments_accuracy = MeanOf(
    "tool_arguments_accuracy",
    "Fraction of tool calls whose arguments are the right ones, by value.",
    label="share of tool calls with the right arguments",
    short="right arguments",
    column="tool_arguments",
)
greedy_match = MeanOf(
    "greedy_match",
    "Fraction of contexts after which greedy decoding produces the target.",
    label="share of contexts that greedy decoding completes with the target",
)
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

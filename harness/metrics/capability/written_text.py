"""What a generated text looks like: variety, repetition, length, edits away from a reference.

Words are runs of letters and digits of the lower-cased text. `distinct_n` is, within each text, different word
n-grams over all of them, as a ratio of sums (Li et al. 2016, by text: a corpus figure would fall with the number of
texts). `repetition` is the share of 4-grams that stood before in the same text (Welleck et al. 2020).
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from harness.metrics.column_metrics import MeanOf, RatioOf

_WORD = re.compile(r"\w+")
_REPEATED = 4


def writing_statistics(text: str, reference: str | None = None) -> dict[str, float]:
    """Counts of words and n-grams of one text; with a reference, its words too."""
    words = _WORD.findall(text.lower())
    statistics = {"words": float(len(words))}
    for size in (1, 2, _REPEATED):
        grams = [tuple(words[place : place + size]) for place in range(len(words) - size + 1)]
        statistics[f"grams_{size}"] = float(len(grams))
        statistics[f"distinct_grams_{size}"] = float(len(set(grams)))
    statistics["repeated"] = statistics[f"grams_{_REPEATED}"] - statistics[f"distinct_grams_{_REPEATED}"]
    if reference is not None:
        statistics["reference_words"] = float(len(_WORD.findall(reference.lower())))
    return statistics


def edit_similarity_of(left: Sequence[str] | str, right: Sequence[str] | str) -> float:
    """1 − Levenshtein distance / the longer length; 1 for two empty texts."""
    longest = max(len(left), len(right))
    return 1.0 - distance(left, right) / longest if longest else 1.0


def distance(left: Sequence[str] | str, right: Sequence[str] | str) -> int:
    """Levenshtein distance: insertions, deletions and replacements, one each."""
    before = list(range(len(right) + 1))
    for row, character in enumerate(left, 1):
        here = [row]
        for place, other in enumerate(right, 1):
            here.append(min(before[place] + 1, here[-1] + 1, before[place - 1] + (character != other)))
        before = here
    return before[-1]


def parses(text: str) -> bool:
    """Whether Python's grammar accepts the text. It is parsed, never run."""
    import ast
    import warnings

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True


distinct_1 = RatioOf(
    "distinct_1",
    "Distinct words over all words within each text.",
    "distinct_grams_1",
    "grams_1",
    label="different words within a text",
    role="descriptive",
)
distinct_2 = RatioOf(
    "distinct_2",
    "Distinct word bigrams over all bigrams within each text.",
    "distinct_grams_2",
    "grams_2",
    label="different word pairs within a text",
    role="descriptive",
)
repetition = RatioOf(
    "repetition",
    "Fraction of 4-grams that occur earlier in the same text.",
    "repeated",
    "grams_4",
    direction="lower",
    label="share of four-word sequences that stood before",
    role="descriptive",
)
length_ratio = RatioOf(
    "length_ratio",
    "Generated words over reference words; the ideal is 1.",
    "words",
    "reference_words",
    unit="ratio",
    direction="target",
    ideal=1.0,
    label="length against the reference's",
    role="descriptive",
)
length_limit_rate = MeanOf(
    "length_limit_rate",
    "Fraction of texts cut off by the length limit.",
    direction="lower",
    label="share of texts that the length limit cut off",
    role="descriptive",
)
judge_win_rate = MeanOf(
    "judge_win_rate",
    "Win rate over the reference under a judge: 1 if it wins in both orders, 0.5 if the order decides.",
    column="judged",
    label="win rate over the reference under a judge",
)
judge_position_bias = MeanOf(
    "judge_position_bias",
    "Fraction of texts for which the judge's verdict depends on the order.",
    direction="lower",
    label="share of verdicts that depend on the order of the texts",
)
judge_unreadable_rate = MeanOf(
    "judge_unreadable_rate",
    "Fraction of texts for which the judge gives no parsable answer.",
    column="judge_unread",
    direction="lower",
    label="share of texts without a readable verdict",
)
line_exact_match = MeanOf(
    "line_exact_match",
    "Fraction of lines that equal the reference line, ignoring leading and trailing whitespace.",
    label="share of next lines that are right to the letter",
    short="exact lines",
)
edit_similarity = MeanOf(
    "edit_similarity",
    "Mean of 1 − edit distance / longer length.",
    unit="fraction",
    label="letters shared with the right line",
    short="similarity of lines",
)
parse_rate = MeanOf(
    "parse_rate",
    "Fraction of generated code that parses as Python (never run).",
    label="share that Python's grammar accepts",
    short="share that parses",
)

"""ROUGE (Lin 2004): common words and word pairs, and the longest common subsequence, as F1.

Tokens are by default runs of a–z and 0–9 of the lower-cased text, without stemming: the `rouge-score` package's
default, for English. Data that declare another language have its tokenizer (`text_tokenizers`). `rougeL` reads the
text as one sequence, `rougeLsum` as sentences separated by line ends, and counts the union of what each reference
sentence shares with any sentence of the answer. Over several references the best F1 of each variant counts.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

from harness.metrics.capability.text_tokenizers import splitter
from harness.metrics.column_metrics import MeanOf

NAMES = ("rouge1", "rouge2", "rougeL", "rougeLsum")


def rouge_statistics(answer: str, references: Sequence[str], tokenize: str = "ascii") -> dict[str, float]:
    """`rouge1`, `rouge2`, `rougeL`, `rougeLsum`: F1 with the best reference.

    Args:
        tokenize: name of the tokenizer, see `text_tokenizers`.

    Raises:
        ValueError: without any reference.
    """
    if not references:
        raise ValueError("ROUGE needs at least one reference")
    split = splitter(tokenize)
    rows = [_one(answer, reference, split) for reference in references]
    return {name: max(row[name] for row in rows) for name in rows[0]}


def _one(answer: str, reference: str, split: Callable[[str], list[str]]) -> dict[str, float]:
    given, wanted = split(answer), split(reference)
    return {
        "rouge1": _common(_grams(given, 1), _grams(wanted, 1)),
        "rouge2": _common(_grams(given, 2), _grams(wanted, 2)),
        "rougeL": _f1(len(_subsequence(wanted, given)), len(given), len(wanted)),
        "rougeLsum": _summary(_sentences(answer, split), _sentences(reference, split)),
    }


def _sentences(text: str, split: Callable[[str], list[str]]) -> list[list[str]]:
    return [split(line) for line in text.split("\n") if line]


def _grams(tokens: Sequence[str], size: int) -> Counter[tuple[str, ...]]:
    return Counter(tuple(tokens[place : place + size]) for place in range(len(tokens) - size + 1))


def _common(given: Counter[tuple[str, ...]], wanted: Counter[tuple[str, ...]]) -> float:
    return _f1(sum((given & wanted).values()), given.total(), wanted.total())


def _f1(right: int, given: int, wanted: int) -> float:
    return 2.0 * right / (given + wanted) if right else 0.0


def _subsequence(wanted: Sequence[str], given: Sequence[str]) -> list[int]:
    """Places in `wanted` of a longest common subsequence with `given`."""
    table = [[0] * (len(given) + 1) for _ in range(len(wanted) + 1)]
    for row, word in enumerate(wanted, 1):
        above, here = table[row - 1], table[row]
        for place, other in enumerate(given, 1):
            here[place] = above[place - 1] + 1 if word == other else max(above[place], here[place - 1])
    places: list[int] = []
    row, place = len(wanted), len(given)
    while row and place:
        if wanted[row - 1] == given[place - 1]:
            row, place = row - 1, place - 1
            places.append(row)
        elif table[row][place - 1] > table[row - 1][place]:
            place -= 1
        else:
            row -= 1
    return places[::-1]


def _summary(given: Sequence[Sequence[str]], wanted: Sequence[Sequence[str]]) -> float:
    """Union of the subsequences of each reference sentence; a word counts at most as often as on either side."""
    total_given, total_wanted = sum(map(len, given)), sum(map(len, wanted))
    left_given, left_wanted = (
        Counter(word for line in given for word in line),
        Counter(w for line in wanted for w in line),
    )
    right = 0
    for sentence in wanted:
        shared = sorted({place for line in given for place in _subsequence(sentence, line)})
        for place in shared:
            word = sentence[place]
            if left_given[word] > 0 and left_wanted[word] > 0:
                right += 1
                left_given[word] -= 1
                left_wanted[word] -= 1
    return _f1(right, total_given, total_wanted)


rouge1 = MeanOf(
    "rouge1",
    "ROUGE-1: mean F1 of words with the best reference (no stemming).",
    unit="fraction",
    label="words shared with the reference",
    short="ROUGE-1",
)
rouge2 = MeanOf(
    "rouge2",
    "ROUGE-2: mean F1 of word pairs with the best reference (no stemming).",
    unit="fraction",
    label="word pairs shared with the reference",
    short="ROUGE-2",
)
rouge_l = MeanOf(
    "rougeL",
    "ROUGE-L: mean F1 of the longest common subsequence (no stemming).",
    unit="fraction",
    label="words shared with the reference, in order",
    short="ROUGE-L",
)
rouge_lsum = MeanOf(
    "rougeLsum",
    "ROUGE-Lsum: as ROUGE-L, line by line (no stemming).",
    unit="fraction",
    label="words shared with the reference, line by line",
)

"""What a steward of data asks first: empty texts, duplicates, class balance, missing labels, language, personal data.

Suspected personal data are counted by their form alone, and never shown: a count says where to look.
"""

from __future__ import annotations

import hashlib
import re
from array import array
from collections import Counter
from collections.abc import Callable, Sequence
from itertools import combinations
from typing import Any

import numpy as np

from harness.core.labels import is_missing, label_text
from harness.statistics.multiplicity import holm
from harness.text.language_guess import guess_language, is_foreign

_HINT = re.compile(r"[@\d]")
"""Every form holds one of these; most texts hold none."""
_DIGITS = re.compile(r"\D")
_CARD = re.compile(r"(?<![\d-])\d(?:[ -]?\d){12,18}(?![\d-])")
_IBAN = re.compile(r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,4})?\b")
_FORMS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("e-mail address", re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")),
    (
        "telephone number",
        re.compile(r"(?<![\w.])(?:\+\d{1,3}[ .-]?)?(?:\(\d{2,5}\)[ .-]?)?\d{2,5}(?:[ .-]\d{2,5}){2,4}(?!\w|\.\d)"),
    ),
    ("IP address", re.compile(r"(?<![\d.])(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)\.){3}(?:25[0-5]|2[0-4]\d|1?\d?\d)(?![\d.])")),
    ("social security number", re.compile(r"(?<![\d-])(?!000|666|9\d\d)\d{3}-(?!00)\d{2}-(?!0000)\d{4}(?![\d-])")),
)
_SPACE = re.compile(r"\s+")
_DIGITS_OF_A_NUMBER = range(9, 16)
"""Fewer digits are dates and ids, more are cards."""


def quality(texts: Sequence[str], labels: Sequence[Any] | None, dropped: int = 0) -> dict[str, Any]:
    """Counts of one split.

    Args:
        texts: one per row.
        labels: one per row where there are labels; missing ones are counted.
        dropped: rows of the whole file that were left out before, for want of a label.

    Returns:
        rows, empty texts, duplicates (rows that repeat an earlier one but for case and space, and of those the rows
        with another label), missing labels, labels (label → rows), language, whether texts are hardly English, and
        personal (form → rows that hold one).
    """
    known = [
        None if labels is None or is_missing(label) else label_text(label) for label in labels or [None] * len(texts)
    ]
    repeated, contradicted = _duplicates(texts, known)
    counted = Counter(label for label in known if label is not None)
    return {
        "rows": len(texts),
        "empty": sum(not text.strip() for text in texts),
        "duplicates": repeated,
        "contradictory_duplicates": contradicted if labels is not None else 0,
        "missing_labels": sum(label is None for label in known) + dropped if labels is not None else None,
        "labels": {label: counted[label] for label in sorted(counted)},
        "language": guess_language(texts),
        "foreign": is_foreign(texts),
        "personal": personal_data(texts),
    }


def _duplicates(texts: Sequence[str], labels: Sequence[str | None]) -> tuple[int, int]:
    """How many texts repeat an earlier one but for case and space, and how many of those have another label than it."""
    digests = bytearray()  # of 16 bytes each, which take less memory than most texts
    names: dict[str, int] = {"": 0}
    numbers = array("q")
    for text, label in zip(texts, labels, strict=True):
        if plain := _SPACE.sub(" ", text).strip().casefold():
            digests += hashlib.blake2b(plain.encode("utf-8", "surrogatepass"), digest_size=16).digest()
            numbers.append(names.setdefault(label or "", len(names)))
    if not numbers:
        return 0, 0
    of_text = np.frombuffer(numbers, np.int64)
    _, first, inverse = np.unique(np.frombuffer(digests, "S16"), return_index=True, return_inverse=True)
    return len(of_text) - len(first), int((of_text != of_text[first[inverse]]).sum())


def personal_data(texts: Sequence[str]) -> dict[str, int]:
    """How many texts hold what has the form of personal data; forms that none holds are left out."""
    counts: Counter[str] = Counter()
    for text in texts:
        counts.update(_forms(text))
    return {name: counts[name] for name in sorted(counts)}


def _forms(text: str) -> set[str]:
    """The forms in one text. A number that is one form is not counted as another."""
    forms: set[str] = set()
    if not _HINT.search(text):
        return forms
    checks: tuple[tuple[str, re.Pattern[str], Callable[[str], bool]], ...] = (
        ("IBAN", _IBAN, _is_iban),
        ("payment card number", _CARD, _is_card),
    )
    for name, pattern, holds in checks:
        for match in pattern.finditer(text):
            if holds(match[0]):
                forms.add(name)
                text = text.replace(match[0], " ")
    for name, pattern in reversed(_FORMS):
        for match in pattern.finditer(text):
            if name != "telephone number" or len(_DIGITS.sub("", match[0])) in _DIGITS_OF_A_NUMBER:
                forms.add(name)
                text = text.replace(match[0], " ")
    return forms


def _is_card(number: str) -> bool:
    """Luhn's check digit."""
    digits = [int(digit) for digit in _DIGITS.sub("", number)]
    doubled = [digit if place % 2 == 0 else sum(divmod(2 * digit, 10)) for place, digit in enumerate(reversed(digits))]
    return sum(doubled) % 10 == 0 and len(set(digits)) > 1


def _is_iban(number: str) -> bool:
    """ISO 13616's check: the rearranged number is 1 modulo 97."""
    compact = number.replace(" ", "")
    return int("".join(str(int(letter, 36)) for letter in compact[4:] + compact[:4])) % 97 == 1


def rate_tests(
    labels: Sequence[str], groups: Sequence[frozenset[str]], clusters: Sequence[int], names: Sequence[str]
) -> list[dict[str, Any]]:
    """Tests whether a label is as frequent among the texts of one group as among those of another.

    Texts that mention several groups are left out. Where every text is its own cluster, Fisher's exact test; else a
    two-sided z test on the effective numbers of texts (Rao and Scott's first-order correction). p-values are adjusted
    together by Holm's method.

    Args:
        labels, groups, clusters: per text.
        names: of the groups, in order.

    Returns:
        rows of label, group, other, share, other_share, difference, n, other_n, test, p, p_adjusted.
    """
    rows: list[dict[str, Any]] = []
    places = {name: [i for i, held in enumerate(groups) if held == {name}] for name in names}
    independent = len(set(clusters)) == len(clusters)
    for label in sorted(set(labels)):
        for first, other in combinations(names, 2):
            if not places[first] or not places[other]:
                continue
            hits = [sum(labels[place] == label for place in places[name]) for name in (first, other)]
            sizes = [len(places[name]) for name in (first, other)]
            if independent:
                p, test = _fisher(hits, sizes), "Fisher's exact test"
            else:
                effects = [
                    _design_effect([(clusters[i], labels[i] == label) for i in places[name]]) for name in (first, other)
                ]
                p, test = _z_test(hits, sizes, effects), "z test on effective numbers"
            shares = [hit / size for hit, size in zip(hits, sizes, strict=True)]
            rows.append(
                {
                    "label": label,
                    "group": first,
                    "other": other,
                    "share": shares[0],
                    "other_share": shares[1],
                    "difference": shares[0] - shares[1],
                    "n": sizes[0],
                    "other_n": sizes[1],
                    "test": test,
                    "p": p,
                }
            )
    for row, adjusted in zip(rows, holm([row["p"] for row in rows]) if rows else (), strict=True):
        row["p_adjusted"] = float(adjusted)
    return rows


def _fisher(hits: Sequence[int], sizes: Sequence[int]) -> float:
    from scipy.stats import fisher_exact

    return float(fisher_exact(np.array([hits, np.subtract(sizes, hits)])).pvalue)


def _z_test(hits: Sequence[int], sizes: Sequence[int], effects: Sequence[float]) -> float:
    """Pooled two-sample test of proportions with counts divided by their design effects."""
    from math import erfc, sqrt

    numbers = [size / effect for size, effect in zip(sizes, effects, strict=True)]
    shares = [hit / size for hit, size in zip(hits, sizes, strict=True)]
    pooled = sum(share * number for share, number in zip(shares, numbers, strict=True)) / sum(numbers)
    variance = pooled * (1 - pooled) * sum(1 / number for number in numbers)
    return 1.0 if variance <= 0 else erfc(abs(shares[0] - shares[1]) / sqrt(2 * variance))


def _design_effect(rows: Sequence[tuple[int, bool]]) -> float:
    """Variance of a share over clusters against that of as many single texts; at least 1."""
    n = len(rows)
    share = sum(hit for _, hit in rows) / n
    sums: dict[int, float] = {}
    for cluster, hit in rows:
        sums[cluster] = sums.get(cluster, 0.0) + hit - share
    if len(sums) < 2 or share in (0.0, 1.0):
        return max(1.0, n / max(len(sums), 1))
    variance = sum(value**2 for value in sums.values()) * len(sums) / (len(sums) - 1) / n**2
    return max(1.0, variance / (share * (1 - share) / n))

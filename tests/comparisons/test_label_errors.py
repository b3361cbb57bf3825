"""Labels that all models confidently contradict, against a plain count."""

from __future__ import annotations

import math

import numpy as np
import pytest

from harness.comparisons.label_errors import label_doubts
from harness.core.records import UNREAD, Record, Records, RecordsHead

LABELS = ("bad", "fine", "good")


def records(model: str, rows: list[tuple[str, str, list[float]]]) -> Records:
    made = [
        Record(
            item_id=item,
            item_digest=item,
            target=label,
            response={"log_p": {name: math.log(value) for name, value in zip(LABELS, given, strict=True)}},
        )
        for item, label, given in rows
    ]
    return Records.of(RecordsHead("mood", model, "head"), made)


def plain(rows: list[tuple[str, str, list[float]]]) -> dict[str, tuple[str, float]]:
    """Confident learning, written out: probability of a label at least its mean on the items that have it."""
    means = {}
    for place, label in enumerate(LABELS):
        own = [given[place] for _, target, given in rows if target == label]
        means[label] = sum(own) / len(own) if own else math.inf
    out = {}
    for item, target, given in rows:
        best = int(np.argmax(given))
        if LABELS[best] != target and given[best] >= means[LABELS[best]]:
            out[item] = (LABELS[best], given[best])
    return out


def test_only_what_both_confidently_contradict_alike_is_in_doubt() -> None:
    rng = np.random.default_rng(4)
    sides = []
    true = [LABELS[place] for place in rng.integers(0, 3, 300)]
    labels = [LABELS[int(rng.integers(0, 3))] if number % 8 == 0 else label for number, label in enumerate(true)]
    for _ in range(2):
        rows = []
        for number, label in enumerate(labels):
            strengths = rng.dirichlet(np.ones(3) + 5 * np.array([name == true[number] for name in LABELS])).tolist()
            rows.append((f"i{number:03}", label, strengths))
        sides.append(rows)
    one, other = plain(sides[0]), plain(sides[1])
    expected = {
        item: (label, min(value, other[item][1]))
        for item, (label, value) in one.items()
        if item in other and other[item][0] == label
    }
    assert expected
    found = label_doubts([records("one", sides[0]), records("other", sides[1])])
    assert found.keys() == expected.keys()
    wrong = {f"i{number:03}" for number in range(300) if labels[number] != true[number]}
    assert len(wrong & found.keys()) > len(found) / 2
    for item, doubt in found.items():
        assert doubt.label == expected[item][0]
        assert doubt.confidence == pytest.approx(expected[item][1])


def test_without_probabilities_nothing_is_in_doubt() -> None:
    silent = Records.of(
        RecordsHead("mood", "m", "head"),
        [
            Record("a", "a", target="bad", prediction="good", response={"generated": "good"}),
            Record("b", "b", status=UNREAD, target="bad", response={"log_p": {"bad": -9.0, "good": 0.0}}),
        ],
    )
    assert label_doubts([silent, silent]) == {}

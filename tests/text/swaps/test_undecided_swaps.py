"""Sentences in both readings: the swap of each is the other one, or it is counted as undecided."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from harness.text.swaps.gender import is_undecided
from harness.text.swaps.swap import swap

LINES = [
    line
    for line in Path(__file__).with_name("gendered_sentences.txt").read_text("utf-8").splitlines()
    if line and not line.startswith("#")
]
_FORMS = re.compile(r"\[([^|\]]*)\|([^\]]*)\]")
PAIRS = [
    pair
    for female, male in ((_FORMS.sub(r"\1", line), _FORMS.sub(r"\2", line)) for line in LINES)
    for pair in ((female, male), (male, female))
]


def outcome(text: str, wanted: str) -> str:
    found = swap(text, ["gender"])
    if found:
        return "right" if found[0].text == wanted else f"wrong: {found[0].text}"
    return "undecided" if is_undecided(text) else "left without a reason"


def test_there_are_at_least_300_sentences() -> None:
    assert len(set(PAIRS)) >= 300


def test_a_sentence_is_swapped_rightly_or_counted_as_undecided() -> None:
    outcomes = {text: outcome(text, wanted) for text, wanted in PAIRS}
    assert {text: told for text, told in outcomes.items() if told not in ("right", "undecided")} == {}


def test_most_sentences_are_decided() -> None:
    shares = [outcome(text, wanted) == "right" for text, wanted in PAIRS]
    assert sum(shares) / len(shares) > 0.75


@pytest.mark.parametrize("text", ["Faith lost her faith.", "Grace said grace before she ate.", "Hope fed her cat."])
def test_a_word_that_may_be_a_name_is_undecided(text: str) -> None:
    assert outcome(text, "") == "undecided"


@pytest.mark.parametrize(("text", "wanted"), [("Will she come?", "Will he come?"), ("May he win!", "May she win!")])
def test_a_word_that_cannot_be_a_name_is_decided(text: str, wanted: str) -> None:
    assert outcome(text, wanted) == "right"

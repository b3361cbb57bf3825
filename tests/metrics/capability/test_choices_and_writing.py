"""Multiple choice under each normalization, and what generated texts look like."""

from __future__ import annotations

import difflib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.metrics.capability.choice_accuracy import choice_statistics, share_right
from harness.metrics.capability.written_text import distance, edit_similarity_of, parses, writing_statistics


def test_normalizations_differ_and_leave_the_choice_alone() -> None:
    found = choice_statistics([-4.0, -5.0], ["no", "certainly"], 1, unconditional=[-1.0, -7.0])
    assert found == {"acc": 0.0, "acc_norm_chars": 1.0, "acc_norm_bytes": 1.0, "acc_mutual_info": 1.0}
    assert choice_statistics([-4.0, -5.0], ["nö", "xyz"], 0)["acc_norm_bytes"] == 1.0
    assert "acc_mutual_info" not in choice_statistics([-1.0, -2.0], ["a", "b"], 0)


def test_ties_count_their_share_wherever_the_right_choice_stands() -> None:
    for right in range(3):
        assert share_right([-2.0, -2.0 + 5e-7, -2.0], right) == pytest.approx(1 / 3)
    assert share_right([-2.0, -2.0, -3.0], 2) == 0.0
    assert share_right([-2.0, -2.0, -1.0], 2) == 1.0


def test_repetition_and_variety_are_counted_within_a_text() -> None:
    found = writing_statistics("the cat saw the cat saw the cat saw it", "one two three four five")
    assert found["words"] == 10
    assert (found["grams_1"], found["distinct_grams_1"]) == (10, 4)
    assert (found["grams_4"], found["repeated"]) == (7, 3)
    assert found["reference_words"] == 5
    assert writing_statistics("")["grams_4"] == 0


@given(st.text("abc", max_size=7), st.text("abc", max_size=7))
def test_edit_distance_is_a_metric_and_zero_only_for_equal_texts(left: str, right: str) -> None:
    found = distance(left, right)
    assert found == distance(right, left)
    assert (found == 0) == (left == right)
    assert abs(len(left) - len(right)) <= found <= max(len(left), len(right))
    matched = sum(
        size for _, _, size in difflib.SequenceMatcher(None, left, right, autojunk=False).get_matching_blocks()
    )
    assert found <= len(left) + len(right) - 2 * matched
    assert 0.0 <= edit_similarity_of(left, right) <= 1.0


def test_a_known_edit_distance() -> None:
    assert distance("kitten", "sitting") == 3
    assert edit_similarity_of("", "") == 1.0


@pytest.mark.parametrize(
    ("text", "good"),
    [("x = 1\n", True), ("def f(:\n", False), ("", True), ("x = '\0'", False), ("(" * 5000, False), ("'\\d'", True)],
)
def test_python_is_parsed_and_never_run(text: str, good: bool) -> None:
    assert parses(text) is good

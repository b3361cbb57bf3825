"""Thoughts are kept apart from answers; one that never ends leaves none."""

from __future__ import annotations

import pytest

from harness.text.thoughts import PAIRS, THINK, SplitText, marks_in, split_thought


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("It is 42.", SplitText(None, "It is 42.")),
        ("<think>7 × 6</think>\n\nIt is 42.", SplitText("7 × 6", "It is 42.")),
        ("\n<think>a</think><think>b</think>c", SplitText("a\nb", "c")),
        ("<think></think>c", SplitText("", "c")),
        ("7 × 6</think>42", SplitText("7 × 6", "42")),
        ("<think>7 × 6", SplitText("7 × 6", "", unclosed=True)),
        ("Write <think> first.", SplitText(None, "Write <think> first.")),
        (" two  words ", SplitText(None, " two  words ")),
    ],
)
def test_thought_and_answer(text, wanted):
    assert split_thought(text) == wanted


def test_a_prompt_that_opens_a_thought():
    assert split_thought("a</think>b", opened=True) == SplitText("a", "b")
    assert split_thought("no end", opened=True) == SplitText("no end", "", unclosed=True)


@pytest.mark.parametrize("pair", PAIRS)
def test_marks_of_every_model(pair):
    text = f"{pair[0]}thought{pair[1]}answer"
    assert split_thought(text, marks_in(pair[1])) == SplitText("thought", "answer")
    if pair != THINK:
        assert split_thought(text) == SplitText(None, text)

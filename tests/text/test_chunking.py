"""Cutting texts: nothing is lost, nothing is too long, borders are sentences where they can be."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.text.chunking import pieces

texts = st.text(st.sampled_from("abcdeXYZ .!?\n\t,;'\"0129äßж中文字。🧑é\u0301\ud800"), max_size=400) | st.text(
    max_size=200
)


def squeezed(text: str) -> str:
    return re.sub(r"\s+", "", text)


@given(texts, st.integers(4, 40))
def test_pieces_are_the_text_without_the_white_space_between(text: str, window: int) -> None:
    found = pieces(text, window)
    left = text
    for piece in found:
        place = left.find(piece)
        assert place >= 0
        skipped = left[:place]
        assert not any(character.isalnum() for character in skipped)
        left = left[place + len(piece) :]
    assert not any(character.isalnum() for character in left)
    if squeezed(text).isalnum():
        assert squeezed("".join(found)) == squeezed(text)


@given(texts, st.integers(4, 40))
def test_no_piece_is_larger_than_the_window(text: str, window: int) -> None:
    for piece in pieces(text, window):
        assert len(piece.split()) <= window
        assert sum(1 if c.isascii() and c.isalpha() else 4 for c in piece if not c.isspace()) <= 6 * window
        assert piece == piece.strip()
        assert any(c.isalnum() for c in piece)


def test_sentences_stay_whole_where_they_fit() -> None:
    text = 'The boat left. "Too late!" said Ann… Nobody had seen it go from the quay.'
    assert pieces(text, 8) == ['The boat left. "Too late!" said Ann…', "Nobody had seen it go from the quay."]
    assert pieces(text, 100) == [text]


def test_long_sentences_are_cut_between_words_and_long_words_between_characters() -> None:
    assert pieces("one two three four five six seven", 4) == ["one two three four", "five six seven"]
    assert pieces("x" * 60, 4) == ["x" * 24, "x" * 24, "x" * 12]
    assert pieces("中" * 13, 4) == ["中" * 6, "中" * 6, "中"]


def test_line_ends_are_borders() -> None:
    assert pieces("a title\nthe text begins here and goes on", 6) == ["a title", "the text begins here and goes", "on"]


@pytest.mark.parametrize("text", ["", " \n\t ", "... !!! ---", "\u200b\u200b"])
def test_texts_without_letters_have_no_pieces(text: str) -> None:
    assert pieces(text, 8) == []


def test_hostile_lengths_take_linear_time() -> None:
    start = time.perf_counter()
    for text in ("x" * 300_000, "." * 300_000, "a. " * 100_000, " " * 300_000, '."' * 150_000, "\n" * 300_000):
        pieces(text, 32)
    assert time.perf_counter() - start < 10

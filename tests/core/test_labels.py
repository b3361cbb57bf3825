"""The one rule of label identity."""

from __future__ import annotations

import math
import unicodedata
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.core.labels import is_missing, label_text, mixed_spellings, normalized_label
from harness.core.storable import storable


@pytest.mark.parametrize("one", [1, 1.0, "1", "1.0", np.int8(1), np.float32(1), Decimal("1.0"), "1.00"])
def test_a_whole_number_is_one_label_whatever_spells_it(one: Any) -> None:
    assert label_text(one) == "1"


@pytest.mark.parametrize(
    "text", ["01", "01.0", "1e3", "2024-01-10", "NA", "TRUE", "true", "null", "+1", "1.5", " 1", "", "."]
)
def test_a_text_stays_as_it_stands(text: str) -> None:
    assert label_text(text) == text


def test_truth_values_are_no_numbers() -> None:
    assert [label_text(value) for value in (True, False, np.True_, 1, 0)] == ["true", "false", "true", "1", "0"]
    assert mixed_spellings([True, 1]) == ["the labels mix truth values and numbers: `true` and `1` are two labels"]


@given(st.text())
def test_labels_are_in_nfc_storable_and_settled(text: str) -> None:
    label = label_text(text)
    assert unicodedata.is_normalized("NFC", label)
    assert label.encode().decode() == label
    assert label_text(label) == label
    assert label_text(unicodedata.normalize("NFD", storable(text))) == label


def test_spellings_are_named() -> None:
    assert mixed_spellings(["1", 1, 1.0, 2]) == ["the label '1' is spelled '1', 1; they are read as one"]
    (told,) = mixed_spellings(["positive", "Positive ", "positive\u200b", "negative", None, ""])
    assert told.startswith("the labels 'positive', 'Positive ', 'positive\\u200b' differ only in case")
    assert mixed_spellings(["positive", "Positive "], ["strip", "casefold"])[0].startswith("the label 'positive' is")
    assert mixed_spellings(["a", "b", "a"]) == []


def test_normalization_is_only_what_is_asked_for() -> None:
    assert normalized_label(" A\u200b\u00a0", []) == " A\u200b\u00a0"
    assert normalized_label(" A\u200b\u00a0", ["strip"]) == "A"
    assert normalized_label("Straße", ["casefold"]) == "strasse"


@pytest.mark.parametrize("value", [None, math.nan, pd.NA, pd.NaT, np.float64("nan"), "", " \t", Decimal("nan")])
def test_missing_cells(value: Any) -> None:
    assert is_missing(value)


@pytest.mark.parametrize("value", [0, "0", False, "nan", "NA", "-", np.float64(0)])
def test_what_is_no_missing_cell(value: Any) -> None:
    assert not is_missing(value)


def test_halves_of_surrogate_pairs_are_joined_or_replaced() -> None:
    assert storable("a\ud83d\ude00b") == "a😀b"
    assert storable("nice \ud83d") == "nice \ufffd"
    assert storable("é") == "é"

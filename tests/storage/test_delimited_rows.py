"""Delimited text → rows: the delimiter is found, cells of any content and length come back."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.core.errors import DataError
from harness.storage.delimited_rows import delimited_rows, find_delimiter, with_header

CELL = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\r"), max_size=12)
DELIMITERS = st.sampled_from([",", ";", "\t", "|"])


@given(st.lists(st.tuples(CELL, CELL), min_size=1, max_size=9), DELIMITERS)
def test_what_csv_writes_is_read_back_under_the_delimiter_that_is_found(
    rows: list[tuple[str, str]], delimiter: str
) -> None:
    out = io.StringIO()
    csv.writer(out, delimiter=delimiter, quoting=csv.QUOTE_ALL, lineterminator="\n").writerows([("a", "b"), *rows])
    found = find_delimiter(out.getvalue(), "f")
    assert found.character == delimiter
    assert bool(found.notes) == (delimiter != ",")
    read = [fields for _, fields in with_header(delimited_rows(out.getvalue(), "f", delimiter), "f")]
    assert [(row["a"], row["b"]) for row in read] == rows


def test_commas_within_cells_do_not_hide_semicolons() -> None:
    assert find_delimiter("text;label\nwell, well;good\nno;bad\n", "f").character == ";"
    assert find_delimiter("text,label\na;b,good\nc,bad\n", "f").character == ","
    assert find_delimiter("text\nhello; world\n", "f").character == ","


def test_a_file_that_declares_its_delimiter_is_taken_at_its_word() -> None:
    text = "sep=|\na|b\n1|2\n"
    found = find_delimiter(text, "f")
    assert (found.character, found.guessed) == ("|", False)
    assert list(with_header(delimited_rows(text, "f", "|"), "f")) == [(3, {"a": "1", "b": "2"})]


def test_two_delimiters_that_both_fit_are_refused_with_both_readings() -> None:
    words = r"commas between cells \(columns a;b, c\) or with semicolons \(columns a, b,c\)"
    with pytest.raises(DataError, match=words):
        find_delimiter("a;b,c\nd;e,f\n", "f")


def test_a_cell_of_more_than_csvs_own_limit_is_read() -> None:
    long = "x" * 300_000
    assert next(delimited_rows(f'a,"{long}\n{long}"\n', "f", ","))[1] == ["a", f"{long}\n{long}"]


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=200), DELIMITERS)
def test_any_text_is_rows_or_a_data_error(text: str, delimiter: str) -> None:
    try:
        find_delimiter(text, "f")
        rows = list(with_header(delimited_rows(text, "f", delimiter), "f"))
    except DataError:
        return
    assert all(line > 1 for line, _ in rows)

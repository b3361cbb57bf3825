from __future__ import annotations

import csv
import io
import json
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.core.errors import DataError
from harness.data.parsers.parser_by_name import parser
from harness.data.parsers.raw_row import Raw

CELL = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\r"), max_size=20)


def rows(name: str, content: bytes, **options: Any) -> list[dict[str, Any]]:
    return [dict(raw.fields) for raw in parser(name)(content, "file", options)]


@given(st.lists(st.tuples(CELL, CELL), min_size=1))
def test_csv_reads_back_what_the_csv_module_writes(cells: list[tuple[str, str]]) -> None:
    out = io.StringIO()
    writer = csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    writer.writerow(["text", "label"])
    writer.writerows(cells)
    found = rows("csv", out.getvalue().encode())
    assert [(row["text"], row["label"]) for row in found] == cells


@given(st.lists(st.dictionaries(st.text(max_size=5), st.none() | st.integers() | st.text(max_size=9), max_size=3)))
def test_jsonl_reads_back_what_json_writes(values: list[dict[str, Any]]) -> None:
    lines = "\n".join(json.dumps(value) for value in values)
    assert rows("jsonl", lines.encode()) == values
    if values:
        assert rows("json", json.dumps(values).encode()) == values


@given(
    st.binary(max_size=300), st.sampled_from(["csv", "tsv", "jsonl", "json", "txt", "parquet", "dialogues", "wikitext"])
)
def test_hostile_bytes_are_rows_or_a_data_error(content: bytes, name: str) -> None:
    found: list[Raw] = []
    place = None
    try:
        found = list(parser(name)(content, "file", {}))
    except DataError as error:
        place = error.where or "nowhere"
    assert place is None or str(place).startswith("file")
    assert all(raw.line >= 1 for raw in found)


def test_a_byte_that_is_not_utf8_is_named_with_offset_and_line() -> None:
    with pytest.raises(DataError) as caught:
        rows("csv", b"text,label\nfine,1\ncaf\xe9,0\n")
    assert str(caught.value.where) == "file:3"
    assert "0xe9 at offset 21" in caught.value.message


def test_a_byte_order_mark_is_dropped_and_counted() -> None:
    assert rows("csv", b"\xef\xbb\xbftext\nfine\n") == [{"text": "fine"}]
    with pytest.raises(DataError, match="offset 5"):
        rows("txt", b"\xef\xbb\xbfab\xff")


@pytest.mark.parametrize(
    ("name", "content", "line", "words"),
    [
        ("csv", b"text,label\na,1\nb,2,3\n", 3, "expected 2 fields"),
        ("csv", b'text,label\n"one\ntwo",1\nb\n', 4, "expected 2 fields"),
        ("csv", b'text,label\n"a"b,1\n', 2, "invalid CSV"),
        ("csv", b"text,text\na,b\n", 1, "twice"),
        ("tsv", b"text\tlabel\na\n", 2, "expected 2 fields"),
        ("jsonl", b'{"text": "a"}\n\n{"text": }\n', 3, "invalid JSON"),
        ("jsonl", b'{"text": "a"}\n[1]\n', 2, "expected an object"),
        ("jsonl", b'{"text": NaN}\n', 1, "NaN"),
        ("jsonl", b"[" * 100_000, 1, "deep"),
        ("json", b'[{"a": 1},\n{"a" 2}]', 2, "invalid JSON"),
        ("txt", b"one\ntw\0o\n", 2, "null byte"),
        ("txt", b"one\n\xff\xfea", 2, "expected UTF-8, found the byte 0xff"),
        ("dialogues", b'{"c1": {"turns": []}}', None, "unexpected format"),
        ("parquet", b"PAR1 no", None, "Parquet"),
    ],
)
def test_what_does_not_fit_is_named_with_its_line(name: str, content: bytes, line: int | None, words: str) -> None:
    with pytest.raises(DataError, match=words) as caught:
        rows(name, content)
    assert caught.value.where is not None
    assert caught.value.where.line == line


def test_tsv_with_a_given_header_keeps_quotes_and_further_tabs() -> None:
    found = rows("tsv", b'1_2\t-0.5\tsay "hi" \\o/\tend\r\n', header=["id", "rating", "text"])
    assert found == [{"id": "1_2", "rating": "-0.5", "text": 'say "hi" \\o/\tend'}]


def test_json_takes_one_list_inside_an_object() -> None:
    assert rows("json", b'{"version": 1, "data": [{"text": "a"}]}') == [{"text": "a"}]


def test_parquet_gives_all_columns() -> None:
    out = io.BytesIO()
    pq.write_table(pa.table({"text": ["a", "b"], "label": [1, 0]}), out)
    assert rows("parquet", out.getvalue()) == [{"text": "a", "label": 1}, {"text": "b", "label": 0}]


def test_dialogues_give_one_row_per_message() -> None:
    value = {"c1": {"messages": [[{"text": "hello"}, {"text": "you there?"}], [{"text": "yes"}]]}}
    found = rows("dialogues", json.dumps(value).encode())
    assert [(row["conversation"], row["turn"], row["text"]) for row in found] == [
        ("c1", 0, "hello"),
        ("c1", 0, "you there?"),
        ("c1", 1, "yes"),
    ]


def test_wikitext_gives_paragraphs_with_their_article() -> None:
    text = " \n = First = \n \n A paragraph . \n \n = = Part = = \n \n Another = one . \n \n = First = \n \n Third . \n"
    found = rows("wikitext", text.encode())
    assert [(row["number"], row["article"], row["text"]) for row in found] == [
        (1, "First", "A paragraph ."),
        (1, "First", "Another = one ."),
        (2, "First", "Third ."),
    ]


def test_unknown_parser_names_the_nearest() -> None:
    with pytest.raises(DataError, match="Did you mean 'jsonl'"):
        parser("json_l")

"""Parsers of tagged words, choices, several answers, definitions and interface strings."""

from __future__ import annotations

import gzip
import io
import json
import zipfile
from typing import Any

import pytest

from harness.core.errors import DataError
from harness.data.parsers.parser_by_name import parser
from harness.data.sources.archives import WHOLE, read_members
from harness.data.sources.source_error import SourceFailed


def parsed(name: str, content: bytes | str, **options: Any) -> list[dict[str, Any]]:
    data = content.encode() if isinstance(content, str) else content
    return [dict(raw.fields) for raw in parser(name)(data, "file", options)]


def test_conll_takes_the_last_column_and_empty_lines_with_tabs() -> None:
    text = "-DOCSTART- O\n\nAda\tNNP\tB-person\nspoke\tVB\tO\n\t\nHi\tUH\tO"
    assert parsed("conll", text) == [
        {"words": "Ada spoke", "tags": "B-person O", "number": 1},
        {"words": "Hi", "tags": "O", "number": 2},
    ]
    with pytest.raises(DataError, match=r"file:2.*a word and its tag"):
        parsed("conll", "Ada O\nalone\n")


def test_conll_with_tabs_splits_at_tabs_alone() -> None:
    assert parsed("conll", "New York\tB-place\nis big\tO\n") == [
        {"words": "New\u00a0York is\u00a0big", "tags": "B-place O", "number": 1}
    ]
    with pytest.raises(DataError, match=r"(?s)file:2.*separated by tabs where any line has one"):
        parsed("conll", "Ada\tO\nspoke O\n")


def test_conll_lines_have_equally_many_columns_so_comments_are_named() -> None:
    with pytest.raises(DataError, match=r"file:3.*expected 2 columns as in the lines before, found 4"):
        parsed("conll", "Ada O\n\n# sent id 1\nspoke O\n")


def test_a_column_that_counts_the_words_is_no_column_of_words() -> None:
    with pytest.raises(DataError, match=r"(?s)file:3.*the first column counts the words \(1 2 …\), as in CoNLL-U"):
        parsed("conll", "\n\n1\tAda\tB-person\n2\tspoke\tO\n")
    assert parsed("conll", "1 O\n2 O\n")[0]["words"] == "1 2", "two columns: the words are numbers"


def test_choices_lose_their_letters_and_unusable_questions() -> None:
    rows = [
        {"question": "q", "options": "A. one\nB. two words", "answer": "B. two words"},
        {"question": "no answer", "options": "A. one\nB. two"},
        {"question": "twice", "options": "A. one\nB. one", "answer": "A. one"},
        {"question": "lost A and B", "options": "\nC. one\nD. two\nE. three", "answer": "D. two"},
    ]
    (row,) = parsed("choices", "\n".join(map(json.dumps, rows)))
    assert (json.loads(row["choices"]), row["answer"]) == (["one", "two words"], "B")


def test_several_answers_become_one_cell() -> None:
    (row,) = parsed("lists", '{"answer": ["a", "ä"], "n": 1}')
    assert row == {"answer": '["a", "ä"]', "n": 1}


def test_squad_files_give_one_row_a_question() -> None:
    question = {"id": 7, "question": "Who?", "answers": [{"text": "Ada"}, {"text": "Ada"}]}
    article = {"title": "T", "paragraphs": [{"context": "Ada.", "qas": [question, {**question, "answers": []}]}]}
    first, second = parsed("squad", json.dumps({"data": [article]}))
    assert first == {"id": "7", "title": "T", "context": "Ada.", "question": "Who?", "answers": '["Ada"]'}
    assert second["answers"] == "[]"
    with pytest.raises(DataError, match="not a SQuAD file"):
        parsed("squad", '{"data": [{"paragraphs": 3}]}')


def test_definitions_are_asked_with_words_of_equal_length_as_often_wrong_as_right() -> None:
    words = {
        "river": "water that runs to the sea",
        "bread": "food made of flour",
        "chair": "a seat for one",
        "cloud": "water",
    }
    words |= {"stone": "a piece of rock", "plate": "what food stands on", "rivers": "more than one river of water"}
    lines = "".join(f"{word}\t{gloss} | other\n" for word, gloss in words.items())
    rows = parsed("glosses", gzip.compress(lines.encode()))
    assert {row["lemma"] for row in rows} == {"river", "bread", "chair", "stone", "plate"}
    wrong = [text.rsplit(": ", 1)[1] for row in rows for text in json.loads(row["wrong"])]
    assert all(len(json.loads(row["wrong"])) == 3 for row in rows)
    assert {word: wrong.count(word) for word in wrong} == dict.fromkeys(
        ["river.", "bread.", "chair.", "stone.", "plate."], 3
    )
    with pytest.raises(DataError, match="gzipped"):
        parsed("glosses", b"plain")


def wheel(files: dict[str, Any]) -> bytes:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w") as archive:
        for name, value in files.items():
            archive.writestr(name, value if isinstance(value, str) else json.dumps(value))
    return sink.getvalue()


def test_interface_strings_are_paired_by_key_and_cleaned() -> None:
    start = "homeassistant/components/lamp/translations/"
    english = {"a": {"on": "Turn on", "name": "{name} is on", "same": "Radio"}, "only": "Only here"}
    german = {"a": {"on": "Einschalten", "name": "{name} ist an", "same": "Radio"}}
    content = wheel({f"{start}en.json": english, f"{start}de.json": german, "homeassistant/x.json": "no json"})
    assert parsed("interface", content, source="en", target="de") == [
        {"component": "lamp", "key": "a.on", "source": "Turn on", "target": "Einschalten"}
    ]
    with pytest.raises(DataError, match="cannot read"):
        parsed("interface", b"no archive")


def test_an_archive_can_be_read_as_a_whole_with_its_exact_size() -> None:
    content = wheel({"a": "b"})
    assert read_members(content, {WHOLE: len(content), "a": 1}) == {WHOLE: content, "a": b"b"}
    with pytest.raises(SourceFailed):
        read_members(content, {WHOLE: len(content) + 1})

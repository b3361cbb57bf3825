"""Bytes → text: what is declared, what is guessed, and what is refused."""

from __future__ import annotations

import codecs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.core.errors import DataError
from harness.storage.text_decoding import decode

FRENCH = "text,label\nUn café très agréable à Besançon,positif\nLe thé était froid,négatif\n"
CHINESE = "text,label\n" + "这本书写得非常好我很喜欢它的故事,好\n房间太小而且很吵我们不会再来了,坏\n" * 20
TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\r\ufeff"))


@given(TEXT, st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-32"]))
def test_what_a_mark_declares_is_read_back(text: str, encoding: str) -> None:
    content = text.encode(encoding)
    decoded = decode(content, "f")
    assert (decoded.text, decoded.guessed) == (text, False)


@given(TEXT, st.sampled_from(["utf-8", "utf-16", "utf-16-le", "utf-16-be", "utf-32"]))
def test_a_given_encoding_is_never_guessed(text: str, encoding: str) -> None:
    decoded = decode(text.encode(encoding), "f", encoding)
    assert (decoded.text, decoded.notes) == (text, ())


@given(st.binary(max_size=200))
def test_any_bytes_are_text_or_a_data_error(content: bytes) -> None:
    text, place = "", "f"
    try:
        text = decode(content, "f").text
    except DataError as error:
        place = str(error.where)
    assert place.startswith("f")
    assert not {"\r", "\0"} & set(text)


@pytest.mark.parametrize(
    ("encoding", "text", "found"),
    [
        ("utf-16-le", FRENCH, "utf-16-le"),
        ("utf-16-be", FRENCH, "utf-16-be"),
        ("latin-1", FRENCH, "cp1252"),
        ("cp1252", "text,label\n“good” tea – 5€,pos\nbad,neg\n", "cp1252"),
        ("cp1251", "text,label\nОчень хороший чай и книга,хорошо\nплохо,плохо\n", "cp1251"),
        ("gb18030", CHINESE, "gb18030"),
    ],
)
def test_a_guess_reads_the_text_and_is_told(encoding: str, text: str, found: str) -> None:
    decoded = decode(text.encode(encoding), "f")
    assert (decoded.text, decoded.encoding) == (text, found)
    (note,) = decoded.notes
    assert note.startswith(f"read as {found}, guessed from the bytes (it reads ")
    assert note.endswith("); set `encoding` to confirm or correct it")
    first = next(letter for letter in text if not letter.isascii())
    assert first in note, "the guess is shown by what it reads"


@pytest.mark.parametrize(
    ("content", "encoding", "words"),
    [
        ("é ü ö ß ñ".encode() + b"\n\xff", None, "expected UTF-8, found the byte 0xff at offset 15"),
        (codecs.BOM_UTF8 + b"ab\xff", "utf-8", "found the byte 0xff at offset 5"),
        (b"abc", "utf-16", "expected UTF-16"),
        (b"abc", "klingon", "unknown encoding 'klingon'"),
        (b"abc", "zlib", "unknown encoding 'zlib'"),
        (b"a\0b\0\0c", "utf-8", "null byte"),
        ("text,label\n很好的一本书,好\n不好,坏\n".encode("gb18030"), None, "can be read as"),
    ],
)
def test_what_is_damaged_or_fits_twice_is_refused(content: bytes, encoding: str | None, words: str) -> None:
    with pytest.raises(DataError, match=words):
        decode(content, "f", encoding)

"""The word lists that come with the package, and the reading of a user's own."""

from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.core.errors import DataError
from harness.text.lexicons.builtin_lists import NAME_GROUPS, excluded_words, gender_words, given_names, name_counterpart
from harness.text.lexicons.lexicon import parse_lexicon, read_lexicon


def test_every_list_of_names_has_thirty_and_the_same_lengths() -> None:
    lengths = {
        (group, gender): Counter(
            len(word) for word, name in given_names().items() if (name.group, name.gender) == (group, gender)
        )
        for group in NAME_GROUPS
        for gender in ("male", "female")
    }
    assert all(count.total() >= 30 for count in lengths.values())
    assert len({tuple(sorted(count.items())) for count in lengths.values()}) == 1


def test_the_counterpart_by_gender_goes_both_ways_and_keeps_the_length_and_the_group() -> None:
    for word, name in given_names().items():
        other = name_counterpart(word, gender="female" if name.gender == "male" else "male")
        assert other is not None
        assert len(other) == len(word)
        assert given_names()[other].group == name.group
        assert name_counterpart(other, gender=name.gender) == word


def test_names_are_neither_excluded_nor_listed_twice() -> None:
    excluded = set(excluded_words())
    assert not excluded & set(given_names())
    assert not {word.lower() for word in excluded} & {entry.word for entry in gender_words().entries}


def test_ambiguous_names_and_words_are_left_out() -> None:
    for word in ("Will", "Mark", "Rose", "Hope", "Grace", "guy", "guys"):
        assert word in excluded_words()
        assert excluded_words()[word].reason


def test_every_gender_word_has_a_counterpart() -> None:
    lexicon = gender_words()
    assert lexicon.groups == ("male", "female")
    for entry in lexicon.entries:
        other = "female" if entry.group == "male" else "male"
        assert lexicon.counterpart(entry.word, other)
        assert lexicon.counterpart(entry.word, entry.group) is None


def test_unknown_names_have_no_counterpart_and_unknown_groups_are_errors() -> None:
    assert name_counterpart("Zzyzx", group="white") is None
    with pytest.raises(DataError, match="group of names"):
        name_counterpart("Jamal", group="martian")


def test_without_pairs_length_then_position_decide() -> None:
    lexicon = parse_lexicon("group,word\na,one\na,three\nb,seven\nb,two\nb,six\n", name="n", source="n.csv")
    assert lexicon.counterpart("one", "b") == "two"
    assert lexicon.counterpart("three", "b") == "seven"
    assert lexicon.counterpart("ONE", "b") == "two"
    assert lexicon.counterpart("nine", "b") is None


def test_a_file_is_read_with_its_name(tmp_path: Path) -> None:
    path = tmp_path / "faith.csv"
    path.write_text("\ufeffword,group\nimam,muslim\npriest,christian\n\nwheelchair user,other\n", encoding="utf-8")
    lexicon = read_lexicon(path)
    assert (lexicon.name, lexicon.groups) == ("faith", ("muslim", "christian", "other"))
    assert lexicon.words("other") == ("wheelchair user",)
    with pytest.raises(DataError, match="Did you mean 'muslim'"):
        lexicon.words("muslin")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "an empty file"),
        ("word\nx\n", "a column 'group', found word"),
        ("group,word,pear\na,x,\n", "Did you mean 'pair'"),
        ("group,word,word\na,x,y\n", "duplicate column"),
        ("group,word\na,x\n", "two groups or more"),
        ("group,word\na,x\nb,\n", "'word' is empty"),
        ("group,word\na,x\nb\n", "expected 2 cells, found 1"),
        ("group,word\na,x\nb,X\n", "lines 2 and 3"),
        ("group,word,pair\na,x,p\nb,y,q\n", "only one group"),
        ('group,word\na,"x\n', "invalid CSV"),
    ],
)
def test_a_faulty_lexicon_says_what_is_wrong_where_and_what_to_do(text: str, message: str) -> None:
    with pytest.raises(DataError, match=message) as caught:
        parse_lexicon(text, name="mine", source="mine.csv")
    assert str(caught.value).startswith("mine.csv")
    assert caught.value.hint


def test_a_missing_file_and_a_binary_file_are_data_errors(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot read the file"):
        read_lexicon(tmp_path / "none.csv")
    (tmp_path / "bytes.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(DataError, match="expected UTF-16"):
        read_lexicon(tmp_path / "bytes.csv")
    text = "group;word\na;Ra\u0301hel\nb;J\u00f6rg\n"
    (tmp_path / "wide.csv").write_text(text, "utf-16")
    assert [entry.word for entry in read_lexicon(tmp_path / "wide.csv").entries] == ["Ráhel", "Jörg"]


@given(st.text(max_size=80))
def test_any_text_is_a_lexicon_or_a_data_error(text: str) -> None:
    try:
        lexicon = parse_lexicon(f"group,word\n{text}", name="any", source="any.csv")
    except DataError:
        return
    assert len(lexicon.groups) >= 2

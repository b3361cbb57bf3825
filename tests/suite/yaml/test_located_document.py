from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from harness.core.errors import SuiteError
from harness.suite.yaml.located_document import MAX_BYTES, decode, parse, read_bytes


def fault(text: str) -> str:
    with pytest.raises(SuiteError) as raised:
        parse(text, "suite.yaml")
    return str(raised.value)


def test_values_and_places() -> None:
    document = parse("a: 1\nb:\n  - x: no\n    y: [1e-4, '1']\n", "f.yaml")
    assert document.value == {"a": 1, "b": [{"x": "no", "y": [0.0001, "1"]}]}
    assert str(document.where("a")) == "f.yaml:1:4"
    assert str(document.where("a", key=True)) == "f.yaml:1:1"
    assert str(document.where("b", 0)) == "f.yaml:3:5"
    assert str(document.where("b", 0, "y", 1)) == "f.yaml:4:15"
    assert str(document.where("b", 0, "y")) == "f.yaml:4:5"
    assert str(document.where("b", 0, "missing", "deeper")) == "f.yaml:3:5"


def test_keys_are_text_as_it_is_written() -> None:
    assert parse("{1: a, no: b, 1.50: c}", "f").value == {"1": "a", "no": "b", "1.50": "c"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: 1\nb: 2\na: 3", "suite.yaml:3:1: duplicate key 'a' (first defined on line 1, column 1)."),
        ("", "suite.yaml:1: the file is empty."),
        ("# nothing\n", "suite.yaml:1: the file is empty."),
        ("a: 1\n---\nb: 2", "suite.yaml:2:1: expected one YAML document"),
        ("a: !!python/name:os.system x", "suite.yaml:1:4: expected plain YAML, found the tag"),
        ("a: !x [1]", "suite.yaml:1:4: expected plain YAML, found the tag"),
        ("%YAML 1.1\n---\na: no", "suite.yaml:1:1: expected YAML 1.2, found a directive for 1.1."),
        ("a: &x [*x]", "suite.yaml:1:8: the alias *x refers to its own parent."),
        ("a: *x", "suite.yaml:1:4: no anchor &x is defined."),
        ("? [a]\n: 1", "suite.yaml:1:3: expected a key that is plain text."),
        ("a: b: c", "suite.yaml:1:5: invalid YAML"),
        ("a:\n\tb: 1", "suite.yaml:2:1: invalid YAML"),
        ("a: [1, 2", "suite.yaml:1:9: invalid YAML"),
        ("a: \x07", "suite.yaml:1: expected text, found the control character 0x07."),
        ('a: "\\ud800"', "suite.yaml:1:4: expected text, found a lone surrogate."),
        ("a: .nan", "suite.yaml:1:4: expected a finite number, found .nan."),
        ("[" * 3000, "suite.yaml:1:41: expected at most 40 levels of nesting."),
    ],
)
def test_faults_have_a_place(text: str, message: str) -> None:
    assert fault(text).startswith(message)


def test_faults_that_leave_the_structure_readable_are_shown_together() -> None:
    lines = fault("a: 1\na: 2\nb: {c: 1, c: 2}\nd: .inf").splitlines()
    assert [line.partition(": ")[0] for line in lines[:3]] == ["suite.yaml:2:1", "suite.yaml:3:11", "suite.yaml:4:4"]


def test_aliases_repeat_a_value_but_cannot_blow_up() -> None:
    assert parse("a: &x {b: 1}\nc: *x", "f").value == {"a": {"b": 1}, "c": {"b": 1}}
    bomb = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    bomb += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12)]
    assert "expected at most 50000 values" in fault("\n".join(bomb))
    long = f"a: &a {'x' * 100_000}\nb: [{', '.join(['*a'] * 200)}]"
    assert "expected at most 50000 values" in fault(long)


def test_text_that_is_not_utf8_is_named_by_its_offset() -> None:
    with pytest.raises(SuiteError, match="found the byte 0xff at offset 6") as raised:
        decode(b"a: 1\nb\xff: 2", "f.yaml")
    assert str(raised.value).startswith("f.yaml:2:")
    with pytest.raises(SuiteError, match="found the byte 0xff at offset 0"):
        decode("a: 1".encode("utf-16"), "f.yaml")
    assert decode(b"\xef\xbb\xbfa: 1", "f.yaml") == "a: 1"
    with pytest.raises(SuiteError, match="found the byte 0xe4 at offset 3"):
        decode(b"\xef\xbb\xbf\xe4", "f.yaml")


def test_files_that_cannot_be_suites(tmp_path: Path) -> None:
    with pytest.raises(SuiteError, match="found a folder"):
        read_bytes(tmp_path)
    with pytest.raises(SuiteError, match="cannot read the file"):
        read_bytes(tmp_path / "none.yaml")
    large = tmp_path / "large.yaml"
    large.write_bytes(b"#" * (MAX_BYTES + 1))
    with pytest.raises(SuiteError, match="too large for a suite"):
        read_bytes(large)


plain = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**40), 2**40) | st.text(st.characters(codec="utf-8"), max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("abc", min_size=1), inner, max_size=4),
    max_leaves=12,
)


@given(plain)
def test_json_is_yaml(value: object) -> None:
    assert parse(json.dumps(value), "f").value == value


@given(st.text(max_size=60))
def test_any_text_gives_a_value_or_a_located_error(text: str) -> None:
    fault = None
    try:
        parse(text, "f.yaml")
    except SuiteError as error:
        fault = str(error)
    assert fault is None or fault.startswith("f.yaml")


@given(st.text(alphabet="ab:-[]{},&*!|>'\"#?%@ \n\t1", max_size=40))
@example(":\n\n\t")  # spaces and tabs alone are an empty line; the safe scanner takes no tab there
def test_structures_agree_with_a_full_parser(text: str) -> None:
    try:
        mine = parse(text, "f.yaml").value
    except SuiteError:
        return
    blank = re.compile(r"^[ \t]*\t[ \t]*$", re.MULTILINE)
    theirs = YAML(typ="safe", pure=True).load(blank.sub("", text))
    assert type(mine) is type(theirs) or not isinstance(theirs, dict | list)

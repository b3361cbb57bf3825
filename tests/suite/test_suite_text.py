"""Suites as YAML: whatever columns, labels and paths are called, they are read back as they were."""

from __future__ import annotations

from pathlib import Path

from harness_support.suite_samples import OWN, own_suite
from hypothesis import given
from hypothesis import strategies as st

from harness.suite.load_suite import parse_suite
from harness.suite.suite_text import suite_text
from harness.suite.yaml.located_document import parse

TEXT = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), min_size=1, max_size=20)
ODD = st.sampled_from([".inf", "./.inf", "null", "True", "1e5", "~", "a: b", "#x", "{", "- a", "yes", "0x1"])
VALUES = st.recursive(
    TEXT | ODD | st.integers(-5, 5) | st.booleans() | st.none() | st.floats(0.001, 10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT | ODD, inner, max_size=3),
    max_leaves=8,
)


def test_it_is_a_valid_suite() -> None:
    suite = parse_suite(OWN, Path("suite.yaml"))
    assert suite.release == ("finetuned",)
    assert set(suite.evaluations) == {"mine", "language", "swaps", "pairs"}


@given(st.dictionaries(TEXT | ODD, st.dictionaries(TEXT | ODD, VALUES, max_size=3), min_size=1, max_size=3))
def test_what_is_written_is_read_back(value: dict[str, object]) -> None:
    assert parse(suite_text(value), "suite.yaml").value == value


@given(TEXT, TEXT)
def test_comments_change_nothing(first: str, second: str) -> None:
    value = own_suite()
    comments = {(): first, ("models", "base"): second, ("gates", "better"): first, ("tasks", "mine"): second}
    written = suite_text(value, comments)
    assert parse(written, "suite.yaml").value == value
    assert first.splitlines()[0].strip() in written

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.core.errors import SuiteError
from harness.model_kinds.load_kind import LoadModel
from harness.schema.suite.data_refs import FileRef
from harness.suite.init_template import template
from harness.suite.load_suite import parse_suite


def test_the_template_is_a_valid_suite() -> None:
    suite = parse_suite(template(), Path("suite.yaml"))
    assert suite.release == ("finetuned",)
    assert set(suite.evaluations) == {"mine", "language", "swaps", "pairs"}


TEXT = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), min_size=1, max_size=20)


@given(TEXT, TEXT, st.lists(TEXT, min_size=2, max_size=4, unique=True))
def test_whatever_columns_and_paths_are_called(data: str, text: str, labels: list[str]) -> None:
    suite = parse_suite(template(data=data, text=text, labels=labels, base=data), Path("suite.yaml"))
    mine = suite.data["mine"]
    assert isinstance(mine, FileRef)
    assert (mine.file, mine.columns["text"]) == (data, text)
    assert suite.models["base"].options == LoadModel(load=data)
    assert suite.tasks["mine"].raw["labels"] == labels


def test_a_name_that_is_no_file_name() -> None:
    with pytest.raises(SuiteError, match="expected a suite name"):
        template(name="My Suite")

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
from harness.suite.unknown_training import unknown_training


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


def test_the_template_claims_nothing_unsaid() -> None:
    unsaid = parse_suite(template(), Path("suite.yaml"))
    assert unknown_training(unsaid)["mine"].models == ["base", "finetuned"]
    assert "`trained_on: [FILE]`" in template()
    assert "# held_out: true" in template()


@given(st.lists(TEXT, min_size=1, max_size=3))
def test_what_is_said_of_training_is_written(files: list[str]) -> None:
    suite = parse_suite(template(trained_on=files), Path("suite.yaml"))
    assert suite.models["base"].trained_on == suite.models["finetuned"].trained_on == tuple(files)
    held_out = parse_suite(template(held_out=True), Path("suite.yaml"))
    mine = held_out.data["mine"]
    assert isinstance(mine, FileRef)
    assert mine.held_out
    assert unknown_training(suite) == unknown_training(held_out) == {}

"""Lists of words in CSV files beside a suite: their rows stand in the specs, and their faults have a place."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from harness.core.digests import digest
from harness.core.errors import HarnessError
from harness.suite.load_suite import load_suite
from harness.text.lexicons.lexicon import given_lexicon

SUITE = """\
name: own
data: {mine: {file: mine.csv}}
models:
  base: {load: base}
  tuned: {finetune: {from: base, task: mine, mitigate: {augment: {lexicons: {faith: lists/faiths.csv}}}}}
  flat: {project: {from: tuned, data: [mine], remove: lists/faiths.csv}}
compare: {baseline: base}
tasks: {mine: {classification: {data: mine, labels: [no, yes]}}}
probes: {swaps: {counterfactual: {on: mine, swap: [], lexicons: {faith: lists/faiths.csv}}}}
"""
WORDS = (
    "group,word,pair\njewish,synagogue,house\nmuslim,mosque,house\nchristian,church,house\n"
    "christian,vicar,guide\nmuslim,imam,guide\n"
)


def _suite(folder: Path, words: str | None = WORDS) -> Any:
    (folder / "lists").mkdir(exist_ok=True)
    if words is not None:
        (folder / "lists" / "faiths.csv").write_text(words, "utf-8")
    (folder / "own.yaml").write_text(SUITE, "utf-8")
    return load_suite(folder / "own.yaml")


def test_rows_of_a_file_stand_where_words_by_group_would(tmp_path: Path) -> None:
    suite = _suite(tmp_path)
    probe = suite.probes["swaps"].options
    augment = suite.models["tuned"].options.mitigate.augmenting
    for given in (probe.lexicons["faith"], augment.lexicons["faith"], suite.models["flat"].options.remove):
        lexicon = given_lexicon("faith", given)
        assert lexicon.groups == ("jewish", "muslim", "christian")
        assert lexicon.counterpart("mosque", "christian") == "church"
        # A pair that one of the three groups lacks is no fault: the word goes to the groups that have it.
        assert lexicon.counterpart("imam", "christian") == "vicar"
        assert lexicon.counterpart("imam", "jewish") is None
    assert suite.models["flat"].options.removed == "jewish/muslim/christian"
    before = digest(augment.model_dump(mode="json"))
    changed = _suite(tmp_path, WORDS.replace("vicar", "priest")).models["tuned"].options.mitigate.augmenting
    assert digest(changed.model_dump(mode="json")) != before


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (None, "cannot read the file"),
        ("", "expected a column 'group'"),
        ("group,word\na,b\n", "two groups or more, found 1"),
        ("group,word\na,b\nc,B\n", "duplicate word"),
        ("group,word,pair\na,b,1\nc,d,2\n", "the pair '1' has words of only one group"),
        ("group,word\na,b\nc,\n", "the cell 'word' is empty"),
    ],
)
def test_faults_of_a_file_are_told(words: str | None, said: str, tmp_path: Path) -> None:
    with pytest.raises(HarnessError, match=said) as caught:
        _suite(tmp_path, words)
    assert "faiths.csv" in str(caught.value)
    assert "needs two groups" not in str(caught.value)

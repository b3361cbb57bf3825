"""Where rows may have been trained on, as far as a suite says, and the lines that it lacks."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.core.errors import SuiteError
from harness.schema.suite.data_refs import FileRef, ref_name
from harness.suite.load_suite import parse_suite
from harness.suite.override import override
from harness.suite.suite import Suite
from harness.suite.unknown_training import unknown_training, warnings_of

SUITE = """\
name: s
data: {{mine: {{{data}}}}}
models:
  base: {base}
  tuned: {tuned}
compare: {{baseline: base, candidates: [tuned]}}
tasks: {{mood: {{classification: {{data: mine, text: text, label: label, metrics: [accuracy]}}}}}}
probes: {{swaps: {{counterfactual: {{on: mood, swap: [gender]}}}}}}
"""
FILE, HUB = "file: d.csv", f"hub: owner/name, revision: {'a' * 40}"
LOADED, SERVED = "{load: x}", "{server: {url: 'http://localhost:1/v1', model: m}}"
TRAINED = "{classical: {task: mood}}"
SAID = "{load: x, trained_on: [train.csv]}"


def suite(data: str = FILE, base: str = LOADED, tuned: str = LOADED) -> Suite:
    return parse_suite(SUITE.format(data=data, base=base, tuned=tuned), Path("s.yaml"))


@pytest.mark.parametrize("data", [FILE, HUB])
@pytest.mark.parametrize(
    ("base", "tuned", "models"),
    [
        (LOADED, LOADED, ["base", "tuned"]),
        (TRAINED, LOADED, ["tuned"]),
        (TRAINED, SERVED, ["tuned"]),
        (LOADED, SAID, ["base"]),
        (SAID, SAID, []),
        (SAID, "{load: x, trained_on: []}", []),
        (TRAINED, TRAINED, []),
        (LOADED, "{finetune: {from: base, task: mood}}", ["base", "tuned"]),
        (SAID, "{finetune: {from: base, task: mood}}", []),
        (SAID, "{load: x, adapter: y}", ["tuned"]),
    ],
)
def test_models_of_which_nothing_is_said(data: str, base: str, tuned: str, models: list[str]) -> None:
    """Probes that stand on a task ask about its rows too."""
    found = unknown_training(suite(data, base, tuned))
    assert {name: unknown.models for name, unknown in found.items()} == (
        {"mood": models, "swaps": models} if models else {}
    )
    for unknown in found.values():
        assert "rows may have been trained on" in unknown.sentence


@pytest.mark.parametrize("data", [f"{FILE}, held_out: true", f"{HUB}, held_out: true", "catalog: vader-reviews"])
def test_held_out_rows_and_data_of_our_list_are_not_in_doubt(data: str) -> None:
    assert unknown_training(suite(data)) == {}


def test_the_lines_to_add_are_named_once_with_all_that_need_them() -> None:
    (text,) = warnings_of(suite())
    assert text == (
        "mood and swaps: rows may have been trained on: nothing says what base and tuned learned from. If no model "
        "learned from these rows, add `held_out: true` to data mine; else add `trained_on: [FILE]` to models base and "
        "tuned, and the rows that occur in FILE are left out."
    )


def test_data_written_in_place_may_be_held_out_and_keeps_its_name() -> None:
    text = SUITE.format(data=FILE, base=LOADED, tuned=LOADED)
    for said, doubted in (("{file: e.csv}", True), ("{file: e.csv, held_out: true}", False)):
        found = unknown_training(parse_suite(text.replace("data: mine,", f"data: {said},"), Path("s.yaml")))
        assert ("mood" in found) == doubted
    assert ref_name(FileRef(file="e.csv")) == ref_name(FileRef(file="e.csv", held_out=True))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("{load: x, trained_on: train.csv}", "list"),
        ("{load: x, trained_on: ['']}", "at least 1"),
        ("{classical: {task: mood, trained_on: [a.csv]}}", "trained_on"),
    ],
)
def test_other_spellings_are_errors_at_their_line(change: str, message: str) -> None:
    with pytest.raises(SuiteError, match=message) as caught:
        suite(tuned=change)
    assert "s.yaml:5" in str(caught.value)


def test_the_command_line_says_it_too() -> None:
    changed = override(suite(), trained_on={"tuned": ["a.csv"], "base": ["b.csv"]})
    assert unknown_training(changed) == {}
    assert changed.models["tuned"].trained_on == (str(Path("a.csv").absolute()),)
    assert changed.digest != suite().digest
    replaced = override(suite(TRAINED and FILE, SAID, SAID), models={"tuned": "owner/name@" + "a" * 40})
    assert unknown_training(replaced)["mood"].models == ["tuned"]


@pytest.mark.parametrize(
    ("name", "message"), [("tunde", "Did you mean 'tuned'"), ("base", "knows what it learns from")]
)
def test_the_command_line_names_a_model_that_learned_elsewhere(name: str, message: str) -> None:
    with pytest.raises(SuiteError, match=message):
        override(suite(base=TRAINED), trained_on={name: ["a.csv"]})

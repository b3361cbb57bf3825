"""Two stored runs are compared where they asked alike, by content."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import pytest
from harness_support import model_zoo

from harness.cli.comparison_lines import comparison_lines
from harness.commands.stored_runs.compare_runs import compare_runs, require_one_protocol
from harness.core.errors import DataError
from harness.core.records import Records
from harness.core.reporter import Silent
from harness.pipeline.run_context import Settings
from harness.pipeline.run_suite import run_suite
from harness.storage.records_file import write_records
from harness.storage.run_dir import RunDir
from harness.storage.store import Store
from harness.suite.load_suite import load_suite

SUITE = """\
name: NAME
data: {films: {file: films.csv, splits: {test: 1.0}}}
models: {MODELS}
compare: {baseline: BASE}
tasks:
  mood:
    classification: {data: films, TEXT cloze: {template: "{text} It was {mask}.", words: {good: [n], bad: [d]}}}
"""


class Runs:
    """Runs of small suites in one folder with one store."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        model_zoo.language_model("bert", folder / "one")
        model_zoo.language_model("bert", folder / "two", seed=1)
        rows = "\n".join(f"a {word} film about music {n},{word}" for n, word in enumerate(("good", "bad") * 4))
        (folder / "films.csv").write_text(f"text,label\n{rows}\n", "utf-8")

    def run(self, name: str, models: str = "base: {load: one}", **changes: str) -> RunDir:
        base = re.match(r"\w+", models)
        assert base is not None
        text = SUITE.replace("NAME", name).replace("MODELS", models).replace("BASE", base.group())
        for old, new in {"TEXT": "", **changes}.items():
            assert old in text
            text = text.replace(old, new)
        path = self.folder / f"{name}.yaml"
        path.write_text(text, "utf-8")
        settings = Settings(self.folder / "reports", device="cpu")
        return run_suite(load_suite(str(path)), Store(self.folder / "store"), Silent(), settings).run


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Runs:
    return Runs(tmp_path_factory.mktemp("runs"))


def test_another_prompt_between_runs_is_refused_with_both_texts_and_compared_on_demand(runs: Runs) -> None:
    first, second = runs.run("first"), runs.run("prompt", **{"It was": "All was"})
    with pytest.raises(DataError) as refused:
        compare_runs(first, second, [], Silent())
    (note,) = refused.value.notes
    assert note.startswith("mood, base: cloze: baseline ")
    assert '"{text} It was {mask}."' in note
    assert '"{text} All was {mask}."' in note
    assert "--allow-protocol-difference" in str(refused.value.hint)
    found = compare_runs(first, second, [], Silent(), allow_protocol_difference=True)
    assert found.comparisons
    assert all(any("All was" in text for text in entry.comparability) for entry in found.comparisons)
    assert any("differs in mood: cloze" in line and "All was" in line for line in comparison_lines(found.comparisons))


def test_other_words_between_runs_are_refused(runs: Runs) -> None:
    with pytest.raises(DataError, match="asked differently") as refused:
        compare_runs(runs.run("first"), runs.run("words", **{"[n]": "[n, s]"}), [], Silent())
    assert '"s"' in refused.value.notes[0]


def test_runs_that_asked_alike_under_other_names_are_compared(runs: Runs) -> None:
    first = runs.run("first")
    content = (runs.folder / "films.csv").read_text("utf-8")
    (runs.folder / "films.csv").write_text(content.replace("text,label", "body,label"), "utf-8")
    try:
        other = runs.run("renamed", TEXT="text: body, ")
    finally:
        (runs.folder / "films.csv").write_text(content, "utf-8")
    digests = [run.records("mood", "base").head.facts["asked"]["digest"] for run in (first, other)]
    assert digests[0] == digests[1] == first.read_results().evaluations[0].protocol_digests["base"]
    assert compare_runs(first, runs.run("again"), [], Silent()).comparisons[0].identical


def test_models_without_a_partner_are_named(runs: Runs) -> None:
    first = runs.run("first", "base: {load: one}, old: {load: two}")
    second = runs.run("more", "base: {load: one}, new: {load: two}, newer: {load: two}")
    found = compare_runs(first, second, [], Silent())
    assert found.unpaired == [
        f"{first.path.name}: models without a partner in the other run: old.",
        f"{second.path.name}: models without a partner in the other run: new, newer.",
    ]
    assert compare_runs(first, second, [("old", "new")], Silent()).unpaired == []
    strange = runs.run("strange", "other: {load: one}")
    older = runs.run("older", "old: {load: two}, base: {load: one}")
    with pytest.raises(DataError, match=r"no model has a partner.*: old, base vs\. other\."):
        compare_runs(older, strange, [], Silent())


def test_records_that_do_not_hold_how_they_were_asked_are_not_taken_for_alike(runs: Runs) -> None:
    first = runs.run("first")
    earlier = runs.run("earlier")
    records = earlier.records("mood", "base")
    facts = {name: value for name, value in records.head.facts.items() if name != "asked"}
    path = earlier.records_path("mood", "base")
    write_records(path, Records(dataclasses.replace(records.head, facts=facts), records.table))
    with pytest.raises(DataError) as refused:
        require_one_protocol(first, earlier, ["mood"], [("base", "base")])
    assert "the records of the candidate do not hold how it was asked" in refused.value.notes[0]

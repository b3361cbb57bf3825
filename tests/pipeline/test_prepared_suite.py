"""Word lists that options name as data are known by content."""

from __future__ import annotations

from pathlib import Path

from harness.core.reporter import Silent
from harness.pipeline.prepared_suite import prepare
from harness.storage.store import Store
from harness.suite.load_suite import parse_suite

SUITE = """\
name: lists
data:
  gaps: {file: gaps.csv, splits: {test: 1.0}}
  rude: {file: NAME, splits: {test: 1.0}}
models: {base: {load: base}}
compare: {baseline: base}
probes: {own: {hurtful_completions: {data: gaps, words: rude}}, built_in: {hurtful_completions: {data: gaps}}}
"""


def lists(folder: Path, name: str, words: str) -> dict[str, dict[str, str]]:
    (folder / "gaps.csv").write_text('text\n"The nurse is {mask}."\n', "utf-8")
    (folder / name).write_text(f"word\n{words}\n", "utf-8")
    suite = parse_suite(SUITE.replace("NAME", name), folder / "suite.yaml")
    prepared = prepare(suite, Store(folder / "store"), Silent())
    return {name: bound.lists for name, bound in prepared.evaluations.items()}


def test_lists_are_told_apart_by_content_and_not_by_name(tmp_path: Path) -> None:
    first = lists(tmp_path, "a.csv", "dull\nmean")
    assert first["built_in"] == {}
    assert first["own"].keys() == {"words"}
    assert lists(tmp_path, "b.csv", "dull\nmean") == first
    assert lists(tmp_path, "a.csv", "dull\nkind")["own"] != first["own"]

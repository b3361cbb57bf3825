from pathlib import Path
from typing import Any

from harness.core.dataset import Dataset, Row
from harness.core.reporter import Silent
from harness.pipeline.checkpoints.checkpoint_builder import CheckpointBuilder
from harness.pipeline.checkpoints.training_data import HeldOut
from harness.pipeline.prepared_suite import prepare
from harness.storage.store import Store
from harness.suite.load_suite import load_suite
from harness.suite.override import override


def _row(name: str, **fields: Any) -> Row:
    return Row(name, fields, name)


def _data(split: str, *rows: Row) -> tuple[Dataset, str]:
    return Dataset("held", "f" * 64, {split: rows}, ("text",)), split


def test_the_same_row_is_kept_out_of_training() -> None:
    held = HeldOut([_data("test", _row("a", text="The lamp was very good.", label="good"))])
    assert held.holds(_row("a", text="another text of another row"))
    assert held.holds(_row("b", text="the  LAMP was very good.", label="bad")), "whatever it is labeled with"
    assert not held.holds(_row("c", text="The lamp was very bad.", label="good"))
    assert held.holds(_row("b", text="The lamp was very good."))
    assert not held.holds(_row("c", text="a new text here"))


def test_all_texts_of_a_row_must_stand_in_one_held_row() -> None:
    held = HeldOut(
        [
            _data(
                "test",
                _row("a", question="who was it then?", context="It was me all along."),
                _row("b", question="where was it then?", context="It stood in the garden."),
            )
        ]
    )
    assert held.holds(_row("x", question="who was it then?", context="It was me all along."))
    assert not held.holds(_row("y", question="where was it then?", context="It was me all along."))
    assert not held.holds(_row("z", question="when was it then?", context="It was me all along."))


def test_labels_alone_and_training_splits_hold_nothing() -> None:
    assert not HeldOut([_data("test", _row("a", label="good"))]).holds(_row("b", label="good"))
    assert not HeldOut([_data("train", _row("a", text="a text of three"))]).holds(_row("a", text="a text of three"))


ONLY = """
name: parts
data:
  first: {file: first.csv, splits: {train: 1.0}}
  own: {file: own.csv, splits: {test: 1.0}}
  second: {file: second.csv, splits: {test: 1.0}}
models:
  trivial: {heuristic: {task: own, rule: majority}}
  words: {classical: {task: learned}}
compare: {baseline: trivial}
tasks:
  learned: {classification: {data: first, split: train, labels: [no, yes]}}
  own: {classification: {data: own, labels: [no, yes]}}
  asked: {classification: {data: second, labels: [no, yes]}}
"""


def test_only_trains_on_the_rows_of_the_whole_suite(tmp_path: Path) -> None:
    rows = [f"this is sentence number {number},{('yes', 'no')[number % 2]}" for number in range(12)]
    (tmp_path / "first.csv").write_text("\n".join(["text,label", *rows]) + "\n", "utf-8")
    (tmp_path / "own.csv").write_text("\n".join(["text,label", *("own " + row for row in rows)]) + "\n", "utf-8")
    (tmp_path / "second.csv").write_text("\n".join(["text,label", *rows[:4]]) + "\n", "utf-8")
    (tmp_path / "parts.yaml").write_text(ONLY, "utf-8")
    whole = load_suite(str(tmp_path / "parts.yaml"))
    store = Store(tmp_path / "cache")
    keys, counts = set(), set()
    for suite in (whole, override(whole, only=["learned"]), override(whole, only=["learned", "words"])):
        builder = CheckpointBuilder(prepare(suite, store, Silent()), store, Silent())
        keys.add(builder.key("words"))
        counts.add(len(builder.data_inputs("words").train))
    assert counts == {8}
    assert len(keys) == 1

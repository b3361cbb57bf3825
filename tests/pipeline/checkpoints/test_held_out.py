from typing import Any

from harness.core.dataset import Dataset, Row
from harness.pipeline.checkpoints.training_data import HeldOut


def _row(name: str, **fields: Any) -> Row:
    return Row(name, fields, name)


def _data(split: str, *rows: Row) -> tuple[Dataset, str]:
    return Dataset("held", "f" * 64, {split: rows}, ("text",)), split


def test_the_same_row_is_kept_out_of_training() -> None:
    held = HeldOut([_data("test", _row("a", text="The lamp was very good.", label="good"))])
    assert held.holds(_row("a", text="another text of another row"))
    assert held.holds(_row("b", text="the  LAMP was very good.", label="bad")), "whatever it is labeled with"
    assert not held.holds(_row("c", text="The lamp was very bad.", label="good"))
    assert held.without([_row("b", text="The lamp was very good."), _row("c", text="a new text here")])[0].id == "c"


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

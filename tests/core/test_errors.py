from __future__ import annotations

import pytest

from harness.core.errors import SHOWN, DataError, Key, Problems, SuiteError, Where


def places(*keys: Key, key: bool = False) -> Where:
    return Where("f.yaml", int(keys[0]) if keys else 1, 1 if key else 5)


def test_the_first_in_the_file_is_the_message_and_the_rest_are_notes() -> None:
    problems = Problems(places)
    problems.add("second.", 7, hint="do that.")
    problems.add("first.", 3, key=True, hint="do this.")
    with pytest.raises(SuiteError) as raised:
        problems.raise_any()
    assert str(raised.value).splitlines() == ["f.yaml:3:1: first.", "f.yaml:7:5: second. (do that.)", "next: do this."]


def test_no_problem_no_error() -> None:
    Problems(places).raise_any()


def test_one_list_seen_from_below() -> None:
    problems = Problems(places)
    problems.below(4).add("deep.")
    problems.add_error(DataError("elsewhere.", where=Where("other", 2)))
    problems.add_error(DataError("no place."), 9)
    assert len(problems) == 3
    with pytest.raises(DataError) as raised:
        problems.raise_any(DataError)
    assert [str(raised.value.where), *raised.value.notes] == ["other:2", "f.yaml:4:5: deep.", "f.yaml:9:5: no place."]


def test_a_fault_is_said_once_and_a_flood_is_cut() -> None:
    problems = Problems(places)
    for line in range(1, SHOWN + 6):
        problems.add("wrong.", line)
        problems.add("wrong.", line)
    with pytest.raises(SuiteError) as raised:
        problems.raise_any()
    assert len(raised.value.notes) == SHOWN + 1
    assert raised.value.notes[-1] == "… and 4 more."

from __future__ import annotations

from datetime import date
from typing import Any, Literal

import pytest
from pydantic import Field

from harness.core.errors import Key, Problems, SuiteError, Where
from harness.schema.suite.data_refs import CatalogRef, DataRef, FileRef
from harness.schema.suite.types import Strict
from harness.schema.validation import validate


class Inner(Strict):
    rank: int = Field(8, ge=1)


class Wrapped(Strict):
    inner: Inner


class Outer(Strict):
    from_: str = Field(alias="from")
    choice: Literal["full", "linear"] | Wrapped = "full"
    pair: tuple[str, str] | None = None
    day: date | None = None
    flag: bool = False
    ratio: float = 1.0
    names: dict[str, list[int]] = Field(default_factory=dict)
    data: str | DataRef = "x"
    many: list[str | DataRef] = Field(default_factory=list)


def places(*keys: Key, key: bool = False) -> Where:
    return Where("/".join(map(str, keys)) + ("!" if key else ""))


def faults(value: Any, annotation: Any = Outer) -> list[str]:
    problems = Problems(places)
    assert validate(annotation, value, problems) is None
    with pytest.raises(SuiteError) as raised:
        problems.raise_any()
    return [f"{raised.value.where}: {raised.value.message}", *raised.value.notes]


def test_sound_values_are_returned() -> None:
    value = {"from": "a", "pair": ["a", "b"], "day": "2027-01-31", "ratio": 1, "data": {"catalog": "x"}}
    found = validate(Outer, value, Problems(places))
    assert found is not None
    assert (found.pair, found.day, found.data) == (("a", "b"), date(2027, 1, 31), CatalogRef(catalog="x"))
    assert validate(DataRef, {"file": "x.csv"}, Problems(places)) == FileRef(file="x.csv")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({}, ": the key 'from' is missing."),
        ({"form": "a"}, "form!: unknown key 'form'. Did you mean 'from'?"),
        ({"from": 3}, "from: expected text, found the number 3."),
        ({"from": None}, "from: expected text, found nothing."),
        ({"from": "a", "flag": "no"}, "flag: expected true or false, found the text 'no'."),
        ({"from": "a", "flag": 1}, "flag: expected true or false, found the number 1."),
        ({"from": "a", "ratio": "1"}, "ratio: expected a number, found the text '1'."),
        ({"from": "a", "ratio": True}, "ratio: expected a number, found true."),
        ({"from": "a", "day": "soon"}, "day: expected a date such as 2027-01-31, found the text 'soon'."),
        ({"from": "a", "pair": "ab"}, "pair: expected a list, found the text 'ab'."),
        ({"from": "a", "pair": ["a"]}, "pair: expected 2 or more entries, found 1."),
        ({"from": "a", "names": {"x": [1, "2"]}}, "names/x/1: expected a whole number, found the text '2'."),
        ({"from": "a", "choice": "ful"}, "choice: expected 'full' or 'linear' or a mapping with one of the keys inner"),
        ({"from": "a", "choice": "ful"}, "Did you mean 'full'?"),
        ({"from": "a", "choice": {"inner": {"rnk": 1}}}, "choice/inner/rnk!: unknown key 'rnk'. Did you mean 'rank'?"),
        ({"from": "a", "choice": {"inner": {"rank": 0}}}, "choice/inner/rank: expected greater than or equal to 1"),
        ({"from": "a", "choice": {"iner": {}}}, "choice/iner!: unknown key 'iner'. Did you mean 'inner'?"),
        ({"from": "a", "data": {"catlog": "x"}}, "data/catlog!: unknown key 'catlog'. Did you mean 'catalog'?"),
        ({"from": "a", "data": {"file": "x", "limt": 3}}, "data/limt!: unknown key 'limt'. Did you mean 'limit'?"),
        ({"from": "a", "data": 3}, "data: expected text or a mapping with one of the keys catalog, file, hub, source"),
        ({"from": "a", "data": {"catalog": 3}}, "data/catalog: expected text, found the number 3."),
        ({"from": "a", "many": ["x", {"catalog": 3}]}, "many/1/catalog: expected text, found the number 3."),
        ({"from": "a", "data": {}}, "data: expected one of the keys catalog, file, hub, source, found none of them."),
        ("text", ": expected a mapping (`key: value`), found the text 'text'."),
    ],
)
def test_faults_in_the_words_of_the_file(value: Any, expected: str) -> None:
    found = faults(value)
    assert expected in found[0]
    assert len(found) == 1


def test_several_faults() -> None:
    assert len(faults({"from": 1, "flag": "no", "extra": 2})) == 3


def test_a_union_at_the_top() -> None:
    assert faults({"hub": "x"}, DataRef) == [": the key 'revision' is missing."]

"""Other models of the suite read what one model wrote; their statistics join its records."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import SimpleNamespace
from typing import Any, Literal

import pytest

from harness.core.errors import IncompleteError, SuiteError
from harness.core.evaluation import Item
from harness.core.model import ModelFacts
from harness.core.records import Record, Records, RecordsHead
from harness.core.requests import Failure, Request, Response, RollingLikelihood, Scores
from harness.pipeline.records.grading import read_texts, readings_of

ITEMS = {name: Item(id=name, payload={}, texts={}) for name in ("a", "b")}


class Reader:
    """A model that gives a text's length, or no answer."""

    facts = ModelFacts("d" * 64, "toy", None, None)

    def __init__(self, down: bool = False) -> None:
        self.down = down

    def answer(self, requests: Iterable[Request]) -> Iterator[tuple[Request, Response]]:
        for request in requests:
            assert isinstance(request, RollingLikelihood)
            down = Failure("unavailable", "no connection")
            yield request, down if self.down else Scores((float(len(request.text)),))


class Length:
    """Reads the prediction's length."""

    model = "reader"
    source: Literal["prediction", "response"] = "prediction"

    def __init__(self, why_not: str | None = None) -> None:
        self.why_not = why_not

    def spec(self) -> Mapping[str, Any]:
        return {}

    def unsupported(self, facts: ModelFacts) -> str | None:
        return self.why_not

    def requests(self, item: Item, text: str, facts: ModelFacts) -> Sequence[Request]:
        return (RollingLikelihood(text),)

    def read(self, item: Item, text: str, responses: Sequence[Response]) -> tuple[dict[str, float], dict[str, Any]]:
        (response,) = responses
        assert isinstance(response, Scores)
        return {"length": response.values[0]}, {"length": response.values[0]}


def written() -> Records:
    rows = [Record("a", "a", prediction="four", response={"text": "four"}), Record("b", "b", status="failed")]
    return Records.of(RecordsHead("stories", "m", "generated"), rows)


def read(model: Any, reading: Any = None) -> Records:
    return read_texts(written(), ITEMS, reading or Length(), model, "stories")


def test_a_reading_adds_its_statistics_and_shows_them_with_the_item() -> None:
    records = read(Reader())
    assert records.stat("length")[0] == 4.0
    assert json.loads(records.texts("response")[0]) == {"text": "four", "length": 4.0}


def test_an_item_without_a_text_is_not_read() -> None:
    records = read(Reader())
    assert records.stat("length")[1] != records.stat("length")[1]
    assert json.loads(records.texts("response")[1]) == {}


def test_a_model_that_cannot_read_is_an_error() -> None:
    with pytest.raises(SuiteError, match="'reader' cannot grade texts: it has no words"):
        read(Reader(), Length("it has no words"))


def test_an_answer_that_may_come_later_ends_the_run() -> None:
    with pytest.raises(IncompleteError, match="no connection"):
        read(Reader(down=True))


def test_most_evaluations_want_no_reading() -> None:
    assert readings_of(SimpleNamespace(readings=())) == ()

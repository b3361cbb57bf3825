from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import pytest

from harness.core.errors import IncompleteError
from harness.core.evaluation import Evaluation, Item
from harness.core.model import ModelFacts
from harness.core.records import Record, Records, RecordsHead
from harness.core.reporter import Silent
from harness.core.requests import Failure, Generate, Request, Response, RollingLikelihood, Scores
from harness.pipeline.records import held_items, inference
from harness.pipeline.records.inference import ask, unable


class Lengths:
    """A model whose score is the text's length; it answers backward and counts what it is asked."""

    facts = ModelFacts("d" * 64, "toy", None, None)

    def __init__(self) -> None:
        self.asked: list[Request] = []

    def answer(self, requests: Iterable[Request]) -> Iterator[tuple[Request, Response]]:
        for request in reversed(list(requests)):
            self.asked.append(request)
            assert isinstance(request, RollingLikelihood)
            if request.text == "silent":
                continue
            yield request, Scores((math.inf if request.text == "endless" else float(len(request.text)),))


class Measure:
    """An evaluation that asks for each text twice, and for one that all items share."""

    name = "lengths"
    frame = Evaluation.frame

    def protocol_content(self, protocol: str) -> Mapping[str, Any]:
        return {"prompt": "the text"}

    def requests(self, item: Item, protocol: str) -> Sequence[Request]:
        text = str(item.payload["text"])
        return (RollingLikelihood(text), RollingLikelihood("shared"), RollingLikelihood(text))

    def record(self, item: Item, protocol: str, responses: Sequence[Response]) -> Record:
        first = responses[0]
        if isinstance(first, Failure):
            return Record(item.id, item.id, status="failed", response=first.to_json())
        assert isinstance(first, Scores)
        assert responses[2] == first
        return Record(item.id, item.id, stats={"length": first.values[0]})


class Talk(Measure):
    """The same, through the chat template."""

    def requests(self, item: Item, protocol: str) -> Sequence[Request]:
        return (Generate(messages=(("user", "hello"),)),)

    def record(self, item: Item, protocol: str, responses: Sequence[Response]) -> Record:
        return Record(item.id, item.id, status="failed")


class Mute:
    facts = ModelFacts("d" * 64, "toy", None, None, bos="<s> before every text", chat_template="e" * 64)

    def answer(self, requests: Iterable[Request]) -> Iterator[tuple[Request, Response]]:
        return iter(())


def items(*texts: str) -> list[Item]:
    return [Item(f"{number:03d}", {"text": text}, {"text": text}) for number, text in enumerate(texts)]


def run(model: Any, found: list[Item]) -> Any:
    return ask(Measure(), found, model, "plain", reporter=Silent(), title="t")  # type: ignore[arg-type]  # only what ask uses


def test_equal_requests_are_asked_once_and_answers_find_their_items() -> None:
    model = Lengths()
    records = run(model, items("a", "bbb", "a"))
    assert len(model.asked) == 3
    assert records.stat("length").tolist() == [1.0, 3.0, 1.0]
    assert records.head.protocol == "plain"


def test_shards_give_the_same_records(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = [("x" * (number % 7)) or "y" for number in range(50)]
    whole = run(Lengths(), items(*texts))
    monkeypatch.setattr(held_items, "SHARD", 3)
    assert run(Lengths(), items(*texts)).table.equals(whole.table)


def test_what_a_limit_asks_is_the_beginning_of_what_the_whole_asks() -> None:
    class Windows(Lengths):
        def answer(self, requests: Iterable[Request]) -> Iterator[tuple[Request, Response]]:
            self.windows = [*getattr(self, "windows", []), list(requests)]
            return super().answer(self.windows[-1])

    whole, limited = Windows(), Windows()
    found = items(*(f"{number * 37 % 211} words" for number in range(211)))
    run(whole, found[::-1])
    run(limited, found[:50])
    assert limited.windows == whole.windows[:3]
    assert [len(window) for window in whole.windows] == [11, 10, 30, 50, 100, 11]


def test_no_answer_and_no_finite_answer_are_failures_never_numbers() -> None:
    records = run(Lengths(), items("silent", "endless", "fine"))
    assert records.texts("status") == ["failed", "failed", "ok"]
    assert "no answer" in records.texts("response")[0]
    assert math.isnan(records.stat("length")[1])


def test_requests_without_an_answer_leave_no_finished_records() -> None:
    class Passing(Lengths):
        def answer(self, requests: Iterable[Request]) -> Iterator[tuple[Request, Response]]:
            for request, response in super().answer(requests):
                lost = isinstance(request, RollingLikelihood) and request.text.startswith("lost")
                yield request, Failure("unavailable", "status 500 (5 attempts)") if lost else response

    model = Passing()
    with pytest.raises(IncompleteError, match=r"2 requests returned no answer.*status 500"):
        run(model, items("a", "lost", "b", "lost too"))
    assert len(model.asked) == 5
    assert len(run(model, items("a", "b"))) == 2


def test_records_know_how_texts_begin_and_whether_they_went_through_a_template() -> None:
    for evaluation, by_messages in ((Measure(), False), (Talk(), True)):
        found = ask(evaluation, items("a"), Mute(), "plain", reporter=Silent(), title="t")  # type: ignore[arg-type]
        facts = found.head.facts
        assert (facts["bos"], facts["chat_template"]) == ("<s> before every text", "e" * 64)
        assert facts["messages"] is by_messages


def test_records_hold_how_they_were_asked_by_content() -> None:
    def asked(evaluation: Any, facts: ModelFacts) -> dict[str, Any]:
        model = Mute()
        model.facts = facts
        found = ask(evaluation, items("a"), model, "plain", reporter=Silent(), title="t")
        return dict(found.head.facts["asked"])

    formed = dataclasses.replace(Mute.facts, chat_form="[user] one", answer_key={"scoring": 3})
    plain, talk = asked(Measure(), formed), asked(Talk(), formed)
    assert plain["content"] == {"protocol": "plain", "prompt": "the text", "scoring": 3}
    assert talk["content"] == {**plain["content"], "template": "[user] one"}
    other = asked(Talk(), dataclasses.replace(formed, chat_form="<user> one"))
    assert len({plain["digest"], talk["digest"], other["digest"]}) == 3
    assert asked(Measure(), dataclasses.replace(formed, chat_form="<user> one")) == plain


@pytest.mark.parametrize(
    ("failures", "why"),
    [
        ([Failure("unsupported", "no pairs"), Failure("unsupported", "no pairs")], "no pairs"),
        ([Failure("unsupported", "no pairs"), Failure("error", "no pairs")], None),
        ([Failure("no_token", "no word of x is one token")] * 2, "no word of x is one token"),
        ([Failure("nan", "not a number")] * 2, None),
        ([Failure("unsupported", "no pairs"), Failure("unsupported", "no labels")], None),
        ([], None),
    ],
)
def test_a_model_is_unable_when_every_item_says_the_same(failures: list[Failure], why: str | None) -> None:
    rows = [Record(str(k), str(k), status="failed", response=one.to_json()) for k, one in enumerate(failures)]
    assert unable(Records.of(RecordsHead("pairs", "digest", "head"), rows)) == why


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_a_number_that_is_not_finite_fails_its_record_and_nothing_else(number: float) -> None:
    record = Record(
        "a", "d", overlap=True, target="good", prediction="bad", margin=-0.5, truncated=2, stats={"nll": number}
    )
    failed = inference._checked(record)
    assert (failed.status, failed.stats, failed.prediction) == ("failed", {}, None)
    assert failed.response["failure"] == "nan"
    assert (failed.overlap, failed.target, failed.margin, failed.truncated) == (True, "good", -0.5, 2)
    sound = dataclasses.replace(record, stats={"nll": 1.5})
    assert inference._checked(sound) is sound

from __future__ import annotations

import pytest

from harness.core.model import ModelFacts
from harness.core.reporter import Silent
from harness.core.requests import Failure, Likelihood, PseudoLikelihood, RollingLikelihood
from harness.models.cached_model import WINDOW, CachedModel
from harness.storage.response_cache import RenewedFile, response_key

KEYS = [response_key(str(index), "model") for index in range(1200)]


class Counting:
    """A backend that answers with a text's length and keeps what it was asked."""

    def __init__(self, digest: str = "d", key: int = 1, stop: int | None = None) -> None:
        self.facts = ModelFacts(digest, "test", "masked", None, answer_key={"scoring": key})
        self.asked: list[str] = []
        self.stop = stop

    def compute(self, requests):
        for request in requests:
            if not isinstance(request, PseudoLikelihood):
                continue
            if self.stop is not None and len(self.asked) == self.stop:
                raise KeyboardInterrupt
            self.asked.append(request.text)
            bad = request.text == "bad"
            yield request, Failure("nan", "it is") if bad else Likelihood(-len(request.text) / 3, 1)


class Apart(Counting):
    """Answers each request on its own."""

    most_pending = 1


class Together(Counting):
    """A network: the last digits of an answer depend on what else is in the batch."""

    def compute(self, requests):
        for request, response in super().compute(requests):
            yield request, Likelihood(response.total + len(requests) * 1e-9, 1)


def ask(backend, path, texts):
    model = CachedModel(backend, path, Silent())
    answers = dict(model.answer(map(PseudoLikelihood, texts)))
    model.close()
    return answers


def test_answers_are_equal_after_reopening(tmp_path):
    path = tmp_path / "cache" / "responses.sqlite"
    first = ask(Counting(), path, ["a", "bb", "a"])
    again = Counting()
    assert ask(again, path, ["a", "bb", "bb"]) == first
    assert again.asked == []


def test_answers_that_were_given_apart_are_equal_in_another_order(tmp_path):
    path = tmp_path / "responses.sqlite"
    first = ask(Apart(), path, ["a", "bb", "a"])
    again = Apart()
    assert ask(again, path, ["bb", "a"]) == first
    assert again.asked == []


def test_another_model_or_policy_is_asked_again(tmp_path):
    path = tmp_path / "responses.sqlite"
    ask(Counting(), path, ["a"])
    for backend in (Counting(digest="e"), Counting(key=2)):
        ask(backend, path, ["a"])
        assert backend.asked == ["a"]


def test_a_renewed_file_asks_again_and_replaces_what_it_held(tmp_path):
    path = tmp_path / "responses.sqlite"
    before = ask(Counting(), path, ["a"])
    assert before == ask(Counting(), path, ["a"])

    class Other(Counting):
        def compute(self, requests):
            return ((request, Likelihood(-9.0, 1)) for request, _ in super().compute(requests))

    renewed = Other()
    model = CachedModel(renewed, RenewedFile(path), Silent())
    for _ in range(2):
        (answer,) = dict(model.answer([PseudoLikelihood("a")])).values()
        assert answer == Likelihood(-9.0, 1)
    model.close()
    assert renewed.asked == ["a"]
    later = Counting()
    assert list(ask(later, path, ["a"]).values()) == [Likelihood(-9.0, 1)]
    assert later.asked == []


def test_failures_are_not_kept(tmp_path):
    path = tmp_path / "responses.sqlite"
    assert ask(Counting(), path, ["bad"])[PseudoLikelihood("bad")].reason == "nan"
    again = Counting()
    ask(again, path, ["bad"])
    assert again.asked == ["bad"]


def test_a_stopped_run_goes_on(tmp_path):
    path = tmp_path / "responses.sqlite"
    texts = [str(index) for index in range(20)]
    with pytest.raises(KeyboardInterrupt):
        ask(Apart(stop=8), path, texts)
    again = Apart()
    assert len(ask(again, path, texts)) == 20
    assert again.asked == texts[8:]


def test_a_stopped_run_goes_on_behind_the_last_whole_window(tmp_path):
    path = tmp_path / "responses.sqlite"
    texts = [str(index) for index in range(WINDOW + 20)]
    with pytest.raises(KeyboardInterrupt):
        ask(Together(stop=WINDOW + 8), path, texts)
    again = Together()
    assert ask(again, path, texts) == ask(Together(), None, texts)
    assert again.asked == texts[WINDOW:]


def test_an_answer_does_not_depend_on_what_the_cache_saw_before(tmp_path):
    path = tmp_path / "responses.sqlite"
    texts = [str(index) for index in range(30)]
    alone = ask(Together(), None, texts)
    for others in (texts[:7], texts[::-1], [*texts, "more"], texts[5:]):
        ask(Together(), path, others)
        assert ask(Together(), path, texts) == alone


def test_a_window_ends_where_its_texts_are_long():
    model = CachedModel(Counting(), None, Silent())
    requests = [PseudoLikelihood(f"{index} " + "x" * 60_000) for index in range(7)]
    assert [len(window) for window in model._chunks(iter(requests))] == [3, 3, 1]


def test_requests_of_another_kind_are_unsupported():
    ((_, answer),) = CachedModel(Counting(), None, Silent()).answer([RollingLikelihood("a")])
    assert answer.reason == "unsupported"
    assert "rolling_likelihood" in answer.message


def test_requests_are_read_in_chunks_and_equal_ones_asked_once():
    backend = Counting()
    texts = [str(index % 3000) for index in range(7000)]
    answers = list(CachedModel(backend, None, Silent()).answer(map(PseudoLikelihood, texts)))
    assert len(answers) == len(backend.asked) == 3000

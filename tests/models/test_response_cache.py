from __future__ import annotations

import multiprocessing
import sqlite3
from pathlib import Path

import pytest

from harness.core.model import ModelFacts
from harness.core.reporter import Silent
from harness.core.requests import Classify, Failure, Likelihood, PseudoLikelihood, RollingLikelihood, Scores
from harness.models.cached_model import CachedModel
from harness.storage.response_cache import RenewedFile, ResponseCache, model_identity, response_key

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


def ask(backend, path, texts):
    model = CachedModel(backend, path, Silent())
    answers = dict(model.answer(map(PseudoLikelihood, texts)))
    model.close()
    return answers


def test_answers_are_equal_after_reopening(tmp_path):
    path = tmp_path / "cache" / "responses.sqlite"
    first = ask(Counting(), path, ["a", "bb", "a"])
    again = Counting()
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
        ask(Counting(stop=8), path, texts)
    again = Counting()
    assert len(ask(again, path, texts)) == 20
    assert again.asked == texts[8:]


def test_requests_of_another_kind_are_unsupported():
    ((_, answer),) = CachedModel(Counting(), None, Silent()).answer([RollingLikelihood("a")])
    assert answer.reason == "unsupported"
    assert "rolling_likelihood" in answer.message


def test_requests_are_read_in_chunks_and_equal_ones_asked_once():
    backend = Counting()
    texts = [str(index % 3000) for index in range(7000)]
    answers = list(CachedModel(backend, None, Silent()).answer(map(PseudoLikelihood, texts)))
    assert len(answers) == len(backend.asked) == 3000


def test_many_keys_at_once(tmp_path):
    cache = ResponseCache(tmp_path / "r.sqlite", Silent())
    cache.put_many((key, Scores((float(index),))) for index, key in enumerate(KEYS))
    found = cache.get_many(KEYS)
    assert [found[key].values[0] for key in KEYS] == list(range(len(KEYS)))


@pytest.mark.parametrize("content", [b"not a database at all" * 100, b"SQLite format 3\x00" + b"\xff" * 5000])
def test_a_damaged_file_is_moved_aside(tmp_path, content):
    path = tmp_path / "responses.sqlite"
    path.write_bytes(content)
    reporter = Silent()
    cache = ResponseCache(path, reporter)
    assert cache.get_many(KEYS[:1]) == {}
    cache.put_many([(KEYS[0], Likelihood(-1.0, 2))])
    assert cache.get_many(KEYS[:1]) == {KEYS[0]: Likelihood(-1.0, 2)}
    assert "damaged" in reporter.warnings[0]
    assert next(tmp_path.glob("*damaged*")).read_bytes() == content


def test_damage_while_open_is_repaired(tmp_path):
    path = tmp_path / "responses.sqlite"
    reporter = Silent()
    cache = ResponseCache(path, reporter)
    cache.put_many((key, Likelihood(-1.0, 2)) for key in KEYS)
    cache.close()
    content = bytearray(path.read_bytes())
    content[4096:] = b"\x55" * (len(content) - 4096)
    path.write_bytes(bytes(content))
    cache = ResponseCache(path, reporter)
    cache.get_many(KEYS)
    cache.put_many((key, Likelihood(-1.0, 2)) for key in KEYS)
    assert len(cache.get_many(KEYS)) == len(KEYS)
    assert reporter.warnings


def test_a_damaged_row_counts_as_missing(tmp_path):
    path = tmp_path / "responses.sqlite"
    cache = ResponseCache(path, Silent())
    cache.put_many([(KEYS[0], Likelihood(-1.0, 2)), (KEYS[1], Likelihood(-1.0, 2))])
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE responses SET value = '{\"total' WHERE key = ?", (KEYS[0],))
    assert set(cache.get_many(KEYS[:2])) == {KEYS[1]}


def fill(path: Path, start: int) -> None:
    cache = ResponseCache(path, Silent())
    for index in range(start, 600, 2):
        cache.put_many([(KEYS[index], Likelihood(-float(index), 1))])
    cache.close()


def test_two_processes_write_at_the_same_time(tmp_path):
    path = tmp_path / "responses.sqlite"
    context = multiprocessing.get_context("fork")
    workers = [context.Process(target=fill, args=(path, start)) for start in (0, 1)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert [worker.exitcode for worker in workers] == [0, 0]
    found = ResponseCache(path, Silent()).get_many(KEYS)
    assert len(found) == 600


def test_identity_is_of_content():
    assert model_identity("a", {"x": 1, "y": 2}) == model_identity("a", {"y": 2, "x": 1})
    assert Classify("a", ("b", "c")).key() != Classify("a", ("c", "b")).key()

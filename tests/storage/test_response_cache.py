from __future__ import annotations

import json
import multiprocessing
import sqlite3
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.core.reporter import Silent
from harness.core.requests import Classify, Likelihood, Scores
from harness.storage.response_cache import ResponseCache, model_identity, response_key

KEYS = [response_key(str(index), "model") for index in range(1200)]


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
        connection.execute("UPDATE checked_responses SET value = '{\"total' WHERE key = ?", (KEYS[0],))
    assert set(cache.get_many(KEYS[:2])) == {KEYS[1]}


@given(place=st.integers(0), bit=st.integers(0, 7))
@settings(max_examples=60, deadline=None)
def test_no_changed_bit_of_a_row_is_read(place, bit):
    with TemporaryDirectory() as folder:
        path = Path(folder) / "responses.sqlite"
        responses = {key: Likelihood(-1.25 - index, 2) for index, key in enumerate(KEYS[:5])}
        cache = ResponseCache(path, Silent())
        cache.put_many(responses.items())
        with sqlite3.connect(path) as connection:
            rows = connection.execute("SELECT key, value, check_sum FROM checked_responses").fetchall()
            key, value, check_sum = rows[place % len(rows)]
            parts = [bytearray(key), bytearray(value.encode()), bytearray(check_sum)]
            part = parts[place % 3]
            part[place % len(part)] ^= 1 << bit
            connection.execute("DELETE FROM checked_responses WHERE key = ?", (key,))
            changed = (bytes(parts[0]), parts[1].decode("latin-1"), bytes(parts[2]))
            connection.execute("INSERT OR REPLACE INTO checked_responses VALUES (?, ?, ?)", changed)
        answers = cache.get_many([*responses, bytes(parts[0])])
        assert set(answers) < set(responses)
        assert all(answers[name] == responses[name] for name in answers)
        cache.close()


def test_what_an_earlier_version_kept_is_not_read(tmp_path):
    path = tmp_path / "responses.sqlite"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE responses (key BLOB PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID")
        value = json.dumps(Likelihood(-9.0, 2).to_json())
        connection.execute("INSERT INTO responses VALUES (?, ?)", (KEYS[0], value))
    cache = ResponseCache(path, Silent())
    assert cache.get_many(KEYS[:1]) == {}
    cache.put_many([(KEYS[0], Likelihood(-1.0, 2))])
    assert cache.get_many(KEYS[:1]) == {KEYS[0]: Likelihood(-1.0, 2)}


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

"""A lock whose baseline is a model behind a server: pinned by what it is, not by whether it could be reached before."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from harness_support import toy_server
from harness_support.tiny_world import Shell
from harness_support.toy_server import ToyServer

SUITE = """\
name: served
data: {{rows: {{file: rows.csv, id: id, splits: {{train: 0.5, test: 0.5}}}}}}
models:
  base: {{server: {{url: "{url}", model: toy, max_attempts: 1}}}}
  words: {{classical: {{task: rows}}}}
compare: {{baseline: base}}
tasks:
  rows: {{classification: {{data: rows, cloze: {{template: "{{text}} {{mask}}", words: {{yes: [a], no: [b]}}}}}}}}
"""


@pytest.fixture
def toy() -> Iterator[ToyServer]:
    with toy_server.running() as server:
        yield server


def test_a_lock_pins_a_server_and_says_when_it_cannot_be_reached(tmp_path: Path, toy: ToyServer) -> None:
    rows = [f"r{number},text of number {number},{('yes', 'no')[number % 2]}" for number in range(20)]
    (tmp_path / "rows.csv").write_text("\n".join(["id,text,label", *rows]) + "\n", "utf-8")
    suite = tmp_path / "served.yaml"
    suite.write_text(SUITE.format(url=toy.url), "utf-8")
    shell = Shell(tmp_path, tmp_path / "cache")
    done = shell("lock", "served.yaml")
    assert done.returncode == 0, done.stderr
    assert len(json.loads((tmp_path / "served.lock").read_text("utf-8"))["baseline"]["base"]) == 64
    suite.write_text(SUITE.format(url="http://127.0.0.1:1/v1"), "utf-8")
    done = shell("lock", "served.yaml")
    assert done.returncode == 12
    assert "the server cannot be reached" in done.stderr
    assert "Traceback" not in done.stderr

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, cast

from harness.commands.plan import _training_seconds
from harness.suite.load_suite import parse_suite

SUITE = """\
name: little
data:
  notes: {file: notes.csv}
models:
  base: {load: "catalog:minilm-l6"}
  full: {finetune: {from: base, task: notes, epochs: 1}}
compare: {baseline: base}
tasks:
  notes: {classification: {data: notes, labels: [bad, good]}}
"""


class _AtHand:
    """A workshop that has the base's checkpoint."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def cached(self, model: str) -> bool:
        return True

    def checkpoint(self, model: str) -> _AtHand:
        return self


def test_a_stage_from_the_catalog_is_planned_with_its_own_size(tmp_path: Path) -> None:
    (tmp_path / "suite.yaml").write_text(SUITE, "utf-8")
    suite = parse_suite(SUITE, tmp_path / "suite.yaml")
    seconds = []
    for layers in (2, 8):
        shape = {"model_type": "bert", "hidden_size": 128, "num_hidden_layers": layers, "intermediate_size": 512}
        shape |= {"num_attention_heads": 2, "vocab_size": 1000}
        (tmp_path / "config.json").write_text(json.dumps(shape), "utf-8")
        seconds.append(_training_seconds(suite, "full", 1000, 1e9, cast(Any, _AtHand(tmp_path))))
    assert seconds[1] > 2 * seconds[0]

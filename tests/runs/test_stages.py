from __future__ import annotations

from pathlib import Path

import pytest

from harness.core.errors import IncompleteError
from harness.core.reporter import Silent
from harness.core.store import Store
from harness.runs import stages, train_models
from harness.suite import parse_suite

SUITE = """\
name: little
data:
  notes: {file: notes.csv, splits: {train: 0.5, validation: 0.2, test: 0.3}}
models:
  base: {pretrain: {data: [notes], architecture: bert-tiny, budget: {steps: 1}}}
  small: {finetune: {from: base, task: notes, method: {qlora: {rank: 4}}, epochs: 1}}
compare: {baseline: base}
tasks:
  notes: {classification: {data: notes}}
"""


def test_a_missing_extra_is_named_before_anything_is_trained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = "".join(f"note number {n} is {'fine,good' if n % 2 else 'poor,bad'}\n" for n in range(60))
    (tmp_path / "notes.csv").write_text("text,label\n" + rows, "utf-8")
    monkeypatch.setattr(stages, "find_spec", lambda name: None)
    store = Store(tmp_path / "cache")
    with pytest.raises(IncompleteError, match="'small': the method qlora needs bitsandbytes") as caught:
        train_models(parse_suite(SUITE, tmp_path / "little.yaml"), store, Silent())
    assert caught.value.where is not None
    assert caught.value.where.line == 6
    assert not list((tmp_path / "cache").rglob("model.safetensors"))

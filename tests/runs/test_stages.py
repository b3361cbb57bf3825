from __future__ import annotations

from pathlib import Path

import pytest

from harness.core.errors import HarnessError, IncompleteError
from harness.core.reporter import Silent
from harness.core.specs import FinetuneModel, FinetuneSpec
from harness.core.store import Store
from harness.runs import stages, train_models
from harness.runs.prepare import prepare
from harness.suite import Suite, parse_suite

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


def _little(tmp_path: Path, old: str, new: str) -> Suite:
    rows = "".join(f"note number {n} is {'fine,good' if n % 2 else 'poor,bad'}\n" for n in range(60))
    (tmp_path / "notes.csv").write_text("text,label\n" + rows, "utf-8")
    return parse_suite(SUITE.replace(old, new), tmp_path / "little.yaml")


@pytest.mark.parametrize(
    ("old", "new", "line", "message"),
    [
        ("bert-tiny", "{model_type: bert, n_embd: 8}", 5, "model 'base': architecture: unknown key 'n_embd'"),
        ("steps: 1}", "steps: 4}, learning_rate: 1.0e+9", 5, "model 'base': pretraining: the loss became"),
        ("method: {qlora: {rank: 4}}", "memory: 1.0, method: frozen", 6, "model 'small': `memory` belongs to"),
        ("method: {qlora: {rank: 4}}", "labels: 5k", 6, "model 'small': expected at most 3"),
    ],
)
def test_what_a_stage_refuses_is_said_of_its_model(
    old: str, new: str, line: int, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # What is refused here comes before the stage by qlora, with or without its package.
    monkeypatch.setattr(stages, "find_spec", lambda name: name)
    with pytest.raises(HarnessError) as caught:
        train_models(_little(tmp_path, old, new), Store(tmp_path / "cache"), Silent())
    assert message in caught.value.message
    assert caught.value.where is not None
    assert (Path(caught.value.where.file).name, caught.value.where.line) == ("little.yaml", line)


def test_a_missing_extra_is_named_before_anything_is_trained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stages, "find_spec", lambda name: None)
    store = Store(tmp_path / "cache")
    with pytest.raises(IncompleteError, match="'small': the method qlora needs bitsandbytes") as caught:
        train_models(_little(tmp_path, "", ""), store, Silent())
    assert caught.value.where is not None
    assert caught.value.where.line == 6
    assert not list((tmp_path / "cache").rglob("model.safetensors"))


class _Later(FinetuneSpec):
    """A stage of a later version, with one key more."""

    novelty: int | None = None


def test_a_key_that_later_versions_add_keeps_checkpoints_where_it_is_not_given(tmp_path: Path) -> None:
    suite = _little(tmp_path, "", "")
    workshop = stages.Workshop(prepare(suite, Store(tmp_path / "cache"), Silent()), Store(tmp_path / "cache"), Silent())
    now = workshop.key("small")
    spec = suite.models["small"]
    assert isinstance(spec, FinetuneModel)
    told = spec.finetune.model_dump(by_alias=True)
    for given, same in (({}, True), ({"novelty": 3}, False)):
        later = spec.model_copy(update={"finetune": _Later.model_validate({**told, **given})})
        assert (workshop._key("small", later) == now) is same

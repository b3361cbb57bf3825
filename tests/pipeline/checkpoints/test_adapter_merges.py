"""A stage that starts from an adapter, through a suite's builder."""

from __future__ import annotations

import json
import random
import shutil
from pathlib import Path

import pytest

from harness.core.errors import SuiteError
from harness.core.reporter import Silent
from harness.core.requests import Classify
from harness.models.checkpoint.inspection import inspect
from harness.models.open_context import OpenContext
from harness.models.open_model import open_model
from harness.pipeline.checkpoints.checkpoint_builder import CheckpointBuilder
from harness.pipeline.prepared_suite import prepare
from harness.storage.store import Store
from harness.suite.load_suite import load_suite
from harness.suite.suite import Suite

SUITE = """\
name: chain
seed: 1
data:
  notes: {file: notes.csv, splits: {train: 0.6, validation: 0.2, test: 0.2}}
models:
  base:
    pretrain:
      objective: mlm
      data: [notes]
      architecture: {model_type: bert, hidden_size: 32, num_attention_heads: 2, intermediate_size: 32}
      tokenizer: {vocabulary: 200}
      sequence_length: 16
      budget: {steps: 4}
  first:  {finetune: {from: base, task: notes, method: {lora: {rank: 2}}, epochs: 1}}
  second: {finetune: {from: first, task: notes, method: {lora: {rank: 2}}, epochs: 1}}
  linear: {finetune: {from: second, task: notes, method: linear}}
compare: {baseline: base, release: [second]}
tasks:
  notes: {classification: {data: notes, labels: [dull, fine]}}
"""
LABELS = ("dull", "fine")


def _write(folder: Path, text: str = SUITE) -> Suite:
    chance = random.Random(4)
    things = [f"{chance.choice(('old', 'new', 'red', 'tall'))} {thing}" for thing in ("lamp", "house", "song", "meal")]
    lines = [
        f"the {things[number % 4]} number {number} was {chance.choice(words)},{label}"
        for number in range(80)
        for label, words in (("dull", ("dull", "gray", "slow")), ("fine", ("fine", "warm", "bright")))
    ]
    (folder / "notes.csv").write_text("text,label\n" + "\n".join(lines) + "\n", "utf-8")
    (folder / "chain.yaml").write_text(text, "utf-8")
    return load_suite(folder / "chain.yaml")


def _builder(suite: Suite, store: Store) -> CheckpointBuilder:
    return CheckpointBuilder(prepare(suite, store, Silent()), store, Silent())


def test_an_adapter_is_the_start_of_another_stage(tmp_path: Path) -> None:
    suite, store = _write(tmp_path), Store(tmp_path / "cache")
    builder = _builder(suite, store)
    made = {name: builder.checkpoint(name) for name in builder.order()}
    assert [inspect(made[name].path).kind for name in ("first", "second", "linear")] == ["adapter", "adapter", "linear"]

    # second stands on a whole made of first and base, and that one names first.
    start = builder.resolve((inspect(made["second"].path).parent or {})["key"])
    page = json.loads((start / "checkpoint.json").read_text("utf-8"))
    assert (page["kind"], page["parent"]["key"]) == ("transformers", made["first"].key)
    assert page["parent"]["digest"] == made["first"].digest

    asked = Classify("the red song number 3 was bright", LABELS)
    for name in ("second", "linear"):
        [(_, answer)] = open_model(made[name].path, OpenContext(resolve=builder.resolve, responses=None)).answer(
            [asked]
        )
        assert sum(map(abs, answer.values)) > 0

    # Nothing is trained twice, and a merge that was deleted is made again to the byte.
    weights = (start / "model.safetensors").read_bytes()
    shutil.rmtree(start)
    again = _builder(suite, Store(tmp_path / "cache"))
    assert all(again.checkpoint(name).cached for name in again.order())
    [(_, answer)] = open_model(
        again.checkpoint("second").path, OpenContext(resolve=again.resolve, responses=None)
    ).answer([asked])
    assert (start / "model.safetensors").read_bytes() == weights


@pytest.mark.parametrize(
    ("parent", "said"),
    [
        ("linear: {finetune: {from: base, task: notes, method: linear}}", "linear classifier"),
        ("words: {classical: {task: notes}}", "bag of words"),
        ("rule: {heuristic: {task: notes, rule: majority}}", "heuristic"),
        ("prompted: {prompt: {from: base, task: notes}}", "few-shot model"),
    ],
)
def test_what_has_no_weights_of_its_own_is_no_start(parent: str, said: str, tmp_path: Path) -> None:
    name = parent.split(":")[0]
    text = SUITE.split("  first:")[0] + f"  {parent}\n  first: {{finetune: {{from: {name}, task: notes}}}}\n"
    text += "compare: {baseline: base, release: [first]}\ntasks:" + SUITE.split("tasks:")[1]
    with pytest.raises(SuiteError, match=said) as caught:
        _write(tmp_path, text)
    assert "cannot be trained further" in str(caught.value)

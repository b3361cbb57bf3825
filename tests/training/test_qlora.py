"""QLoRA trains on a base in 4 bits (extra `qlora`), and what it writes answers on the base in full precision."""

import importlib.util
from pathlib import Path
from typing import Any

import pytest
from harness_support.training_samples import (
    LABELS,
    VERDICTS,
    examples,
    finetune_spec,
    label_inputs,
    prompts,
    run_stage,
    spans,
)

from harness.core.errors import IncompleteError
from harness.core.reporter import Silent
from harness.core.requests import Classify, Continuations, Scores
from harness.models.checkpoint.checkpoint_digest import checkpoint_digest
from harness.models.open_context import OpenContext
from harness.models.open_model import open_model

_METHOD = {"qlora": {"rank": 8}}
_HERE = importlib.util.find_spec("bitsandbytes") is not None


@pytest.mark.slow
@pytest.mark.skipif(not _HERE, reason="bitsandbytes is not installed")
def test_it_trains_and_its_adapter_answers_on_the_base(writer: Path, tmp_path: Path) -> None:
    inputs = label_inputs(
        writer, parent_digest=checkpoint_digest(writer), train=prompts(), validation=prompts(24, 9), labels=()
    )
    spec = finetune_spec(method=_METHOD, learning_rate=1e-2, epochs=12)
    made = run_stage(spec, inputs, tmp_path, Silent())
    assert made["kind"] == "adapter"
    assert made["recipe"]["lora"]["base"] == "nf4"
    assert made["cost"]["trainable"] < made["cost"]["parameters"]
    assert made["validation"]["loss"] < 1.5
    options = tuple(f" {word}" for word in VERDICTS)
    requests = [Continuations(example.prompt, options) for example in prompts(8, 9)]
    sums = []
    for folder in (writer, tmp_path):
        model = open_model(folder, OpenContext(resolve=lambda key: writer, responses=None))
        sums.append(sum(max(scores.values) for _, scores in model.answer(requests)))
    assert sums[1] > sums[0]


@pytest.mark.slow
@pytest.mark.skipif(not _HERE, reason="bitsandbytes is not installed")
@pytest.mark.parametrize("task", ["labels", "spans"])
def test_a_new_head_is_trained_in_full_weights(task: str, base: Path, tmp_path: Path) -> None:
    """An encoder's classifier, pooler and span head have no weights that could be put in 4 bits."""
    given: dict[str, Any] = {} if task == "labels" else {"train": spans(24), "validation": spans(12, 9), "labels": ()}
    inputs = label_inputs(base, parent_digest=checkpoint_digest(base), **given)
    made = run_stage(finetune_spec(method=_METHOD, epochs=1), inputs, tmp_path, Silent())
    assert made["kind"] == "adapter"
    plain = run_stage(finetune_spec(method={"lora": {"rank": 8}}, epochs=1), inputs, tmp_path / "plain", Silent())
    counted = ("parameters", "trainable")
    assert [made["cost"][name] for name in counted] == [plain["cost"][name] for name in counted]
    if task == "labels":
        requests = [Classify(text, LABELS) for text, _ in examples(6)]
        answers = open_model(tmp_path, OpenContext(resolve=lambda key: base, responses=None)).answer(requests)
        assert all(isinstance(answer, Scores) for _, answer in answers)


@pytest.mark.skipif(_HERE, reason="bitsandbytes is installed")
def test_without_bitsandbytes_it_says_what_to_install(writer: Path, tmp_path: Path) -> None:
    inputs = label_inputs(writer, train=prompts(4), validation=(), labels=())
    with pytest.raises(IncompleteError, match="needs bitsandbytes"):
        run_stage(finetune_spec(method=_METHOD), inputs, tmp_path, Silent())

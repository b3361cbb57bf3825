"""A merged adapter answers as the adapter on its base does, and further stages start from it."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
from harness_support.training_samples import (
    LABELS,
    chats,
    examples,
    finetune_spec,
    label_inputs,
    passage_inputs,
    preferences,
    pretraining,
    prompts,
    run_stage,
)

from harness.core.errors import CheckpointError
from harness.core.reporter import Silent
from harness.core.requests import Classify, Continuations, Generate, PseudoLikelihood
from harness.model_kinds.align_kind import AlignSpec
from harness.models.checkpoint.checkpoint_digest import checkpoint_digest
from harness.models.checkpoint.inspection import inspect
from harness.models.open_context import OpenContext
from harness.models.open_model import open_model
from harness.training.run_stage import merge_adapter

_LORA = {"lora": {"rank": 4}}
_ADAPTER = "c" * 64


def _merged(adapter: Path, base: Path, work: Path) -> dict[str, Any]:
    return merge_adapter(adapter, base, work, key=_ADAPTER, digest=checkpoint_digest(adapter, lambda _: base))


def _answers(folder: Path, base: Path, requests: list[Any]) -> dict[Any, Any]:
    return dict(open_model(folder, OpenContext(resolve=lambda _: base, responses=None)).answer(requests))


@pytest.fixture(scope="module")
def instructed(writer: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An adapter on the causal model."""
    folder = tmp_path_factory.mktemp("instructed") / "adapter"
    inputs = label_inputs(writer, parent_digest=checkpoint_digest(writer), train=prompts(), validation=(), labels=())
    run_stage(finetune_spec(method=_LORA, epochs=4, learning_rate=1e-2), inputs, folder, Silent())
    return folder


@pytest.fixture(scope="module")
def whole(instructed: Path, writer: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """That adapter, merged."""
    folder = tmp_path_factory.mktemp("whole") / "checkpoint"
    _merged(instructed, writer, folder)
    return folder


def test_a_causal_model_answers_alike(instructed: Path, whole: Path, writer: Path) -> None:
    asked = [Continuations(example.prompt, (" good", " bad")) for example in prompts(8, 5)]
    apart, one, bare = (_answers(folder, writer, asked) for folder in (instructed, whole, writer))
    for request in asked:
        assert one[request].values == pytest.approx(apart[request].values, rel=1e-4)
        assert one[request].values != pytest.approx(bare[request].values, rel=1e-2), "the adapter has learned something"


def test_a_classifier_and_its_language_model_answer_alike(base: Path, tmp_path: Path) -> None:
    run_stage(
        finetune_spec(method=_LORA, epochs=4, learning_rate=1e-2),
        label_inputs(base, parent_digest=checkpoint_digest(base)),
        tmp_path / "adapter",
        Silent(),
    )
    page = _merged(tmp_path / "adapter", base, tmp_path / "whole")
    texts = [text for text, _ in examples(6, 7)]
    asked: list[Any] = [Classify(text, LABELS) for text in texts]
    apart, one = (_answers(tmp_path / name, base, asked) for name in ("adapter", "whole"))
    for request in asked:
        assert one[request].values == pytest.approx(apart[request].values, abs=1e-4)
    likelihoods: list[Any] = [PseudoLikelihood(text, "pll") for text in texts]
    apart, one = (_answers(tmp_path / name, base, likelihoods) for name in ("adapter", "whole"))
    for request in likelihoods:
        assert one[request].total == pytest.approx(apart[request].total, rel=1e-4)
    assert page["labels"] == list(LABELS)
    assert inspect(tmp_path / "whole").heads == ("sequence",)


def test_the_lineage_names_the_adapter_and_no_path(whole: Path, instructed: Path, writer: Path) -> None:
    page = json.loads((whole / "checkpoint.json").read_text("utf-8"))
    assert page["parent"] == {"key": _ADAPTER, "digest": checkpoint_digest(instructed, lambda _: writer)}
    assert page["stage"] == {"merge": "adapter"}
    assert page["cost"]["tokens"] == 0
    for file in whole.glob("*.json"):
        assert str(writer.parent) not in file.read_text("utf-8")


def test_alignment_takes_the_merged_model_as_its_reference(whole: Path, tmp_path: Path) -> None:
    spec = AlignSpec.model_validate({"from": "instructed", "task": "kind", "method": _LORA, "epochs": 1})
    inputs = label_inputs(
        whole,
        parent_digest=checkpoint_digest(whole),
        train=preferences(),
        validation=preferences(16, 9),
        labels=(),
    )
    made = run_stage(spec, inputs, tmp_path, Silent())
    assert made["kind"] == "adapter"
    first = json.loads((tmp_path / "training.jsonl").read_text("utf-8").splitlines()[0])
    assert first["loss"] == pytest.approx(math.log(2), abs=1e-4), "policy and reference are one at first"


def test_pretraining_goes_on_from_the_merged_model(whole: Path, tmp_path: Path) -> None:
    spec = pretraining("gpt", steps=2).model_dump(
        exclude={"architecture", "tokenizer", "embeddings"}, exclude_none=True
    )
    further = type(pretraining("gpt")).model_validate({**spec, "from": "instructed"})
    made = run_stage(further, passage_inputs(parent=whole, parent_key=_ADAPTER), tmp_path, Silent())
    assert made["kind"] == "transformers"


def test_a_model_without_a_merge_is_told_apart(instructed: Path, tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="adapter"):
        run_stage(finetune_spec(), label_inputs(instructed), tmp_path, Silent())


def test_tied_embeddings_are_not_merged(writer: Path, tmp_path: Path) -> None:
    inputs = label_inputs(writer, parent_digest=checkpoint_digest(writer), train=prompts(), validation=(), labels=())
    method = {"lora": {"rank": 2, "targets": ["wte", "c_attn"]}}
    run_stage(finetune_spec(method=method, epochs=1), inputs, tmp_path / "adapter", Silent())
    with pytest.raises(CheckpointError, match="changes tied word embeddings"):
        _merged(tmp_path / "adapter", writer, tmp_path / "whole")


def test_an_adapter_brings_its_chat_template_and_so_does_its_merge(writer: Path, tmp_path: Path) -> None:
    inputs = label_inputs(writer, parent_digest=checkpoint_digest(writer), train=chats(), validation=(), labels=())
    run_stage(finetune_spec(method=_LORA, epochs=1), inputs, tmp_path / "adapter", Silent())
    _merged(tmp_path / "adapter", writer, tmp_path / "whole")
    request = Generate(messages=(("user", "how was the lamp?"),), max_tokens=4)
    assert not open_model(writer, OpenContext(resolve=lambda _: writer, responses=None)).facts.chat
    written = []
    for name in ("adapter", "whole"):
        model = open_model(tmp_path / name, OpenContext(resolve=lambda _: writer, responses=None))
        assert model.facts.chat
        written += [answer for _, answer in model.answer([request])]
    assert written[0].text == written[1].text

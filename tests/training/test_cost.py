from pathlib import Path

import pytest
import torch

from harness.core.specs import ClassicalSpec
from harness.training import cost, estimate_cost
from harness.training.shapes import shape_of

from training_samples import finetune_spec, pretrain_spec  # isort: skip

_SIZES = {"hidden_size": 8, "num_hidden_layers": 2, "intermediate_size": 32, "num_attention_heads": 2}


def test_flops_are_by_hand() -> None:
    matrices = 4 * 64 + 2 * 8 * 32
    shape = shape_of(_SIZES)
    assert shape is not None
    assert shape.layer_parameters() == matrices
    assert shape.stack(2, 10, 5) == 10 * 2 * (2 * matrices + 4 * 5 * 8)
    assert shape.head(3, vocabulary=100) == 3 * 2 * (64 + 800)
    assert cost.training_flops(6.0) == 18
    assert cost.training_flops(6.0, trained=0.5) == 15


def test_parameters_count_shared_weights_once() -> None:
    module = torch.nn.Sequential(torch.nn.Linear(3, 3, bias=False), torch.nn.Linear(3, 3, bias=False))
    module[1].weight = module[0].weight
    module.append(torch.nn.Linear(3, 1)).requires_grad_(True)
    module[2].weight.requires_grad_(False)
    assert cost.parameter_counts(module) == {"parameters": 13, "trainable": 10}


def test_bytes_leave_unfinished_work_and_the_log_out(tmp_path: Path) -> None:
    (tmp_path / ".resume").mkdir()
    (tmp_path / ".resume" / "optimizer.pt").write_bytes(b"12345")
    (tmp_path / "training.jsonl").write_bytes(b"12")
    (tmp_path / "model.safetensors").write_bytes(b"1234567")
    assert cost.folder_bytes(tmp_path) == 7


def test_peak_memory_is_in_bytes() -> None:
    assert cost.peak_memory() > 10_000_000


def test_estimates_grow_with_the_work() -> None:
    assert estimate_cost(pretrain_spec(steps=10), 0)["tokens"] == 10 * 4 * 16
    full, lora, linear = (
        estimate_cost(finetune_spec(method=method), 1000) for method in ("full", {"lora": {"rank": 4}}, "linear")
    )
    assert full["flops"] > lora["flops"] > linear["flops"] > 0
    assert full["tokens"] == pytest.approx(3 * linear["tokens"])
    few = estimate_cost(finetune_spec(labels=100), 1000)
    assert few["tokens"] == pytest.approx(full["tokens"] / 10)
    assert estimate_cost(ClassicalSpec(task="mood"), 10)["flops"] == 0


def test_an_estimate_is_what_pretraining_then_counts(tmp_path: Path) -> None:
    from training_samples import text_inputs

    from harness.core.reporter import Silent
    from harness.training import run_stage

    spec = pretrain_spec(steps=3, tokenizer={"vocabulary": 60})
    made = run_stage(spec, text_inputs(), tmp_path / "a", Silent())
    assert made["cost"]["flops"] == pytest.approx(estimate_cost(spec, 0)["flops"], rel=0.05)

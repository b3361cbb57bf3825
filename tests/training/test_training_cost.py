from pathlib import Path
from typing import Any

import pytest
import torch
from harness_support.training_samples import estimate_cost

from harness.model_kinds.classical_kind import ClassicalSpec
from harness.model_kinds.flop_shapes import shape_of, training_flops
from harness.models.peak_memory import peak_memory
from harness.training import training_cost
from harness.training.checkpoint_metadata import folder_bytes

from harness_support.training_samples import finetune_spec, pretrain_spec  # isort: skip

_SIZES = {"hidden_size": 8, "num_hidden_layers": 2, "intermediate_size": 32, "num_attention_heads": 2}


def test_flops_are_by_hand() -> None:
    matrices = 4 * 64 + 2 * 8 * 32
    shape = shape_of(_SIZES)
    assert shape is not None
    assert shape.layer_parameters() == matrices
    assert shape.stack(2, 10, 5) == 10 * 2 * (2 * matrices + 4 * 5 * 8)
    assert shape.head(3, vocabulary=100) == 3 * 2 * (64 + 800)
    assert training_flops(6.0) == 18
    assert training_flops(6.0, trained=0.5) == 15


def test_parameters_count_shared_weights_once() -> None:
    module = torch.nn.Sequential(torch.nn.Linear(3, 3, bias=False), torch.nn.Linear(3, 3, bias=False))
    module[1].weight = module[0].weight
    module.append(torch.nn.Linear(3, 1)).requires_grad_(True)
    module[2].weight.requires_grad_(False)
    assert training_cost.parameter_counts(module) == {"parameters": 13, "trainable": 10}


def test_bytes_leave_unfinished_work_and_the_log_out(tmp_path: Path) -> None:
    (tmp_path / ".resume").mkdir()
    (tmp_path / ".resume" / "optimizer.pt").write_bytes(b"12345")
    (tmp_path / "training.jsonl").write_bytes(b"12")
    (tmp_path / "model.safetensors").write_bytes(b"1234567")
    assert folder_bytes(tmp_path) == 7


def test_peak_memory_is_in_bytes() -> None:
    assert peak_memory() > 10_000_000


def test_estimates_grow_with_the_work() -> None:
    assert estimate_cost(pretrain_spec(steps=10), 0).tokens == 10 * 4 * 16
    full, lora, linear = (
        estimate_cost(finetune_spec(method=method), 1000) for method in ("full", {"lora": {"rank": 4}}, "linear")
    )
    assert full.flops > lora.flops > linear.flops > 0
    assert full.tokens == pytest.approx(3 * linear.tokens)
    few = estimate_cost(finetune_spec(max_train_rows=100), 1000)
    assert few.tokens == pytest.approx(full.tokens / 10)
    assert estimate_cost(ClassicalSpec(task="mood"), 10).flops == 0


def test_an_estimate_is_what_pretraining_then_counts(tmp_path: Path) -> None:
    from harness_support.training_samples import run_stage, text_inputs

    from harness.core.reporter import Silent

    spec = pretrain_spec(steps=3, tokenizer={"vocabulary": 60})
    made = run_stage(spec, text_inputs(), tmp_path / "a", Silent())
    assert made["cost"]["flops"] == pytest.approx(estimate_cost(spec, 0).flops, rel=0.05)


_SHAPES = {
    "bert": {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 48},
    "distilbert": {"dim": 32, "n_layers": 2, "n_heads": 4, "hidden_dim": 48},
    "roberta": {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 48},
    "gpt2": {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4},
    "llama": {
        "hidden_size": 32,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "intermediate_size": 80,
    },
    "qwen2": {
        "hidden_size": 32,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "intermediate_size": 80,
    },
}


def _counted(model: Any, backward: bool, **inputs: Any) -> int:
    from torch.utils.flop_counter import FlopCounterMode

    with FlopCounterMode(display=False) as counter:
        logits = model(**inputs).logits
        if backward:
            logits.sum().backward()
    return counter.get_total_flops()


@pytest.mark.parametrize("kind", sorted(_SHAPES))
def test_operations_are_those_that_torch_counts(kind: str) -> None:
    from transformers import AutoConfig, AutoModelForCausalLM, AutoModelForMaskedLM

    # Fused attention is invisible to torch's counter, so the plain one is counted.
    config = AutoConfig.for_model(
        kind,
        **_SHAPES[kind],
        vocab_size=100,
        bos_token_id=1,
        eos_token_id=1,
        pad_token_id=0,
        attn_implementation="eager",
    )
    auto = AutoModelForMaskedLM if "bert" in kind else AutoModelForCausalLM
    model = auto.from_config(config, attn_implementation="eager")
    shape = shape_of(model.config.to_dict())
    assert shape is not None
    ids = torch.randint(2, 100, (3, 20))
    forward = shape.stack(shape.layers, 60, 20) + shape.head(60)
    assert forward == pytest.approx(_counted(model, False, input_ids=ids), rel=0.01)
    assert training_flops(forward) == pytest.approx(_counted(model, True, input_ids=ids), rel=0.01)


@pytest.mark.parametrize("projection", ["relu", "gated-gelu"])
def test_operations_of_encoder_and_decoder_are_those_that_torch_counts(projection: str) -> None:
    from transformers import AutoConfig, AutoModelForSeq2SeqLM

    from harness.training.objectives.span_corruption_objective import seq2seq_operations

    config = AutoConfig.for_model(
        "t5",
        d_model=32,
        d_kv=8,
        d_ff=48,
        num_layers=2,
        num_decoder_layers=3,
        num_heads=4,
        vocab_size=100,
        feed_forward_proj=projection,
        decoder_start_token_id=0,
        attn_implementation="eager",
    )
    model = AutoModelForSeq2SeqLM.from_config(config, attn_implementation="eager")
    shape = shape_of(model.config.to_dict())
    assert shape is not None
    source, target = torch.randint(2, 100, (3, 20)), torch.randint(2, 100, (3, 8))
    counted = _counted(model, False, input_ids=source, decoder_input_ids=target)
    assert seq2seq_operations(shape, 60, 24, 20, 8) == pytest.approx(counted, rel=0.01)


def test_a_stage_says_what_it_ran_on(tmp_path: Path) -> None:
    from harness_support.training_samples import run_stage, text_inputs

    from harness.core.reporter import Silent

    made = run_stage(pretrain_spec(steps=2), text_inputs(), tmp_path / "a", Silent())
    assert made["measured"]["threads"] >= 1
    assert made["measured"]["gpus"] >= 0

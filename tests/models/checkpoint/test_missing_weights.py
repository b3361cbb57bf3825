"""A folder that cannot be used as it is says what it holds, and what to do with that."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from harness_support import model_zoo
from safetensors.torch import load_file, save_file

from harness.core.errors import CheckpointError
from harness.models.checkpoint.adapter_folder import check_adapter
from harness.models.checkpoint.checkpoint_digest import checkpoint_digest
from harness.models.checkpoint.inspection import inspect

POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:" + "0" * 64 + "\nsize 123456\n"


@pytest.mark.parametrize(
    ("files", "message", "hint"),
    [
        (("mine/adapter_config.json",), "an adapter is in mine", "mine"),
        (("checkpoint-9/model.safetensors", "checkpoint-10/model.safetensors.index.json", "training_args.bin"),
         "checkpoints are in checkpoint-9, checkpoint-10", "checkpoint-10"),
        (("global_step10/a.pt", "zero_to_fp32.py", "training_args.bin"), "global_step10", "zero_to_fp32.py"),
        (("pytorch_model_fsdp_0/x.distcp",), "shards of FSDP", "merge-weights"),
        (("model-q4_k_m.gguf",), "as GGUF only", "load: "),
        (("pytorch_model.bin", "training_args.bin"), "weights only as pytorch_model.bin:", "convert it once"),
        (("training_args.bin", "optimizer.pt"), "has no weights", "check the path"),
    ],
)  # fmt: skip
def test_what_is_there_in_place_of_weights_is_named(
    files: tuple[str, ...], message: str, hint: str, tmp_path: Path
) -> None:
    (tmp_path / "config.json").write_text("{}")
    for name in files:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    with pytest.raises(CheckpointError) as caught:
        checkpoint_digest(tmp_path)
    assert message in caught.value.message
    assert hint in str(caught.value.hint)
    assert "training_args" not in caught.value.message


@pytest.mark.parametrize("name", ["model.safetensors", "model.safetensors.index.json", "config.json", "tokenizer.json"])
def test_a_git_lfs_pointer_in_place_of_a_file_is_named(name: str, tmp_path: Path) -> None:
    folder = model_zoo.language_model("llama", tmp_path / "model")
    if name.endswith("index.json"):
        (folder / "model.safetensors").unlink()
    (folder / name).write_text(POINTER)
    with pytest.raises(CheckpointError, match="Git LFS pointer") as caught:
        inspect(folder)
    assert name in str(caught.value.where)


@pytest.mark.parametrize("wrapper", ["_orig_mod.", "module."])
def test_weights_of_a_wrapped_model_are_named(wrapper: str, tmp_path: Path) -> None:
    folder = model_zoo.language_model("llama", tmp_path / "model")
    weights = load_file(folder / "model.safetensors")
    save_file({wrapper + name: value for name, value in weights.items()}, folder / "model.safetensors")
    with pytest.raises(CheckpointError, match=wrapper):
        inspect(folder)


def test_code_of_a_folder_is_never_run_and_that_is_said(tmp_path: Path, opened) -> None:
    folder = model_zoo.language_model("llama", tmp_path / "model")
    page = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**page, "model_type": "wobble", "auto_map": {"AutoConfig": "a.C"}}))
    (folder / "a.py").write_text("raise SystemExit(3)")
    with pytest.raises(CheckpointError, match="which harness never runs"):
        opened(folder)


def test_bpe_dropout_is_off(tmp_path: Path, opened) -> None:
    folder = model_zoo.language_model("llama", tmp_path / "model")
    page = json.loads((folder / "tokenizer.json").read_text())
    plain = opened(folder).backend.network.encoder
    page["model"]["dropout"] = 0.9
    (folder / "tokenizer.json").write_text(json.dumps(page))
    encoder = opened(folder).backend.network.encoder
    assert all(encoder.plain(model_zoo.TEXTS) == plain.plain(model_zoo.TEXTS) for _ in range(5))
    assert encoder.canonical(model_zoo.TEXTS[0]).ids == plain.canonical(model_zoo.TEXTS[0]).ids


@pytest.mark.parametrize(
    "name", ["base_model.model._orig_mod.", "module.base_model.model.", "base_model.model.module."]
)
def test_an_adapter_of_a_wrapped_model_is_not_one_of_another_base(name: str, tmp_path: Path) -> None:
    (tmp_path / "adapter_config.json").write_text(json.dumps({"peft_type": "LORA"}))
    save_file({f"{name}layers.0.q_proj.lora_A.weight": torch.zeros(2, 2)}, tmp_path / "adapter_model.safetensors")
    with pytest.raises(CheckpointError, match="saved from a model inside"):
        check_adapter(tmp_path)


def test_an_adapter_below_is_named_where_a_model_is_asked_for(tmp_path: Path) -> None:
    (tmp_path / "final").mkdir()
    (tmp_path / "final" / "adapter_config.json").write_text("{}")
    with pytest.raises(CheckpointError, match="an adapter is in final below it"):
        inspect(tmp_path)


def test_a_router_of_sentence_transformers_names_its_encoders(tmp_path):
    for route in ("query_0_Transformer", "document_0_Transformer"):
        (tmp_path / route).mkdir()
    structure = {"query": ["query_0_Transformer"], "document": ["document_0_Transformer"]}
    page = {"structure": structure, "types": {}, "parameters": {"allow_empty_key": False}}
    (tmp_path / "router_config.json").write_text(json.dumps(page))
    (tmp_path / "modules.json").write_text("[]")
    with pytest.raises(
        CheckpointError, match=r"router of sentence-transformers: its encoders are query \(query_0_Tr"
    ) as raised:
        inspect(tmp_path)
    assert "query_0_Transformer" in str(raised.value.hint)

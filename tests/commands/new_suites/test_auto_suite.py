"""The suite that `harness audit` writes is one that harness reads."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from harness.commands.new_suites import auto_suite
from harness.model_kinds.load_kind import LoadModel


@pytest.mark.parametrize("family", ["masked", "causal"])
@pytest.mark.parametrize("bias", ["own", "full"])
def test_the_audit_is_a_valid_suite(family: str, bias: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(auto_suite, "_language_model", lambda name: family)
    monkeypatch.setattr(auto_suite, "needs_base", lambda name, revision: False)
    suite = auto_suite.audit_suite("base", "tuned", bias=bias)
    assert suite.probes["pronouns"].kind == "occupation_pronouns"


def test_an_adapter_stands_on_the_first_checkpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    tokenizer = {"model": {"vocab": {}}}
    base, adapter = tmp_path / "base", tmp_path / "lora"
    pages = {base: {"config.json": {"model_type": "llama"}, "tokenizer.json": tokenizer}}
    pages[adapter] = {"adapter_config.json": {"peft_type": "LORA", "base_model_name_or_path": str(tmp_path / "other")}}
    for folder, files in pages.items():
        folder.mkdir()
        for name, page in files.items():
            (folder / name).write_text(json.dumps(page), "utf-8")
        (folder / f"{'adapter_' * (folder == adapter)}model.safetensors").write_bytes(b"\x02\0\0\0\0\0\0\0{}")
    models = auto_suite.audit_suite("base", "lora").models
    assert models["finetuned"].options == LoadModel(load=str(base), adapter=str(adapter))
    assert models["base"].options == LoadModel(load=str(base))

"""What `export` says loads a checkpoint does load it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from harness.core.rundir import RunDir, RunInfo
from harness.core.store import Store
from harness.runs.export import export_model
from harness.runs.merging import CHECKPOINTS


def _entry(store: Store, key: str, files: dict[str, Any]) -> None:
    def build(work: Path) -> dict[str, Any]:
        for name, content in files.items():
            (work / name).write_text(json.dumps(content), "utf-8")
        return {}

    store.make(CHECKPOINTS, key, build)


BASE = {
    "checkpoint.json": {"format": 1, "kind": "transformers"},
    "config.json": {"architectures": ["T5ForConditionalGeneration"]},
}


@pytest.mark.parametrize(
    ("files", "said"),
    [
        (BASE, "transformers.T5ForConditionalGeneration.from_pretrained("),
        (
            {
                "checkpoint.json": {"format": 1, "kind": "adapter", "parent": {"key": "b" * 64}},
                "adapter_config.json": {"task_type": "CAUSAL_LM"},
            },
            "peft.PeftModel.from_pretrained(transformers.AutoModelForCausalLM.from_pretrained(",
        ),
        (
            {
                "checkpoint.json": {
                    "format": 1,
                    "kind": "adapter",
                    "parent": {"key": "b" * 64},
                    "labels": ["O", "B-name"],
                },
                "adapter_config.json": {"task_type": "TOKEN_CLS"},
            },
            "num_labels=2), ",
        ),
        (
            {
                "checkpoint.json": {"format": 1, "kind": "adapter", "parent": {"key": "b" * 64}},
                "adapter_config.json": {"task_type": None},
            },
            "transformers.T5ForConditionalGeneration.from_pretrained(",
        ),
        (
            {"checkpoint.json": {"format": 1, "kind": "projected", "parent": {"key": "b" * 64}}},
            "then take the directions of projection.safetensors out of its last hidden states",
        ),
        ({"checkpoint.json": {"format": 1, "kind": "self_debiased", "parent": {"key": "b" * 64}}}, "`--model NAME="),
        ({"checkpoint.json": {"format": 1, "kind": "baseline"}}, "nothing but harness"),
    ],
)
def test_the_line_names_the_class_of_the_weights(files: dict[str, Any], said: str, tmp_path: Path) -> None:
    store = Store(tmp_path / "cache")
    _entry(store, "a" * 64, files)
    _entry(store, "b" * 64, BASE)
    run = RunDir(tmp_path / "run")
    run.path.mkdir()
    info = {"run_id": "r", "suite": "s", "suite_text": "", "command": [], "started": "2026-01-01T00:00:00Z"}
    run.write_info(RunInfo.model_validate({**info, "checkpoints": {"model": "a" * 64}}))
    found = export_model(run, "model", tmp_path / "out", store)
    assert said in found.load
    assert "/base" not in found.load or (tmp_path / "out" / "base" / "config.json").is_file()

"""What `export` says loads a checkpoint does load it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from harness_support import adapter_zoo, model_zoo
from harness_support.stored_runs import small_info, small_results

from harness.core.errors import CheckpointError, DataError
from harness.core.reporter import Silent
from harness.models.checkpoint.checkpoint_digest import checkpoint_digest
from harness.models.derived.heuristic_backend import BaselineTable, write_baseline
from harness.pipeline.checkpoints.checkpoint import CHECKPOINTS
from harness.pipeline.checkpoints.export_checkpoint import export_model
from harness.pipeline.run_suite import Settings, run_suite
from harness.storage.run_dir import RunDir
from harness.storage.store import Store
from harness.suite.load_suite import parse_suite


def _entry(store: Store, key: str, files: dict[str, Any]) -> None:
    def build(work: Path) -> dict[str, Any]:
        for name, content in files.items():
            (work / name).write_text(json.dumps(content), "utf-8")
        return {}

    store.make(CHECKPOINTS, key, build)


def _run_of(folder: Path, address: str) -> RunDir:
    run = RunDir(folder)
    run.write(small_results(), small_info().model_copy(update={"checkpoints": {"model": address}}))
    return run


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
            "then project the directions in projection.safetensors out of its last hidden states",
        ),
        ({"checkpoint.json": {"format": 1, "kind": "self_debiased", "parent": {"key": "b" * 64}}}, "`--model NAME="),
        ({"checkpoint.json": {"format": 1, "kind": "baseline"}}, "other tools do not"),
    ],
)
def test_the_line_names_the_class_of_the_weights(files: dict[str, Any], said: str, tmp_path: Path) -> None:
    store = Store(tmp_path / "cache")
    _entry(store, "a" * 64, files)
    _entry(store, "b" * 64, BASE)
    found = export_model(_run_of(tmp_path / "run", "a" * 64), "model", tmp_path / "out", store)
    assert said in found.load
    assert "/base" not in found.load or (tmp_path / "out" / "base" / "config.json").is_file()


@pytest.mark.parametrize(
    "address", ["../../Documents", "Documents", "../" * 9 + "etc", "file:///etc", "A" * 64, "a" * 63]
)
def test_a_run_of_a_stranger_names_keys_and_nothing_is_moved(
    address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "Documents").mkdir()
    (tmp_path / "Documents" / "a.txt").write_text("work")
    run = _run_of(tmp_path / "run", address)
    with pytest.raises(DataError, match="expected a cache key or the full path"):
        export_model(run, "model", tmp_path / "out", Store(tmp_path / "cache" / "harness"))
    assert (tmp_path / "Documents" / "a.txt").read_text() == "work"
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", ["folder", "folder/file.txt", "nowhere"])
def test_a_path_in_a_run_is_copied_only_where_it_is_a_checkpoint(name: str, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "file.txt").write_text("private")
    run = _run_of(tmp_path / "run", str(tmp_path / name))
    with pytest.raises(CheckpointError):
        export_model(run, "model", tmp_path / "out", Store(tmp_path / "cache"))
    assert not (tmp_path / "out").exists()
    assert (tmp_path / "folder" / "file.txt").read_text() == "private"


def _baseline(folder: Path) -> Path:
    folder.mkdir()
    write_baseline(folder, BaselineTable("majority", ("a", "b")))
    (folder / "checkpoint.json").write_text('{"format": 1, "kind": "baseline"}')
    return folder


def test_what_a_link_leads_to_and_hidden_files_are_not_copied(tmp_path: Path) -> None:
    folder = _baseline(tmp_path / "loaded")
    (folder / ".env").write_text("private")
    run = _run_of(tmp_path / "run", str(folder))
    export_model(run, "model", tmp_path / "out", Store(tmp_path / "cache"))
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["baseline.json", "checkpoint.json"]
    (tmp_path / "private").write_text("private")
    (folder / "notes.txt").symlink_to(tmp_path / "private")
    with pytest.raises(CheckpointError, match="leads out"):
        export_model(run, "model", tmp_path / "second", Store(tmp_path / "cache"))
    assert not (tmp_path / "second").exists()


def test_an_entry_that_names_a_path_as_its_parent_is_not_exported(tmp_path: Path) -> None:
    store = Store(tmp_path / "cache")
    page = {"format": 1, "kind": "self_debiased", "parent": {"key": str(tmp_path)}}
    _entry(store, "a" * 64, {"checkpoint.json": page, "self_debias.json": {}})
    with pytest.raises(CheckpointError, match="expected a cache key"):
        export_model(_run_of(tmp_path / "run", "a" * 64), "model", tmp_path / "out", store)
    assert not (tmp_path / "out").exists()


def test_an_adapter_brings_its_base_though_the_suite_has_no_model_of_it(tmp_path: Path) -> None:
    base = model_zoo.language_model("llama", tmp_path / "base", length=64)
    other = model_zoo.language_model("llama", tmp_path / "other", 1, length=64)
    adapter_zoo.write_adapter(tmp_path / "lora", base, adapter_zoo.lora())
    adapter_zoo.change_config(tmp_path / "lora", base_model_name_or_path="owner/elsewhere")
    (tmp_path / "texts.jsonl").write_text("".join(json.dumps({"text": text}) + "\n" for text in model_zoo.TEXTS))
    suite = {
        "name": "s",
        "data": {"texts": {"file": "texts.jsonl", "splits": {"test": 1.0}}},
        "models": {"other": {"load": str(other)}, "tuned": {"load": str(base), "adapter": str(tmp_path / "lora")}},
        "compare": {"baseline": "other"},
        "tasks": {"lm": {"language_modeling": {"data": "texts"}}},
    }
    store = Store(tmp_path / "cache")
    parsed = parse_suite(json.dumps(suite), tmp_path / "suite.yaml")
    finished = run_suite(parsed, store, Silent(), Settings(out=tmp_path / "out", device="cpu"))
    export_model(finished.run, "tuned", tmp_path / "exported", store)
    (loaded,) = [made for made in (tmp_path / "exported").iterdir() if made.name == "base"]
    assert checkpoint_digest(loaded) == checkpoint_digest(base)
    page = json.loads((tmp_path / "exported" / "adapter_config.json").read_text())
    assert page["base_model_name_or_path"] == str(loaded)

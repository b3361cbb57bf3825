"""Links in checkpoint folders, and names of files that stand in their files."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.cli.app import invoke
from harness.core.errors import CheckpointError
from harness.models.checkpoint.checkpoint_digest import checkpoint_digest
from harness.models.checkpoint.inspection import inspect
from harness.models.checkpoint.lineage import parent_of
from harness.models.local.peft_adapters import plan_adapter
from harness.storage.plain_files import FOLLOW_LINKS

COMMIT = "0123456789abcdef" * 2 + "01234567"


@pytest.fixture
def model(zoo: Callable[[str], Path], tmp_path: Path) -> Path:
    return shutil.copytree(zoo("bert"), tmp_path / "model")


def _move(file: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    file.rename(target)
    file.symlink_to(target)


@pytest.mark.parametrize("name", ["model.safetensors", "config.json", "tokenizer.json"])
def test_a_file_that_is_a_link_to_elsewhere_is_refused(name: str, model: Path, tmp_path: Path) -> None:
    _move(model / name, tmp_path / "elsewhere" / name)
    before = (tmp_path / "elsewhere" / name).read_bytes()
    for reads in (inspect, checkpoint_digest):
        with pytest.raises(CheckpointError, match="leads out of the checkpoint folder") as caught:
            reads(model)
        assert caught.value.where is not None
        assert caught.value.where.file == model / name
    assert (tmp_path / "elsewhere" / name).read_bytes() == before


def test_links_to_elsewhere_are_followed_on_request(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    plain = shutil.copytree(model, tmp_path / "plain")
    _move(model / "model.safetensors", tmp_path / "elsewhere" / "weights")
    (tmp_path / "notes.csv").write_text("text,label\n" + "One line,a\nAnother line,b\n" * 9, "utf-8")
    suite = {
        "name": "links",
        "data": {"notes": {"file": "notes.csv", "columns": {"text": "text", "label": "label"}}},
        "models": {"own": {"load": "model"}, "other": {"load": "plain"}},
        "tasks": {"notes": {"classification": {"data": "notes"}}},
        "compare": {"baseline": "own", "candidates": ["other"]},
    }
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv(FOLLOW_LINKS, raising=False)
    Path("links.yaml").write_text(json.dumps(suite), "utf-8")
    assert invoke(["validate", "links.yaml"]) == 2
    told = capfd.readouterr().err
    assert str(tmp_path / "elsewhere" / "weights") in told
    assert "--follow-links" in told
    invoke(["validate", "links.yaml", "--follow-links"])
    assert "leads out" not in capfd.readouterr().err
    assert FOLLOW_LINKS not in os.environ
    monkeypatch.setenv(FOLLOW_LINKS, "1")
    assert checkpoint_digest(model) == checkpoint_digest(plain)


def test_links_inside_and_a_folder_that_is_a_link_are_followed(model: Path, tmp_path: Path) -> None:
    _move(model / "model.safetensors", model / "weights" / "model.safetensors")
    (tmp_path / "named").symlink_to(model)
    assert inspect(tmp_path / "named").kind == "transformers"


@pytest.mark.parametrize("target", ["model.safetensors", "/nowhere/at/all"])
def test_links_that_lead_nowhere_are_refused(target: str, model: Path) -> None:
    (model / "model.safetensors").unlink()
    (model / "model.safetensors").symlink_to(target)
    with pytest.raises(CheckpointError):
        inspect(model)


def _snapshot(model: Path, folder: Path) -> Path:
    """The model as the hub's cache keeps it: every file a link into `blobs`."""
    snapshot = folder / "models--owner--name" / "snapshots" / COMMIT
    snapshot.mkdir(parents=True)
    blobs = folder / "models--owner--name" / "blobs"
    blobs.mkdir()
    for number, file in enumerate(sorted(model.iterdir())):
        file.rename(blobs / str(number))
        (snapshot / file.name).symlink_to(Path("../../blobs") / str(number))
    return snapshot


def test_the_hub_s_cache_keeps_working(model: Path, tmp_path: Path) -> None:
    plain = checkpoint_digest(model)
    snapshot = _snapshot(model, tmp_path / "hub")
    assert checkpoint_digest(snapshot) == plain
    (tmp_path / "linked").symlink_to(tmp_path / "hub")
    assert checkpoint_digest(tmp_path / "linked" / "models--owner--name" / "snapshots" / COMMIT) == plain


def test_a_snapshot_that_leads_out_of_its_blobs_is_refused(model: Path, tmp_path: Path) -> None:
    snapshot = _snapshot(model, tmp_path / "hub")
    (tmp_path / "secret.json").write_text("{}", "utf-8")
    (snapshot / "extra.json").symlink_to("../../../../secret.json")
    with pytest.raises(CheckpointError, match="leads out"):
        inspect(snapshot)
    (snapshot / "extra.json").unlink()
    blobs = snapshot.parent.parent / "blobs"
    blobs.rename(tmp_path / "moved")
    blobs.symlink_to(tmp_path / "moved")
    with pytest.raises(CheckpointError, match="leads out"):
        inspect(snapshot)


@pytest.mark.parametrize(
    "name", ["../model.safetensors", "/etc/passwd", "..", ".", "", "a/../b.safetensors", "model.bin", 3, None]
)
def test_shards_are_plain_names_of_safetensors(name: object, model: Path) -> None:
    (model / "model.safetensors").rename(model.parent / "model.safetensors")
    (model / "model.safetensors.index.json").write_text(json.dumps({"weight_map": {"a": name}}), "utf-8")
    with pytest.raises(CheckpointError) as caught:
        inspect(model)
    assert caught.value.where is not None
    assert caught.value.where.file == model / "model.safetensors.index.json"
    assert (model.parent / "model.safetensors").is_file()


def test_a_shard_that_is_a_link_to_elsewhere_is_refused(model: Path, tmp_path: Path) -> None:
    _move(model / "model.safetensors", tmp_path / "outside.safetensors")
    (model / "model.safetensors").rename(model / "model-00001-of-00001.safetensors")
    index = {"weight_map": {"a": "model-00001-of-00001.safetensors"}}
    (model / "model.safetensors.index.json").write_text(json.dumps(index), "utf-8")
    with pytest.raises(CheckpointError, match="leads out"):
        inspect(model)
    assert (tmp_path / "outside.safetensors").is_file()


def test_an_exported_folder_s_base_is_no_link_to_elsewhere(model: Path, tmp_path: Path) -> None:
    folder = tmp_path / "adapter"
    folder.mkdir()
    (folder / "base").symlink_to(model)
    (folder / "checkpoint.json").write_text(
        json.dumps({"format": 1, "kind": "adapter", "parent": {"key": "a" * 64}}), "utf-8"
    )
    with pytest.raises(CheckpointError, match="leads out"):
        inspect(folder)


def test_an_adapter_beside_whole_weights_is_not_applied_in_silence(model: Path) -> None:
    (model / "adapter_config.json").write_text('{"base_model_name_or_path": "/nowhere"}', "utf-8")
    with pytest.raises(CheckpointError, match="a whole model and an adapter"):
        inspect(model)


@pytest.mark.parametrize("page", [{"peft_type": "XLORA"}, {"peft_type": "LORA", "adapters": {"a": "/etc"}}])
def test_an_adapter_that_names_further_adapters_is_refused(page: dict[str, object], tmp_path: Path) -> None:
    (tmp_path / "adapter_config.json").write_text(json.dumps(page), "utf-8")
    with pytest.raises(CheckpointError, match="further adapters by their paths"):
        plan_adapter(tmp_path, None)


@pytest.mark.parametrize("named", ["a" * 64, "../../Documents", "/etc", "owner/name", "file:///etc"])
def test_the_base_that_a_stranger_s_adapter_names_is_never_a_key(named: str, tmp_path: Path) -> None:
    from harness.core.digests import is_key

    (tmp_path / "adapter_config.json").write_text(json.dumps({"base_model_name_or_path": named}), "utf-8")
    parent = parent_of(tmp_path, "adapter", {})
    assert parent is not None
    assert not is_key(parent["key"])
    assert Path(parent["key"]) == Path(named)


@pytest.mark.parametrize("named", [{"a": 1}, ["/etc"], 3, "", None])
def test_a_base_that_is_no_text_is_none(named: object, tmp_path: Path) -> None:
    (tmp_path / "adapter_config.json").write_text(json.dumps({"base_model_name_or_path": named}), "utf-8")
    with pytest.raises(CheckpointError, match="does not say which checkpoint it builds on"):
        parent_of(tmp_path, "adapter", {})


@pytest.mark.parametrize("names", [("a",), ("a", "b")])
def test_adapters_that_stand_on_themselves_are_refused(names: tuple[str, ...], tmp_path: Path) -> None:
    for name, named in zip(names, (*names[1:], names[0]), strict=True):
        (tmp_path / name).mkdir()
        page = {"peft_type": "LORA", "base_model_name_or_path": str(tmp_path / named)}
        (tmp_path / name / "adapter_config.json").write_text(json.dumps(page), "utf-8")
        (tmp_path / name / "adapter_model.safetensors").write_bytes(b"\x02\0\0\0\0\0\0\0{}")
    with pytest.raises(CheckpointError, match="stands on itself"):
        checkpoint_digest(tmp_path / "a", Path)

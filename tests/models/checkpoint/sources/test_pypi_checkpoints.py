"""Checkpoints by name, from a package index in a temporary folder."""

from __future__ import annotations

import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from harness.core.digests import file_digest
from harness.core.errors import CheckpointError, IncompleteError
from harness.data.sources import pip_settings
from harness.models.checkpoint.checkpoint_digest import checkpoint_digest
from harness.models.checkpoint.sources import checkpoint_catalog
from harness.models.checkpoint.sources.locate import NamedCheckpoint, at_hand, locate
from harness.models.checkpoint.sources.pypi_checkpoints import bytes_to_fetch
from harness.storage.store import Store

FILES = ("config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json")
Publish = Callable[..., Path]


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "cache")


@pytest.fixture
def publish(tmp_path: Path, zoo: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch) -> Publish:
    """Puts a wheel with a checkpoint into a local index, and an entry for it into the catalog."""
    links, entries, source = tmp_path / "links", tmp_path / "entries", zoo("bert")
    links.mkdir()
    entries.mkdir()
    for name in ("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(pip_settings, "_config_list", lambda: "")
    monkeypatch.setenv("PIP_FIND_LINKS", str(links))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setattr(checkpoint_catalog, "_files", lambda: {path.stem: path for path in entries.glob("*.yaml")})

    def make(**changes: object) -> Path:
        wheel = links / "own_model-1.0-py3-none-any.whl"
        with zipfile.ZipFile(wheel, "w") as archive:
            archive.writestr("own_model/__init__.py", "raise SystemExit('imported')")
            for name in FILES:
                archive.write(source / name, f"own_model/weights/{name}")
        members = {
            name: {
                "path": f"own_model/weights/{name}",
                "sha256": file_digest(source / name),
                "bytes": (source / name).stat().st_size,
            }
            for name in FILES
        }
        pinned = {"package": "own-model", "version": "1.0", "format": "wheel", "sha256": file_digest(wheel)}
        archive = {**pinned, "bytes": wheel.stat().st_size, "members": members}
        entry = {
            "name": "own",
            "title": "a model of our own",
            "what": "random weights",
            "license": "CC0-1.0",
            "citation": "none",
            "archive": archive,
            **changes,
        }
        with (entries / "own.yaml").open("w") as file:
            YAML(typ="safe", pure=True).dump(entry, file)
        checkpoint_catalog._read.cache_clear()
        return wheel

    return make


def test_a_checkpoint_comes_out_of_its_package_by_name(
    publish: Publish, store: Store, tmp_path: Path, zoo: Callable[[str], Path], opened: Callable[..., object]
) -> None:
    wheel = publish()
    assert bytes_to_fetch("own", store) == wheel.stat().st_size
    assert not at_hand("catalog:own", store)
    folder = locate(NamedCheckpoint("catalog:own", None), base=tmp_path, store=store)
    assert {path.name for path in folder.iterdir()} == {*FILES, "manifest.json"}
    assert opened(folder).facts.language_model == "masked"
    assert checkpoint_digest(folder) == opened(folder).facts.digest
    assert "own_model" not in sys.modules
    assert at_hand("catalog:own", store)
    assert bytes_to_fetch("own", store) == 0


def test_it_is_fetched_once_and_then_works_offline(publish: Publish, store: Store, tmp_path: Path) -> None:
    wheel = publish()
    with pytest.raises(IncompleteError, match="harness data fetch catalog:own"):
        locate(NamedCheckpoint("catalog:own", None), base=tmp_path, store=store, offline=True)
    first = locate(NamedCheckpoint("catalog:own", None), base=tmp_path, store=store)
    wheel.unlink()
    assert locate(NamedCheckpoint("catalog:own", None), base=tmp_path, store=store, offline=True) == first


def test_another_file_under_the_name_is_refused(publish: Publish, store: Store, tmp_path: Path) -> None:
    wheel = publish()
    content = bytearray(wheel.read_bytes())
    content[len(content) // 2] ^= 1
    wheel.write_bytes(content)
    with pytest.raises(CheckpointError, match="do not match the digests in the catalog"):
        locate(NamedCheckpoint("catalog:own", None), base=tmp_path, store=store)
    assert not (store.root / "packaged").exists()


@pytest.mark.parametrize(("name", "told"), [("own-modell", "own"), ("", "own"), ("../own", "own")])
def test_an_unknown_name_is_answered_with_the_known_ones(
    publish: Publish, store: Store, tmp_path: Path, name: str, told: str
) -> None:
    publish()
    with pytest.raises(CheckpointError, match=told):
        locate(NamedCheckpoint(f"catalog:{name}", None), base=tmp_path, store=store)


def test_a_revision_does_not_go_with_a_pinned_checkpoint(store: Store, tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="pinned already"):
        locate(NamedCheckpoint("catalog:minilm-l6", "a" * 40), base=tmp_path, store=store)


@pytest.mark.parametrize("member", ["../model.safetensors", "sub/model.safetensors", ".hidden", "a\\b"])
def test_a_member_is_never_a_path(publish: Publish, store: Store, tmp_path: Path, member: str) -> None:
    archive = {"package": "own-model", "version": "1.0", "format": "wheel", "sha256": "0" * 64, "bytes": 1}
    publish(archive={**archive, "members": {member: {"path": "a", "sha256": "0" * 64, "bytes": 1}}})
    with pytest.raises(CheckpointError, match=r"models\.md"):
        locate(NamedCheckpoint("catalog:own", None), base=tmp_path, store=store)


def test_the_shipped_entries_are_whole() -> None:
    assert {"minilm-l6", "smollm2-135m-instruct", "sre-minilm-l6"} <= set(checkpoint_catalog.names())
    for name in checkpoint_catalog.names():
        entry = checkpoint_catalog.entry(name)
        assert entry.license
        assert entry.archive.bytes > 10_000_000


@pytest.mark.network
@pytest.mark.parametrize("name", ["minilm-l6", "sre-minilm-l6"])
def test_real_encoders_load(name: str, tmp_path: Path, opened: Callable[..., object]) -> None:
    facts = opened(locate(NamedCheckpoint(f"catalog:{name}", None), base=tmp_path, store=Store())).facts
    assert facts.family == "encoder"
    assert facts.parameters == pytest.approx(22.7e6, rel=0.01)


@pytest.mark.network
@pytest.mark.slow
def test_a_real_decoder_loads(tmp_path: Path, opened: Callable[..., object]) -> None:
    pytest.importorskip("gguf")
    facts = opened(locate(NamedCheckpoint("catalog:smollm2-135m-instruct", None), base=tmp_path, store=Store())).facts
    assert facts.language_model == "causal"
    assert facts.parameters == pytest.approx(134.5e6, rel=0.01)

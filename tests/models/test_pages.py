"""A checkpoint folder holds data only: it chooses no opener, no address, no secret and no path."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness.core import model_kind, registry
from harness.core.errors import CheckpointError, HarnessError
from harness.core.model_kind import formats
from harness.models.checkpoint.checkpoint_digest import checkpoint_digest
from harness.models.checkpoint.formats.classical_file import ClassicalWeights, read_classical, write_classical
from harness.models.checkpoint.formats.linear_head_file import LinearHead, read_linear, write_linear
from harness.models.checkpoint.inspection import inspect
from harness.models.checkpoint.lineage import read_lineage
from harness.models.derived.few_shot_backend import FewShotPrompt, read_shots, write_shots
from harness.models.derived.heuristic_backend import BaselineTable, read_baseline, write_baseline
from harness.models.derived.projection_backend import Projection, read_projection, write_projection
from harness.models.derived.self_debias_backend import SelfDebias, read_self_debias, write_self_debias
from harness.models.open_context import OpenContext
from harness.models.open_model import open_model

KINDS = tuple(formats())
KEY = "ab" * 32
PAGE: dict[str, Any] = {
    "format": 1,
    "labels": ["no", "yes"],
    "parent": {"key": KEY, "digest": None},
    "seed": 1,
    "data": {"rows": KEY},
    "cost": {"tokens": 1, "flops": 0.5, "steps": 1, "parameters": 2, "trainable": 2, "bytes": 9},
    "stage": {"task": "rows", "method": {"lora": {"rank": 2}}},
    "recipe": {"epochs": 1, "anything": [1, None, "x"]},
}
QUANTISED = {"format": 1, "kind": "quantized", "parent": {"key": KEY, "digest": KEY}, "quantize": "8bit"}


def page_of(kind: str) -> dict[str, Any]:
    return dict(QUANTISED) if kind == "quantized" else {**PAGE, "kind": kind}


def write(folder: Path, page: Any) -> Path:
    (folder / "checkpoint.json").write_text(json.dumps(page), "utf-8")
    return folder


@pytest.mark.parametrize("kind", KINDS)
def test_what_decides_is_read_and_the_notes_are_not(kind: str, tmp_path: Path) -> None:
    found = read_lineage(write(tmp_path, page_of(kind)))
    assert found["kind"] == kind
    assert set(found) <= {"format", "kind", "labels", "parent", "quantize"}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("change", "place", "said"),
    [
        ({"url": "http://localhost:1/v1"}, "", "unknown key 'url'"),
        ({"url": "file:///etc/passwd"}, "", "unknown key 'url'"),
        ({"api_key_env": "DECOY_SECRET"}, "", "unknown key 'api_key_env'"),
        ({"spec": {"url": "http://localhost:1/v1", "api_key_env": "DECOY_SECRET"}}, "", "unknown key 'spec'"),
        ({"opener": "os:system"}, "", "unknown key 'opener'"),
        ({"path": "/etc"}, "", "unknown key 'path'"),
        ({"parent": {"key": KEY, "path": "/etc"}}, ": parent", "unknown key 'path'"),
        ({"parent": {"key": "../../Documents"}}, ": parent.key", "found '../../Documents'"),
        ({"parent": {"key": "/etc"}}, ": parent.key", "found '/etc'"),
        ({"parent": {"key": "file:///etc"}}, ": parent.key", "expected a cache key"),
        ({"parent": {"key": KEY.upper()}}, ": parent.key", "expected a cache key"),
        ({"parent": {"key": KEY + "\n"}}, ": parent.key", "expected a cache key"),
        ({"parent": {"key": KEY, "digest": "../x"}}, ": parent.digest", "found '../x'"),
        ({"parent": "/etc"}, ": parent", "found the text '/etc'"),
        ({"parent": [KEY]}, ": parent", "found a list"),
    ],
)
def test_a_changed_page_is_refused_with_place_expected_and_found(
    kind: str, change: dict[str, Any], place: str, said: str, tmp_path: Path
) -> None:
    write(tmp_path, {**page_of(kind), **change})
    for reads in (read_lineage, inspect, checkpoint_digest, _open):
        with pytest.raises(CheckpointError) as caught:
            reads(tmp_path)
        assert str(caught.value.where) == f"{tmp_path / 'checkpoint.json'}{place}"
        assert said in caught.value.message
        assert caught.value.hint


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"labels": "no"}, "expected a list"),
        ({"labels": [1, 2]}, "expected text"),
        ({"seed": "1"}, "expected a whole number"),
        ({"data": ["rows"]}, "expected a mapping"),
        ({"cost": {"dollars": 1}}, "unknown key 'dollars'"),
        ({"stage": "rows"}, "expected a mapping"),
        ({"quantize": "4bit"}, "unknown key 'quantize'"),
    ],
)
def test_every_key_of_the_page_has_its_type(change: dict[str, Any], said: str, tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=said):
        read_lineage(write(tmp_path, {**page_of("linear"), **change}))


def test_a_folder_never_stands_for_a_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DECOY_SECRET", "decoy")
    spec = {"url": "http://127.0.0.1:9/v1", "model": "x", "api_key_env": "DECOY_SECRET"}
    page = {"spec": spec, "says": {}, "tokenizer": None, "tokenizer_digest": None}
    (tmp_path / "server.json").write_text(json.dumps(page), "utf-8")
    write(tmp_path, {"format": 1, "kind": "server"})
    for reads in (read_lineage, inspect, checkpoint_digest, _open):
        with pytest.raises(CheckpointError) as caught:
            reads(tmp_path)
        assert "server:" in str(caught.value.hint)
        assert "decoy" not in str(caught.value)


def test_what_a_page_of_0_1_0_says_is_read_in_the_words_of_today(tmp_path: Path) -> None:
    page = {"format": 1, "kind": "quantised", "parent": {"key": KEY, "digest": KEY}, "quantise": "8bit"}
    assert read_lineage(write(tmp_path, page)) == QUANTISED


PLUGGED = """
from harness.core.model_kind import CheckpointFormat, ModelKind
from harness.schema.suite.types import Strict
OPENED = []
def open_plugged(folder, context):
    OPENED.append(folder)
    raise AssertionError("opened")
class Plugged(ModelKind):
    name, Options, goal = "plugged", Strict, "none"
    FORMATS
    def label(self, options):
        return "plugged"
"""


@pytest.fixture
def plugged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """Registers a kind of an outside package, with the formats that are given."""

    def register(declared: str) -> None:
        (tmp_path / "plugged_kind.py").write_text(PLUGGED.replace("FORMATS", declared))
        monkeypatch.syspath_prepend(tmp_path)
        entry = EntryPoint("plugged", "plugged_kind:Plugged", "harness.models")
        known = {**registry._entries("models"), "plugged": entry}
        monkeypatch.setattr(registry, "_entries", lambda group: known)
        _forget()

    yield register
    monkeypatch.undo()
    sys.modules.pop("plugged_kind", None)
    _forget()


def _forget() -> None:
    model_kind.formats.cache_clear()
    model_kind.kind_named.cache_clear()


@pytest.mark.parametrize(
    "kind",
    [
        "plugged",
        "plugged_kind:open_plugged",
        "server",
        "load",
        "finetune",
        "harness.models.derived.linear_backend:open_linear",
        ["linear"],
        {"a": 1},
        None,
        1,
    ],
)
def test_what_a_package_registers_is_not_reached_by_a_folder(
    kind: Any, tmp_path: Path, plugged: Callable[[str], None]
) -> None:
    plugged("")
    with pytest.raises(CheckpointError):
        _open(write(tmp_path, {"format": 1, "kind": kind}))
    assert sys.modules["plugged_kind"].OPENED == []


def test_a_format_that_a_package_declares_is_opened_by_it(tmp_path: Path, plugged: Callable[[str], None]) -> None:
    plugged('formats = (CheckpointFormat("plugged", opener="plugged_kind:open_plugged"),)')
    with pytest.raises(CheckpointError, match="unknown key 'url'"):
        _open(write(tmp_path, {"format": 1, "kind": "plugged", "url": "http://localhost:1"}))
    with pytest.raises(AssertionError, match="opened"):
        _open(write(tmp_path, {"format": 1, "kind": "plugged"}))


def _linear(folder: Path) -> None:
    write_linear(folder, LinearHead(np.eye(2), np.zeros(2), np.zeros(2), np.ones(2), ("no", "yes")))


def _classical(folder: Path) -> None:
    write_classical(folder, ClassicalWeights({"a": 0, "b": 1}, np.ones(2), np.eye(2), np.zeros(2), ("no", "yes")))


COMPANIONS: dict[str, tuple[Callable[[Path], Any], Callable[[Path], Any]]] = {
    "linear.json": (_linear, read_linear),
    "classical.json": (_classical, read_classical),
    "vocabulary.json": (_classical, read_classical),
    "baseline.json": (lambda folder: write_baseline(folder, BaselineTable("majority", ("no", "yes"))), read_baseline),
    "prompt.json": (lambda folder: write_shots(folder, FewShotPrompt("rows", (("a", "b"),))), read_shots),
    "self_debias.json": (lambda folder: write_self_debias(folder, SelfDebias(("x",), 2.0)), read_self_debias),
    "projection.json": (
        lambda folder: write_projection(folder, Projection(np.eye(1, 3), "inlp", "gender")),
        read_projection,
    ),
}


def test_the_files_of_the_formats_are_those_that_are_written() -> None:
    declared = {name for known in formats().values() for name in known.files if name.endswith(".json")}
    assert declared == set(COMPANIONS)


@pytest.mark.parametrize("name", COMPANIONS)
@pytest.mark.parametrize("added", ["url", "api_key_env", "path", "tokenizer"])
def test_companion_files_hold_nothing_else(name: str, added: str, tmp_path: Path) -> None:
    writes, reads = COMPANIONS[name]
    writes(tmp_path)
    reads(tmp_path)
    page = json.loads((tmp_path / name).read_text("utf-8"))
    (tmp_path / name).write_text(json.dumps({**page, added: "file:///etc/passwd"}), "utf-8")
    with pytest.raises(CheckpointError) as caught:
        reads(tmp_path)
    assert str(tmp_path / name) in str(caught.value.where)
    assert added in str(caught.value)


@pytest.mark.parametrize("name", COMPANIONS)
def test_companion_files_keep_the_types_of_their_fields(name: str, tmp_path: Path) -> None:
    writes, reads = COMPANIONS[name]
    writes(tmp_path)
    page = json.loads((tmp_path / name).read_text("utf-8"))
    for key in page:
        (tmp_path / name).write_text(json.dumps({**page, key: {"path": {"to": "/etc"}}}), "utf-8")
        with pytest.raises(CheckpointError):
            reads(tmp_path)


def _open(folder: Path) -> Any:
    def resolve(key: str) -> Path:
        raise HarnessError(f"asked for {key}")

    return open_model(folder, OpenContext(resolve=resolve, responses=None, device="cpu"))

from __future__ import annotations

import json
from pathlib import Path

import pytest

from harness.commands.new_suites.auto_suite import audit_suite
from harness.commands.run import train_models
from harness.core.errors import CheckpointError, HarnessError, IncompleteError
from harness.core.model_kind import ModelSpec
from harness.core.reporter import Silent
from harness.model_kinds.finetune_kind import FinetuneSpec
from harness.pipeline.checkpoints import checkpoint_builder
from harness.pipeline.prepared_suite import prepare, references
from harness.pipeline.run_suite import Settings, run_suite
from harness.storage.store import Store
from harness.suite.load_suite import parse_suite
from harness.suite.suite import Suite

SUITE = """\
name: little
data:
  notes: {file: notes.csv, splits: {train: 0.5, validation: 0.2, test: 0.3}}
models:
  base: {pretrain: {data: [notes], architecture: bert-tiny, budget: {steps: 1}}}
  small: {finetune: {from: base, task: notes, method: {qlora: {rank: 4}}, epochs: 1}}
compare: {baseline: base}
tasks:
  notes: {classification: {data: notes}}
"""


def _little(tmp_path: Path, old: str, new: str) -> Suite:
    rows = "".join(f"note number {n} is {'fine,good' if n % 2 else 'poor,bad'}\n" for n in range(60))
    (tmp_path / "notes.csv").write_text("text,label\n" + rows, "utf-8")
    return parse_suite(SUITE.replace(old, new), tmp_path / "little.yaml")


@pytest.mark.parametrize(
    ("old", "new", "line", "message"),
    [
        ("bert-tiny", "{model_type: bert, n_embd: 8}", 5, "model 'base': architecture: unknown key 'n_embd'"),
        ("steps: 1}", "steps: 4}, learning_rate: 1.0e+9", 5, "model 'base': pretraining: the loss became"),
        (
            "method: {qlora: {rank: 4}}",
            "mlm_loss_weight: 1.0, method: frozen",
            6,
            "model 'small': `mlm_loss_weight` applies only to",
        ),
        ("method: {qlora: {rank: 4}}", "max_train_rows: 5k", 6, "model 'small': expected at most 3"),
    ],
)
def test_what_a_stage_refuses_is_said_of_its_model(
    old: str, new: str, line: int, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # What is refused here comes before the stage by qlora, with or without its package.
    monkeypatch.setattr(checkpoint_builder, "is_installed", lambda name: True)
    with pytest.raises(HarnessError) as caught:
        train_models(_little(tmp_path, old, new), Store(tmp_path / "cache"), Silent())
    assert message in caught.value.message
    assert caught.value.where is not None
    assert (Path(caught.value.where.file).name, caught.value.where.line) == ("little.yaml", line)


def test_a_missing_extra_is_named_before_anything_is_trained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkpoint_builder, "is_installed", lambda name: name != "bitsandbytes")
    store = Store(tmp_path / "cache")
    with pytest.raises(IncompleteError, match="'small': the method qlora needs bitsandbytes") as caught:
        train_models(_little(tmp_path, "", ""), store, Silent())
    assert caught.value.where is not None
    assert caught.value.where.line == 6
    assert not list((tmp_path / "cache").rglob("model.safetensors"))


class _Later(FinetuneSpec):
    """A stage of a later version, with one key more."""

    novelty: int | None = None


def test_a_key_that_later_versions_add_keeps_checkpoints_where_it_is_not_given(tmp_path: Path) -> None:
    suite = _little(tmp_path, "", "")
    builder = checkpoint_builder.CheckpointBuilder(
        prepare(suite, Store(tmp_path / "cache"), Silent()), Store(tmp_path / "cache"), Silent()
    )
    now = builder.key("small")
    spec = suite.models["small"]
    told = spec.options.model_dump(by_alias=True)
    for given, same in (({}, True), ({"novelty": 3}, False)):
        later = ModelSpec(spec.kind, _Later.model_validate({**told, **given}))
        assert (builder._key("small", later) == now) is same


def test_data_that_only_a_projection_names_is_opened(tmp_path: Path) -> None:
    more = "data:\n  other: {file: notes.csv}"
    text = SUITE.replace(SUITE.splitlines()[5], "  small: {project: {from: base, data: [other]}}")
    suite = parse_suite(text.replace("data:", more, 1), tmp_path / "little.yaml")
    assert set(references(suite)) == {"notes", "other"}


LOADED = """\
name: loaded
data:
  notes: {file: notes.csv, splits: {train: 0.5, validation: 0.2, test: 0.3}}
models:
  theirs: {load: ./theirs}
  rule: {heuristic: {task: notes, rule: majority}}
compare: {baseline: rule}
tasks:
  notes: {classification: {data: notes}}
"""


def _theirs(tmp_path: Path, files: dict[str, object]) -> Suite:
    """A suite that loads a folder of somebody else with these files."""
    suite = _little(tmp_path, SUITE, LOADED)
    (tmp_path / "theirs").mkdir()
    for name, content in files.items():
        (tmp_path / "theirs" / name).write_text(json.dumps(content), "utf-8")
    return suite


def test_a_loaded_folder_that_calls_itself_a_server_sends_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def client(*_: object, **__: object) -> None:
        raise AssertionError("an address was taken out of a folder")

    monkeypatch.setattr("harness.models.server.client.ServerClient.__init__", client)
    monkeypatch.setenv("DECOY_SECRET", "decoy")
    spec = {"url": "http://127.0.0.1:9/v1", "model": "x", "api_key_env": "DECOY_SECRET"}
    page = {"spec": spec, "says": {}, "tokenizer": None, "tokenizer_digest": None}
    suite = _theirs(tmp_path, {"checkpoint.json": {"format": 1, "kind": "server"}, "server.json": page})
    with pytest.raises(CheckpointError) as caught:
        run_suite(suite, Store(tmp_path / "cache"), Silent(), Settings(out=tmp_path / "out", device="cpu"))
    assert "server:" in str(caught.value.hint)
    theirs = str(tmp_path / "theirs")
    with pytest.raises(CheckpointError, match="the description of a server"):
        audit_suite(theirs, theirs)


@pytest.mark.parametrize("named", ["Documents", "Documents/thesis.txt", "../../Documents", "~", "x" * 5000, "a\0b"])
def test_the_base_that_a_loaded_adapter_names_is_only_read(
    named: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    victim = tmp_path / "Documents"
    victim.mkdir()
    (victim / "thesis.txt").write_text("work")
    suite = _theirs(tmp_path, {"adapter_config.json": {"peft_type": "LORA", "base_model_name_or_path": named}})
    (tmp_path / "theirs" / "adapter_model.safetensors").write_bytes(b"\x02\0\0\0\0\0\0\0{}")
    for text in (named, str(victim / "thesis.txt")):
        page = {"peft_type": "LORA", "base_model_name_or_path": text}
        (tmp_path / "theirs" / "adapter_config.json").write_text(json.dumps(page), "utf-8")
        with pytest.raises(HarnessError):
            train_models(suite, Store(tmp_path / "x" / "harness"), Silent())
    assert (victim / "thesis.txt").read_text() == "work"
    assert not (tmp_path / "x" / "harness" / "damaged").exists()


def test_a_text_that_is_no_key_is_not_looked_for_in_the_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = Store(tmp_path / "cache")
    builder = checkpoint_builder.CheckpointBuilder(prepare(_little(tmp_path, "", ""), store, Silent()), store, Silent())

    def get(*_: object) -> None:
        raise AssertionError("asked the store")

    monkeypatch.setattr(store, "get", get)
    with pytest.raises(HarnessError, match="does not exist"):
        builder.resolve("owner/name")
    assert builder.resolve(str(tmp_path)) == tmp_path
    with pytest.raises(AssertionError, match="asked the store"):
        builder.resolve("a" * 64)

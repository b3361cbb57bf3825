from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from safetensors.torch import load_file, save_file

from harness.core.distribution import MissingPackageError, is_installed
from harness.core.errors import CheckpointError, IncompleteError
from harness.core.requests import Generate
from harness.models.checkpoint.checkpoint_digest import checkpoint_digest
from harness.models.checkpoint.inspection import inspect
from harness.models.checkpoint.sources.locate import NamedCheckpoint, locate

REVISION = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture
def folder(tmp_path, zoo) -> Path:
    copied = tmp_path / "model"
    shutil.copytree(zoo("bert"), copied)
    return copied


def remove_config(folder: Path) -> None:
    (folder / "config.json").unlink()


def damage_config(folder: Path) -> None:
    (folder / "config.json").write_text("{")


def list_config(folder: Path) -> None:
    (folder / "config.json").write_text("[]")


def remove_tokenizer(folder: Path) -> None:
    (folder / "tokenizer.json").unlink()


def damage_tokenizer(folder: Path) -> None:
    (folder / "tokenizer.json").write_text('{"model": 3}')


def pickle_weights(folder: Path) -> None:
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")


def remove_weights(folder: Path) -> None:
    (folder / "model.safetensors").unlink()


def cut_header(folder: Path) -> None:
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:100])


def cut_weights(folder: Path) -> None:
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-100])


def empty_weights(folder: Path) -> None:
    (folder / "model.safetensors").write_bytes(b"")


def shard_missing(folder: Path) -> None:
    (folder / "model.safetensors").unlink()
    index = {"weight_map": {"a": "model-00001-of-00002.safetensors"}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))


def shard_outside(folder: Path) -> None:
    (folder / "model.safetensors").unlink()
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": {"a": "../b.safetensors"}}))


def more_tokens(folder: Path) -> None:
    tokenizer = json.loads((folder / "tokenizer.json").read_text())
    tokenizer["model"]["vocab"]["extra"] = 4000
    (folder / "tokenizer.json").write_text(json.dumps(tokenizer))


def sequence_to_sequence(folder: Path) -> None:
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "is_encoder_decoder": True}))


def unknown_kind(folder: Path) -> None:
    (folder / "checkpoint.json").write_text('{"format": 1, "kind": "magic"}')


def other_format(folder: Path) -> None:
    (folder / "checkpoint.json").write_text('{"format": 99, "kind": "transformers"}')


def linear_without_parent(folder: Path) -> None:
    (folder / "checkpoint.json").write_text('{"format": 1, "kind": "linear", "labels": ["a", "b"], "parent": null}')


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (remove_config, "no config.json"),
        (damage_config, "cannot be read"),
        (list_config, "found list"),
        (remove_tokenizer, "no tokenizer"),
        (damage_tokenizer, "tokenizer cannot be read"),
        (pickle_weights, "only safetensors is loaded"),
        (remove_weights, "no weights"),
        (cut_header, "safetensors header"),
        (cut_weights, "by the safetensors header"),
        (empty_weights, "0 bytes"),
        (shard_missing, "shard .* is missing"),
        (shard_outside, "expected names of .safetensors files"),
        (more_tokens, "ids up to 4000"),
        (unknown_kind, "magic"),
        (other_format, "99"),
        (linear_without_parent, "does not say which checkpoint"),
    ],
)
def test_a_damaged_folder_is_refused_with_place_and_reason(damage, words, folder, opened):
    damage(folder)
    with pytest.raises(CheckpointError, match=words) as caught:
        inspect(folder)
    assert caught.value.where is not None
    assert str(folder) in str(caught.value)
    with pytest.raises(CheckpointError):
        opened(folder)


def test_a_pickled_checkpoint_says_how_to_convert(folder):
    pickle_weights(folder)
    with pytest.raises(CheckpointError) as caught:
        checkpoint_digest(folder)
    assert "pytorch_model.bin" in caught.value.message
    assert "save_pretrained" in str(caught.value.hint)


def test_missing_folders_and_files_are_told_apart(tmp_path):
    with pytest.raises(CheckpointError, match="does not exist"):
        inspect(tmp_path / "nowhere")
    (tmp_path / "file").touch()
    with pytest.raises(CheckpointError, match="this is a file"):
        inspect(tmp_path / "file")


def test_weights_of_another_shape_are_refused(folder, opened):
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "intermediate_size": 48}))
    with pytest.raises(CheckpointError, match="cannot load"):
        opened(folder)


def test_missing_encoder_weights_are_refused(folder, opened):
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "num_hidden_layers": 3}))
    with pytest.raises(CheckpointError, match="of the encoder are missing"):
        opened(folder)


def test_a_sequence_to_sequence_model_of_unknown_type_is_refused(folder, opened):
    sequence_to_sequence(folder)
    with pytest.raises(CheckpointError, match="no sequence-to-sequence model of the type 'bert'"):
        opened(folder)


def test_unknown_model_types_are_refused_without_running_their_code(folder, opened):
    config = json.loads((folder / "config.json").read_text())
    config |= {"model_type": "strange", "auto_map": {"AutoConfig": "code.Config"}}
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "code.py").write_text("raise SystemExit('ran')")
    with pytest.raises(CheckpointError, match="needs code of its own"):
        opened(folder)


@pytest.mark.skipif(is_installed("bitsandbytes"), reason="bitsandbytes is installed")
def test_weights_saved_in_few_bits_name_the_extra_that_reads_them(folder, opened):
    config = json.loads((folder / "config.json").read_text())
    few = {"quant_method": "bitsandbytes", "load_in_4bit": True}
    (folder / "config.json").write_text(json.dumps({**config, "quantization_config": few}))
    with pytest.raises(MissingPackageError, match=r"(?s)saved in 4 or 8 bits, needs bitsandbytes.*\[qlora\]"):
        opened(folder)


def test_inspection_tells_what_is_there(zoo, tmp_path):
    info = inspect(zoo("bert"))
    assert (info.kind, info.family, info.model_type, info.labels) == ("transformers", "masked", "bert", None)
    assert info.has_tokenizer
    assert info.parameters > 10_000
    assert info.bytes > 4 * info.parameters
    assert inspect(zoo("gpt2")).family == "causal"


def test_masked_types_are_those_that_transformers_knows():
    from transformers.models.auto.modeling_auto import MODEL_FOR_MASKED_LM_MAPPING_NAMES

    from harness.model_kinds.model_families import MASKED_TYPES

    assert {"bert", "roberta", "distilbert", "modernbert"} <= MASKED_TYPES <= set(MODEL_FOR_MASKED_LM_MAPPING_NAMES)


@pytest.mark.parametrize("revision", [None, "main", "abc123", REVISION.upper()])
def test_hub_ids_need_a_pinned_revision(revision, tmp_path):
    with pytest.raises(CheckpointError, match="full commit hash"):
        locate(NamedCheckpoint("someone/model", revision), base=tmp_path)


def test_an_unreachable_hub_is_incomplete_work(tmp_path):
    with pytest.raises(IncompleteError, match="not in the local cache"):
        locate(NamedCheckpoint("someone/model-that-is-nowhere", REVISION), base=tmp_path, offline=True)


def test_local_folders_are_found_relative_to_the_suite(tmp_path):
    (tmp_path / "models" / "mine").mkdir(parents=True)
    assert locate(NamedCheckpoint("models/mine", None), base=tmp_path) == tmp_path / "models" / "mine"
    with pytest.raises(CheckpointError, match="does not exist"):
        locate(NamedCheckpoint("./models/other", None), base=tmp_path)


def test_code_of_a_tokenizer_is_neither_run_nor_asked_about(folder, opened, monkeypatch):
    """transformers would ask at the terminal whether to run it."""
    monkeypatch.setattr("builtins.input", lambda *_: pytest.fail("asked"))
    page = {"tokenizer_class": "Strange", "auto_map": {"AutoTokenizer": ["code.Strange", None]}}
    (folder / "tokenizer_config.json").write_text(json.dumps(page))
    (folder / "code.py").write_text("raise SystemExit('ran')")
    assert opened(folder).facts.language_model == "masked"  # by tokenizer.json alone


def test_a_tokenizer_without_offsets_is_refused_with_its_place(folder, opened):
    page = {"tokenizer_class": "ByT5Tokenizer"}
    (folder / "tokenizer_config.json").write_text(json.dumps(page))
    with pytest.raises(CheckpointError, match=r"no tokenizer\.json form") as caught:
        opened(folder)
    assert str(folder) in str(caught.value)


@pytest.mark.parametrize("length", [-1, 0, None])
def test_a_length_that_is_none_counts_as_no_limit(folder, opened, length):
    page = json.loads((folder / "tokenizer_config.json").read_text())
    (folder / "tokenizer_config.json").write_text(json.dumps({**page, "model_max_length": length}))
    assert opened(folder).facts.max_length == 32


def rewritten(folder: Path, **changes: object) -> None:
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, **changes}))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"num_attention_heads": 5}, "cannot load.*multiple of the number of attention heads"),
        ({"max_position_embeddings": "x"}, "cannot load.*expected int"),
        ({"pad_token_id": 999_999}, "cannot load.*Padding_idx"),
    ],
)
def test_configurations_that_make_no_sense_are_refused(changes, words, folder, opened):
    rewritten(folder, **changes)
    with pytest.raises(CheckpointError, match=words):
        opened(folder)


def test_layers_that_the_configuration_leaves_out_are_told(folder, opened):
    rewritten(folder, num_hidden_layers=1)
    (note,) = opened(folder).facts.notes
    assert "weights of layers that the configuration leaves out" in note
    assert "encoder.layer.1." in note


def test_a_language_model_without_its_whole_head_is_told(folder, opened):
    weights = load_file(folder / "model.safetensors")
    del weights["cls.predictions.bias"]
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    facts = opened(folder).facts
    assert facts.language_model is None
    assert "cls.predictions.bias is missing" in facts.notes[0]


def test_generation_settings_that_name_no_tokens_are_refused(tmp_path, zoo, opened):
    shutil.copytree(zoo("gpt2"), tmp_path / "m")
    (tmp_path / "m" / "generation_config.json").write_text('{"eos_token_id": ["x"]}')
    with pytest.raises(CheckpointError, match="expected token ids"):
        list(opened(tmp_path / "m").answer([Generate("a", max_tokens=1)]))

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from harness_support import model_zoo
from safetensors import safe_open
from safetensors.torch import load_file
from transformers import AutoTokenizer, LlamaForCausalLM

from harness.core.errors import CheckpointError, IncompleteError, Where
from harness.core.reporter import Silent
from harness.core.requests import Likelihood, RollingLikelihood
from harness.models.checkpoint.formats import gguf as conversion
from harness.models.checkpoint.sources.locate import NamedCheckpoint, locate
from harness.storage.store import Store

gguf = pytest.importorskip("gguf")
from gguf.quants import dequantize, quantize  # noqa: E402  # after the check that gguf is there
from harness_support.gguf_files import write_gguf  # noqa: E402


@pytest.fixture(scope="module")
def llama(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Llama-shaped model with a byte-level tokenizer, as most GGUF files hold it."""
    folder = tmp_path_factory.mktemp("llama")
    torch.manual_seed(0)
    tokenizer = model_zoo.gpt2_tokenizer()
    ends = {"bos_token_id": tokenizer.bos_token_id, "eos_token_id": tokenizer.eos_token_id}
    LlamaForCausalLM(model_zoo.config_of("llama", tokenizer, **ends)).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "cache")


def written(llama: Path, path: Path, quantization: str, **says: object) -> dict[str, torch.Tensor]:
    model = LlamaForCausalLM.from_pretrained(llama)
    write_gguf(path, model, AutoTokenizer.from_pretrained(llama), quantization, **says)
    return model.state_dict()


def test_full_precision_comes_back_unchanged(
    llama: Path, tmp_path: Path, store: Store, opened: Callable[..., object]
) -> None:
    own = written(llama, tmp_path / "tiny.gguf", "F32")
    folder = locate(NamedCheckpoint("tiny.gguf", None), base=tmp_path, store=store)
    found = load_file(folder / "model.safetensors")
    for name, weight in own.items():
        if name in found:
            assert torch.equal(found[name], weight), name
    assert set(own) - set(found) <= {"lm_head.weight"}
    assert "quantization_config" not in json.loads((folder / "config.json").read_text())
    text = RollingLikelihood("The nurse told the doctor.")
    ((_, ours),) = opened(folder).answer([text])
    ((_, original),) = opened(llama).answer([text])
    assert isinstance(ours, Likelihood)
    assert ours.total == pytest.approx(original.total, abs=1e-4)


def test_quantized_blocks_are_unpacked_exactly(llama: Path, tmp_path: Path, store: Store) -> None:
    own = written(llama, tmp_path / "tiny.gguf", "Q8_0")
    found = load_file(locate(NamedCheckpoint("tiny.gguf", None), base=tmp_path, store=store) / "model.safetensors")
    name = "model.layers.0.mlp.gate_proj.weight"
    kind = gguf.GGMLQuantizationType.Q8_0
    expected = dequantize(quantize(own[name].numpy(), kind), kind)
    np.testing.assert_array_equal(found[name].numpy(), expected)
    assert not np.array_equal(expected, own[name].numpy())


def test_a_file_is_converted_once_and_found_by_its_content(llama: Path, tmp_path: Path, store: Store) -> None:
    written(llama, tmp_path / "tiny.gguf", "F32")
    first = locate(NamedCheckpoint("tiny.gguf", None), base=tmp_path, store=store)
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "tiny.gguf").rename(tmp_path / "elsewhere" / "other.gguf")
    made = first.stat().st_mtime_ns
    again = locate(NamedCheckpoint("elsewhere/other.gguf", None), base=tmp_path, store=Store(store.root))
    assert again == first
    assert again.stat().st_mtime_ns == made


@pytest.mark.parametrize("content", [b"", b"GGUF", b"GGUF\x03\x00\x00\x00" + b"\xff" * 64, b"PK\x03\x04"])
def test_a_damaged_file_is_said_to_be_one(content: bytes, tmp_path: Path, store: Store) -> None:
    (tmp_path / "bad.gguf").write_bytes(content)
    with pytest.raises(CheckpointError, match="GGUF"):
        locate(
            NamedCheckpoint("bad.gguf", None), base=tmp_path, store=store, where=Where(tmp_path / "suite.yaml", 3, 1)
        )
    assert not list((store.root / "converted").rglob("*.safetensors"))


@pytest.mark.parametrize(
    "declared", [{"num_hidden_layers": 2**31}, {"intermediate_size": 2**31}, {"hidden_size": 2**20}]
)
def test_a_file_that_declares_more_than_it_holds_is_refused(
    declared: dict[str, int], llama: Path, tmp_path: Path, store: Store
) -> None:
    written(llama, tmp_path / "large.gguf", "F32", declared=declared)
    with pytest.raises(CheckpointError, match="the file declares"):
        locate(NamedCheckpoint("large.gguf", None), base=tmp_path, store=store)


def test_every_conversion_of_a_file_has_the_same_bytes(llama: Path, tmp_path: Path) -> None:
    """Notes on tied weights stood in the file in an order that changed, and so did the checkpoint's digest."""
    written(llama, tmp_path / "tiny.gguf", "F32")
    named = NamedCheckpoint("tiny.gguf", None)
    folders = [locate(named, base=tmp_path, store=Store(tmp_path / cache)) for cache in ("one", "two")]
    first, second = ((folder / "model.safetensors").read_bytes() for folder in folders)
    assert first == second
    with safe_open(folders[0] / "model.safetensors", "pt") as file:
        assert file.metadata() == {"format": "pt"}, "of several notes, none has a fixed place"
        assert "model.embed_tokens.weight" in file.keys()  # noqa: SIM118 a handle, not a mapping


def test_the_file_is_parsed_once(llama: Path, tmp_path: Path, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each parsing takes ten seconds for a vocabulary of 49,000 words, and transformers asked for four."""
    parsed = []

    class Counted(gguf.GGUFReader):
        def __init__(self, *arguments: object, **options: object) -> None:
            parsed.append(arguments)
            super().__init__(*arguments, **options)

    written(llama, tmp_path / "tiny.gguf", "F32")
    monkeypatch.setattr(gguf, "GGUFReader", Counted)
    locate(NamedCheckpoint("tiny.gguf", None), base=tmp_path, store=store)
    assert len(parsed) == 1
    assert gguf.GGUFReader is Counted


def test_a_cut_file_leaves_nothing_behind(llama: Path, tmp_path: Path, store: Store) -> None:
    written(llama, tmp_path / "tiny.gguf", "F32")
    whole = (tmp_path / "tiny.gguf").read_bytes()
    (tmp_path / "tiny.gguf").write_bytes(whole[: len(whole) * 2 // 3])
    with pytest.raises(CheckpointError, match=r"tiny\.gguf"):
        locate(NamedCheckpoint("tiny.gguf", None), base=tmp_path, store=store)
    (tmp_path / "tiny.gguf").write_bytes(whole)
    assert locate(NamedCheckpoint("tiny.gguf", None), base=tmp_path, store=store).is_dir()


def test_without_the_library_its_package_is_named(
    llama: Path, tmp_path: Path, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    written(llama, tmp_path / "tiny.gguf", "F32")
    monkeypatch.setattr(conversion, "_version", lambda package: None)
    with pytest.raises(IncompleteError, match=r"reading GGUF files needs gguf of the extra 'gguf'.*\n.*\[gguf\]"):
        locate(NamedCheckpoint("tiny.gguf", None), base=tmp_path, store=store, reporter=Silent())


@pytest.mark.parametrize(
    ("cut", "pieces"),
    [
        ("gpt-2", ["In", " 1984", ",", " ", " it"]),
        ("smollm", ["In", " ", "1", "9", "8", "4", ",", " ", " it"]),
        ("llama-bpe", ["In", " ", "198", "4", ",", " ", " it"]),
        ("qwen2", ["In", " ", "1", "9", "8", "4", ",", " ", " it"]),
    ],
)
def test_text_is_cut_as_the_file_says(cut: str, pieces: list[str], llama: Path, tmp_path: Path, store: Store) -> None:
    written(llama, tmp_path / "tiny.gguf", "F32", cut=cut)
    tokenizer = AutoTokenizer.from_pretrained(locate(NamedCheckpoint("tiny.gguf", None), base=tmp_path, store=store))
    text = "In 1984,  it"
    found = tokenizer.backend_tokenizer.pre_tokenizer.pre_tokenize_str(text)
    assert [text[start:end] for _, (start, end) in found] == pieces


def test_an_unknown_cut_is_told(llama: Path, tmp_path: Path, store: Store) -> None:
    written(llama, tmp_path / "tiny.gguf", "F32", cut="of-tomorrow")
    reporter = Silent()
    locate(NamedCheckpoint("tiny.gguf", None), base=tmp_path, store=store, reporter=reporter)
    assert "of-tomorrow" in " ".join(reporter.warnings)


@pytest.mark.parametrize("bos", [True, False])
def test_bos_goes_before_the_text_as_the_file_says(bos: bool, llama: Path, tmp_path: Path, store: Store) -> None:
    written(llama, tmp_path / "tiny.gguf", "F32", bos=bos)
    tokenizer = AutoTokenizer.from_pretrained(locate(NamedCheckpoint("tiny.gguf", None), base=tmp_path, store=store))
    ids = tokenizer("a word").input_ids
    assert (ids[0] == tokenizer.bos_token_id) == bos
    assert tokenizer.decode(ids, skip_special_tokens=True) == "a word"

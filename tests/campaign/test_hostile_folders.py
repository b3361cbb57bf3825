"""Model folders that are damaged or made to do harm: a sentence, at once, in bounded memory; never a wrong figure."""

from __future__ import annotations

import json
import os
import random
import shutil
import struct
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from harness_support.zygote import Zygote

pytestmark = pytest.mark.slow

SUITE = """\
name: s
data:
  p: {{file: p.csv, held_out: true, splits: {{test: 1.0}}}}
models:
  a: {{load: evil}}
  b: {{load: {other}}}
compare: {{baseline: b}}
tasks:
  t: {{language_modeling: {{data: p}}}}
"""
MEMORY = {"memory": 12 * 2**30}
FOREVER = "{% for i in range(90000) %}{% for j in range(90000) %}{{ i }}{% endfor %}{% endfor %}"


def edited(name: str, change: Callable[[Any], Any]) -> Callable[[Path], None]:
    def edit(folder: Path) -> None:
        file = folder / name
        file.write_text(json.dumps(change(json.loads(file.read_text("utf-8")))), "utf-8")

    return edit


def replaced(name: str, content: bytes) -> Callable[[Path], None]:
    return special(name, lambda file: file.write_bytes(content))


def index(page: str) -> Callable[[Path], None]:
    def put(folder: Path) -> None:
        (folder / "model.safetensors").rename(folder / "model-1.safetensors")
        (folder / "model.safetensors.index.json").write_text(page, "utf-8")

    return put


def moved(name: str, other: str) -> Callable[[Path], None]:
    def move(folder: Path) -> None:
        (folder / name).rename(folder / other)

    return move


def special(name: str, make: Callable[[Path], Any]) -> Callable[[Path], None]:
    def put(folder: Path) -> None:
        (folder / name).unlink(missing_ok=True)
        make(folder / name)

    return put


def header(change: Callable[[dict[str, Any]], dict[str, Any]]) -> Callable[[Path], None]:
    def edit(folder: Path) -> None:
        file = folder / "model.safetensors"
        content = file.read_bytes()
        (length,) = struct.unpack("<Q", content[:8])
        head = json.dumps(change(json.loads(content[8 : 8 + length]))).encode()
        file.write_bytes(struct.pack("<Q", len(head)) + head + content[8 + length :])

    return edit


def every_entry(**values: Any) -> Callable[[dict[str, Any]], dict[str, Any]]:
    return lambda head: {name: entry if name[:2] == "__" else {**entry, **values} for name, entry in head.items()}


def split_by(pattern: str) -> Callable[[Any], Any]:
    part = {"type": "Split", "pattern": {"Regex": pattern}, "behavior": "Isolated", "invert": False}
    return lambda page: {**page, "pre_tokenizer": part}


def with_config(**values: Any) -> Callable[[Path], None]:
    return edited("config.json", lambda page: {**page, **values})


ATTACKS: Mapping[str, Callable[[Path], None]] = {
    **{f"{size}={value}": with_config(**{size: value})
       for size in ("vocab_size", "hidden_size", "num_hidden_layers", "intermediate_size", "max_position_embeddings",
                    "num_attention_heads", "num_labels", "type_vocab_size")
       for value in (10**9, -1, 0, "12", None, 1.5, [])},
    "labels by the million": with_config(id2label={str(number): f"l{number}" for number in range(1_000_000)}),
    "no model type": edited("config.json", lambda page: {key: page[key] for key in page if key != "model_type"}),
    "unknown model type": with_config(model_type="never_heard_of"),
    "another model type": with_config(model_type="whisper"),
    "auto_map": with_config(auto_map={"AutoModel": "evil.Model", "AutoConfig": "evil.Config"}),
    "architectures is a number": with_config(architectures=7),
    "architectures is an object": with_config(architectures={"a": "BertForMaskedLM"}),
    "architectures are numbers": with_config(architectures=[7, None]),
    "architectures is a text": with_config(architectures="BertForMaskedLM"),
    "dtype unknown": with_config(dtype="float3"),
    "quantization config": with_config(quantization_config={"quant_method": "bitsandbytes", "load_in_4bit": True}),
    "activation unknown": with_config(hidden_act="no_such_function", activation_function="no_such_function"),
    "config is a list": replaced("config.json", b"[]"),
    "config is deep": replaced("config.json", b'{"a":' * 100_000 + b"1" + b"}" * 100_000),
    "config is empty": replaced("config.json", b""),
    "config is UTF-16": replaced("config.json", '{"model_type": "bert"}'.encode("utf-16")),
    "config holds NaN": with_config(layer_norm_eps=float("nan"), layer_norm_epsilon=float("nan")),
    **{f"{name} is a pipe": special(name, os.mkfifo)
       for name in ("config.json", "tokenizer.json", "model.safetensors")},
    **{f"{name} is /dev/zero": special(name, lambda file: file.symlink_to("/dev/zero"))
       for name in ("config.json", "tokenizer.json", "tokenizer_config.json", "model.safetensors")},
    **{f"{name} is a folder": special(name, Path.mkdir)
       for name in ("config.json", "tokenizer.json", "model.safetensors", "generation_config.json")},
    **{f"{name} links out": special(name, lambda file: file.symlink_to("/etc/passwd"))
       for name in ("tokenizer.json", "model.safetensors", "chat_template.jinja", "generation_config.json")},
    **{f"{name} links to itself": special(name, lambda file: file.symlink_to(file))
       for name in ("config.json", "tokenizer.json", "model.safetensors")},
    "weights: header of an exabyte": replaced("model.safetensors", struct.pack("<Q", 2**60) + b"{}"),
    "weights: no header": replaced("model.safetensors", b"\x00" * 4),
    "weights: pointer": replaced("model.safetensors", b"version https://git-lfs.github.com/spec/v1\noid sha256:1\n"),
    "weights: huge shapes": header(every_entry(shape=[10**6, 10**6])),
    "weights: negative shapes": header(every_entry(shape=[-1, 4])),
    "weights: unknown dtype": header(every_entry(dtype="F3")),
    "weights: offsets beyond the end": header(every_entry(data_offsets=[0, 10**12])),
    "weights: offsets turned round": header(every_entry(data_offsets=[100, 0])),
    "weights: none": header(lambda head: {}),
    "weights: other names": header(lambda head: {f"_orig_mod.x.{name}": head[name] for name in head}),
    "weights: text as shape": header(every_entry(shape="big")),
    "index: a number as a file": index('{"weight_map": {"a": 3}}'),
    "index: a file outside": index('{"weight_map": {"a": "../../x.safetensors"}}'),
    "pickle instead": moved("model.safetensors", "pytorch_model.bin"),
    "tokenizer: not JSON": replaced("tokenizer.json", b"{"),
    "tokenizer: empty object": replaced("tokenizer.json", b"{}"),
    "tokenizer: no vocabulary": edited("tokenizer.json",
        lambda page: {**page, "model": {**page["model"], "vocab": {}}}),
    "tokenizer: text as ids": edited("tokenizer.json",
        lambda page: {**page, "model": {**page["model"], "vocab": dict.fromkeys(page["model"]["vocab"], "x")}}),
    "tokenizer: ids of a billion": edited("tokenizer.json",
        lambda page: {**page, "model": {**page["model"],
            "vocab": {word: number + 10**9 for word, number in page["model"]["vocab"].items()}}}),
    "tokenizer: catastrophic pattern": edited("tokenizer.json", split_by("(a|aa|.)*(a+)+(.*)*$b")),
    "tokenizer: broken pattern": edited("tokenizer.json", split_by("(((")),
    "tokenizer: truncation to nothing": edited("tokenizer.json", lambda page: {**page, "truncation": {
        "direction": "Right", "max_length": 0, "strategy": "LongestFirst", "stride": 0}}),
    "tokenizer: stride above the length": edited("tokenizer.json", lambda page: {**page, "truncation": {
        "direction": "Right", "max_length": 4, "strategy": "LongestFirst", "stride": 9}}),
    "tokenizer: padding to a million": edited("tokenizer.json", lambda page: {**page, "padding": {
        "strategy": {"Fixed": 10**6}, "direction": "Right", "pad_to_multiple_of": None, "pad_id": 0, "pad_type_id": 0,
        "pad_token": "[PAD]"}}),
    "tokenizer: replaces every text": edited("tokenizer.json", lambda page: {**page, "normalizer": {
        "type": "Replace", "pattern": {"Regex": ".*"}, "content": "\x1b[31m"}}),
    "tokenizer config: a list": replaced("tokenizer_config.json", b"[1]"),
    "tokenizer config: class unknown": edited("tokenizer_config.json",
        lambda page: {**page, "tokenizer_class": "Evil"}),
    "tokenizer config: remote code": edited("tokenizer_config.json",
        lambda page: {**page, "auto_map": {"AutoTokenizer": ["evil.Tokenizer", None]}}),
    "tokenizer config: length is text": edited("tokenizer_config.json", lambda page: {**page, "model_max_length": "x"}),
    "tokenizer config: length below two": edited("tokenizer_config.json", lambda page: {**page, "model_max_length": 1}),
    "template: for ever": special("chat_template.jinja", lambda file: file.write_text(FOREVER)),
    "template: a gigabyte": special("chat_template.jinja", lambda file: file.write_text("{{ 'a' * 10 ** 10 }}")),
    "template: broken": special("chat_template.jinja", lambda file: file.write_text("{% for %}")),
    "template: reaches out": special("chat_template.jinja",
        lambda file: file.write_text("{{ ''.__class__.__mro__[1].__subclasses__() }}")),
    "template: recursion": special("chat_template.jinja",
        lambda file: file.write_text("{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}")),
    "checkpoint.json: a number": special("checkpoint.json", lambda file: file.write_text("3")),
    "checkpoint.json: deep": special("checkpoint.json", lambda file: file.write_text("[" * 100_000)),
    "checkpoint.json: another kind": special("checkpoint.json",
        lambda file: file.write_text('{"kind": "\x1b[31m"}')),
    "adapter beside": special("adapter_config.json", lambda file: file.write_text('{"peft_type": "LORA", "r": -1}')),
    "modules.json: odd": special("modules.json",
        lambda file: file.write_text('[{"type": "evil.Pooling", "path": "/"}]')),
    "generation config: a list": special("generation_config.json", lambda file: file.write_text("[]")),
}  # fmt: skip


def prepare(place: Path, source: Path, other: Path) -> Path:
    place.mkdir()
    shutil.copytree(source, place / "evil")
    (place / "p.csv").write_text("text\nthe man said the film was dull .\nshe found it a story .\n", "utf-8")
    (place / "s.yaml").write_text(SUITE.format(other=other), "utf-8")
    return place / "evil"


@pytest.mark.parametrize("kind", ["bert", "gpt2"])
def test_every_damaged_folder_gets_its_sentence(
    kind: str, zygote: Zygote, checkpoints: dict[str, Path], tmp_path: Path
) -> None:
    faults: dict[str, str] = {}
    for number, (name, attack) in enumerate(ATTACKS.items()):
        folder = prepare(tmp_path / str(number), checkpoints[kind], checkpoints["gpt2" if kind == "bert" else "bert"])
        attack(folder)
        cache = {"HARNESS_CACHE_DIR": str(tmp_path / "cache")}
        outcome = zygote.run(
            ["run", "s.yaml", "-q"], folder.parent, env=cache, seconds=30, limits={"memory": 12 * 2**30}
        )
        fault = outcome.fault()
        if fault is not None:
            faults[name] = f"{fault}: {outcome.err[-300:]}"
        shutil.rmtree(folder.parent)
    assert not faults, "\n".join(f"{name}: {fault}" for name, fault in faults.items())


@pytest.mark.parametrize("kind", ["bert", "gpt2"])
def test_any_flipped_byte_of_a_folder_is_survived(
    kind: str, zygote: Zygote, checkpoints: dict[str, Path], tmp_path: Path, tries: int
) -> None:
    rng = random.Random(11)
    faults: dict[str, str] = {}
    for number in range(tries):
        folder = prepare(tmp_path / str(number), checkpoints[kind], checkpoints["gpt2" if kind == "bert" else "bert"])
        file = rng.choice(sorted(path for path in folder.iterdir() if path.is_file()))
        content = bytearray(file.read_bytes())
        place = rng.randrange(min(len(content), 4000))
        content[place] ^= 1 << rng.randrange(8)
        file.write_bytes(content)
        cache = {"HARNESS_CACHE_DIR": str(tmp_path / "cache")}
        outcome = zygote.run(
            ["run", "s.yaml", "-q"], folder.parent, env=cache, seconds=30, limits={"memory": 12 * 2**30}
        )
        fault = outcome.fault()
        if fault is not None:
            faults[f"{file.name} at {place}"] = f"{fault}: {outcome.err[-300:]}"
        shutil.rmtree(folder.parent)
    assert not faults, "\n".join(f"{name}: {fault}" for name, fault in faults.items())

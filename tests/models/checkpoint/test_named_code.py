"""A configuration names no kernels, no code of inner models, no other models and no other files."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.core.errors import CheckpointError
from harness.core.requests import Failure, Generate
from harness.models.checkpoint.inspection import inspect
from harness.models.local.load_weights import explained

INNER = {"model_type": "vit", "auto_map": {"AutoModelForCausalLM": "other/owner--code.Model"}}


@pytest.fixture
def model(zoo: Callable[[str], Path], tmp_path: Path) -> Path:
    return Path(shutil.copytree(zoo("bert"), tmp_path / "model"))


def rewrite(folder: Path, changes: dict[str, Any]) -> None:
    path = folder / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text("utf-8")), **changes}), "utf-8")


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({"attn_implementation": "owner/kernel"}, "attn_implementation"),
        ({"_attn_implementation": "kernels-community/flash-attn2"}, "_attn_implementation"),
        ({"_attn_implementation": {"": "sdpa", "text_config": "owner/kernel@main:f"}}, "_attn_implementation"),
        ({"attn_implementation": "paged|owner/kernel"}, "attn_implementation"),
        ({"attn_implementation": "flash_attention_2"}, "attn_implementation"),
        ({"attn_implementation": 7}, "attn_implementation"),
        ({"attn_implementation": ["owner/kernel"]}, "attn_implementation"),
        ({"experts_implementation": "deepgemm"}, "experts_implementation"),
        ({"text_config": {"attn_implementation": "owner/kernel"}}, "attn_implementation"),
        ({"decoder": INNER}, "auto_map"),
        ({"parts": [{"config": INNER}]}, "auto_map"),
        ({"model_type": "detr", "backbone": "owner/name"}, "backbone"),
        ({"configuration_files": ["config.4.0.json"]}, "configuration_files"),
    ],
)
def test_names_of_code_and_of_other_models_are_refused(
    changes: dict[str, Any], key: str, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("harness.models.checkpoint.named_code.find_spec", lambda package: None)
    rewrite(model, changes)
    with pytest.raises(CheckpointError, match=f"config.json: `{key}` names") as refused:
        inspect(model)
    assert f"remove `{key}`" in (refused.value.hint or "")


@pytest.mark.parametrize(
    "changes",
    [
        {"_attn_implementation": "eager"},
        {"_attn_implementation": {"": "sdpa"}},
        {"attn_implementation": None},
        {"auto_map": {"AutoModel": "own.Model"}},
        {"backbone": None, "configuration_files": []},
    ],
)
def test_what_transformers_holds_itself_may_be_named(changes: dict[str, Any], model: Path) -> None:
    rewrite(model, changes)
    assert inspect(model).family == "masked"


def test_flash_attention_may_be_named_where_its_package_is_installed(
    model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "harness.models.checkpoint.named_code.find_spec", lambda package: package == "flash_attn" or None
    )
    rewrite(model, {"_attn_implementation": "flash_attention_2"})
    assert inspect(model).family == "masked"


def test_a_folder_is_loaded_without_a_network(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub import constants, hf_hub_download, is_offline_mode

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    with pytest.raises(CheckpointError, match="cannot load"), explained(model):
        hf_hub_download("owner/name", "config.json", cache_dir=model / "empty")
    with explained(model):
        assert is_offline_mode()
    assert not is_offline_mode()


@pytest.mark.parametrize(
    "name", ["config.json", "tokenizer.json", "tokenizer_config.json", "generation_config.json", "model.safetensors"]
)
def test_a_pipe_in_place_of_a_file_is_refused(name: str, model: Path) -> None:
    (model / name).unlink(missing_ok=True)
    os.mkfifo(model / name)
    with pytest.raises(CheckpointError, match=f"{name} is neither a file nor a folder"):
        inspect(model)


def test_templates_in_their_folder_are_plain_files_of_the_model(model: Path, tmp_path: Path) -> None:
    (tmp_path / "private.txt").write_text("private", "utf-8")
    (model / "additional_chat_templates").mkdir()
    link = model / "additional_chat_templates" / "tool.jinja"
    link.symlink_to(tmp_path / "private.txt")
    with pytest.raises(CheckpointError, match="leads out of the checkpoint folder"):
        inspect(model)
    link.unlink()
    os.mkfifo(link)
    with pytest.raises(CheckpointError, match="neither a file nor a folder"):
        inspect(model)


@pytest.mark.parametrize("name", ["config.json", "tokenizer.json", "checkpoint.json"])
def test_deep_nesting_is_a_damaged_file(name: str, model: Path) -> None:
    (model / name).write_text('{"a":' * 100_000 + "1" + "}" * 100_000, "utf-8")
    with pytest.raises(CheckpointError, match="nested too deeply"):
        inspect(model)


def test_files_that_a_tokenizer_s_settings_name_elsewhere_are_not_read(
    model: Path, tmp_path: Path, opened: Callable[..., Any]
) -> None:
    private = tmp_path / "private.txt"
    os.mkfifo(private)  # reading it would wait for ever
    path = model / "tokenizer_config.json"
    named = dict.fromkeys(("vocab_file", "tokenizer_file", "merges_file", "special_tokens_map_file"), str(private))
    path.write_text(json.dumps({**json.loads(path.read_text("utf-8")), **named}), "utf-8")
    opened(model)


@pytest.mark.parametrize(
    "template",
    [
        "{{ ''.__class__.__mro__[1].__subclasses__() }}",
        "{{ cycler.__init__.__globals__.os.system('true') }}",
        "{{ messages.append(1) }}",
        "{% include '/etc/hosts' %}",
        "{{ range(10 ** 9) | list }}",
    ],
)
def test_a_chat_template_reaches_neither_python_nor_files(
    template: str, zoo: Callable[[str], Path], tmp_path: Path, opened: Callable[..., Any]
) -> None:
    folder = Path(shutil.copytree(zoo("gpt2"), tmp_path / "chat"))
    (folder / "chat_template.jinja").write_text(template, "utf-8")
    ((_, answer),) = opened(folder).answer([Generate(messages=(("user", "a"),), max_tokens=2)])
    assert isinstance(answer, Failure)
    assert "the chat template refuses the messages" in answer.message


def test_code_for_generating_is_not_run(zoo: Callable[[str], Path], tmp_path: Path, opened: Callable[..., Any]) -> None:
    folder = Path(shutil.copytree(zoo("gpt2"), tmp_path / "custom"))
    ran = tmp_path / "ran"
    (folder / "generation_config.json").write_text('{"custom_generate": "owner/name", "trust_remote_code": true}')
    (folder / "custom_generate").mkdir()
    (folder / "custom_generate" / "generate.py").write_text(f"open({str(ran)!r}, 'w')\n")
    assert len(list(opened(folder).answer([Generate(prompt="a", max_tokens=2)]))) == 1
    assert not ran.exists()

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from harness_support import model_zoo
from tokenizers import pre_tokenizers

from harness.core.requests import RollingLikelihood
from harness.models import stored_identity as stored
from harness.models.checkpoint.checkpoint_digest import tokenizer_digest, tokenizer_folder
from harness.models.encoding import template_clock
from harness.models.encoding.text_encoder import TextEncoder
from harness.models.encoding.tokenizer_identity import tokenizer_identity, tokens_digest
from harness.models.local.load_weights import load_tokenizer
from harness.storage.response_cache import model_identity
from harness.storage.store import Store


def identity(folder: Path) -> str:
    return tokenizer_identity(TextEncoder(load_tokenizer(folder)))


def edited(source: Path, target: Path, **changes: object) -> Path:
    """A copy with other entries in its tokenizer_config.json."""
    shutil.copytree(source, target)
    page = target / "tokenizer_config.json"
    page.write_text(json.dumps({**json.loads(page.read_text()), **changes}))
    return target


def test_saving_a_tokenizer_again_keeps_its_identity(zoo, tmp_path):
    for kind in ("bert", "llama", "t5"):
        load_tokenizer(zoo(kind)).save_pretrained(tmp_path / kind)
        assert identity(tmp_path / kind) == identity(zoo(kind))
    assert len({identity(zoo(kind)) for kind in ("bert", "gpt2", "llama", "t5")}) == 4


def test_other_tokens_from_the_same_files_are_another_identity():
    """What a library makes of the files counts: here the same files, read by a tokenizer that cuts digits apart."""
    tokenizer = model_zoo.gpt2_tokenizer()
    before = tokens_digest(TextEncoder(tokenizer))
    steps = [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    tokenizer.backend_tokenizer.pre_tokenizer = pre_tokenizers.Sequence(steps)
    assert tokens_digest(TextEncoder(tokenizer)) != before


@pytest.mark.parametrize(
    "changes",
    [
        {"tokenizer_class": "LlamaTokenizer"},
        {"pad_token": "</s>"},
        {"chat_template": "{{ messages[0]['content'] }}"},
        {"model_input_names": ["input_ids", "token_type_ids", "attention_mask"]},
    ],
)
def test_class_special_tokens_and_template_are_part_of_the_identity(changes, zoo, tmp_path):
    assert identity(edited(zoo("llama"), tmp_path / "other", **changes)) != identity(zoo("llama"))


def test_a_stated_clock_makes_one_identity_and_is_part_of_it(zoo, tmp_path, monkeypatch):
    template = "{{ strftime_now('%H:%M:%S.%f') }}{% for m in messages %}{{ m['content'] }}{% endfor %}"
    folder = edited(zoo("llama"), tmp_path / "clock", chat_template=template)
    first = identity(folder)
    assert identity(folder) == first
    monkeypatch.setattr(template_clock, "STATED_TIME", template_clock.STATED_TIME.replace(hour=13))
    assert identity(folder) != first


def test_answers_are_known_by_what_their_tokenizer_does(zoo, opened, tmp_path):
    plain, other = (
        opened(zoo("llama")),
        opened(edited(zoo("llama"), tmp_path / "other", tokenizer_class="LlamaTokenizer")),
    )
    assert plain.facts.digest == other.facts.digest, "the files of both have one digest"
    keys = [model_identity(model.facts.digest, model.facts.answer_key) for model in (plain, other)]
    assert keys[0] != keys[1]
    assert list(dict(plain.answer([RollingLikelihood("a film")])).values())


def test_records_know_it_without_loading_by_files_and_libraries(zoo, tmp_path, monkeypatch):
    store = Store(tmp_path / "cache")
    found = stored.stored_identity(zoo("bert"), Path, store)
    assert found == identity(zoo("bert"))
    (tmp_path / "words").mkdir()
    loads: list[Path] = []
    real = load_tokenizer
    monkeypatch.setattr(
        "harness.models.local.load_weights.load_tokenizer", lambda folder: (loads.append(folder), real(folder))[1]
    )
    assert stored.stored_identity(zoo("bert"), Path, store) == found
    assert loads == []
    monkeypatch.setattr(stored, "version", lambda name: "99")
    assert stored.stored_identity(zoo("bert"), Path, store) == found
    assert loads == [zoo("bert")]


def test_the_tokenizer_is_that_of_the_checkpoint_below(zoo, tmp_path):
    adapter = tmp_path / "adapter"
    adapter.mkdir()
    (adapter / "adapter_config.json").write_text(json.dumps({"base_model_name_or_path": str(zoo("llama"))}))
    assert tokenizer_folder(adapter, Path) == zoo("llama")
    shutil.copy(zoo("llama") / "tokenizer.json", adapter)
    assert tokenizer_folder(adapter, Path) == adapter
    assert tokenizer_digest(adapter)

"""Numbers of a head with one row, and vectors behind a sentence encoder's own modules, against plain torch."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from harness_support import model_zoo
from harness_support.model_zoo import TEXTS
from safetensors.torch import save_file
from transformers import AutoModel, AutoModelForSequenceClassification, AutoTokenizer

from harness.core.errors import CheckpointError
from harness.core.requests import Embed, Failure, Regress
from harness.models.checkpoint.checkpoint_digest import checkpoint_digest

PACKAGE = "sentence_transformers.models."


@torch.no_grad()
def plain_number(folder: Path, *texts: str) -> float:
    inputs = AutoTokenizer.from_pretrained(folder)(*([text] for text in texts), return_tensors="pt")
    return AutoModelForSequenceClassification.from_pretrained(folder).eval()(**inputs).logits.item()


@pytest.mark.parametrize("kind", ["bert", "roberta", "gpt2"])
def test_a_head_with_one_row_gives_what_transformers_gives(kind: str, tmp_path: Path, opened) -> None:
    folder = model_zoo.with_head(kind, "sequence", tmp_path, ("score",))
    model = opened(folder)
    assert Regress.kind in model.facts.supports
    assert model.facts.labels is None
    requests = [Regress(TEXTS[0]), Regress("one", "two" if kind != "gpt2" else None)]
    answers = dict(model.answer(requests))
    assert answers[requests[0]].values[0] == pytest.approx(plain_number(folder, TEXTS[0]), abs=1e-5)
    if kind != "gpt2":
        assert answers[requests[1]].values[0] == pytest.approx(plain_number(folder, "one", "two"), abs=1e-5)


@pytest.mark.parametrize("key", ["sentence_transformers", "sbert_ce_default_activation_function"])
def test_a_cross_encoder_s_activation_is_its_own(key: str, tmp_path: Path, opened) -> None:
    folder = model_zoo.with_head("bert", "sequence", tmp_path, ("score",))
    plain = plain_number(folder, "one", "two")
    name = "torch.nn.modules.activation.Sigmoid"
    page = folder / "config.json"
    given = {"activation_fn": name} if key == "sentence_transformers" else name
    page.write_text(json.dumps({**json.loads(page.read_text()), key: given}))
    (answer,) = dict(opened(folder).answer([Regress("one", "two")])).values()
    assert answer.values[0] == pytest.approx(torch.sigmoid(torch.tensor(plain)).item(), abs=1e-6)


def sentence_folder(
    folder: Path, *modules: str, activation: str = "Tanh", prompts: dict[str, str] | None = None
) -> Path:
    model_zoo.language_model("bert", folder)
    listed = [
        ("", "Transformer"),
        ("1_Pooling", "Pooling"),
        *((f"{n}_{kind}", kind) for n, kind in enumerate(modules, 2)),
    ]
    page = [{"idx": n, "name": str(n), "path": path, "type": PACKAGE + kind} for n, (path, kind) in enumerate(listed)]
    (folder / "modules.json").write_text(json.dumps(page))
    (folder / "1_Pooling").mkdir()
    (folder / "1_Pooling" / "config.json").write_text('{"pooling_mode_mean_tokens": true}')
    if prompts is not None:
        settings = {"prompts": prompts, "default_prompt_name": None}
        (folder / "config_sentence_transformers.json").write_text(json.dumps(settings))
    width = json.loads((folder / "config.json").read_text())["hidden_size"]
    torch.manual_seed(1)
    for place, kind in listed[2:]:
        (folder / place).mkdir()
        if kind == "Dense":
            settings = {"in_features": width, "out_features": 5, "bias": True}
            named = f"torch.nn.modules.activation.{activation}"
            (folder / place / "config.json").write_text(json.dumps({**settings, "activation_function": named}))
            tensors = {"linear.weight": torch.randn(5, width), "linear.bias": torch.randn(5)}
            save_file(tensors, folder / place / "model.safetensors")
            width = 5
    return folder


@torch.no_grad()
def plain_vector(folder: Path, text: str, activation: torch.nn.Module) -> torch.Tensor:
    from safetensors.torch import load_file

    inputs = AutoTokenizer.from_pretrained(folder)([text], return_tensors="pt")
    vector = AutoModel.from_pretrained(folder).eval()(**inputs).last_hidden_state[0].mean(dim=0)
    (place,) = folder.glob("*_Dense")
    tensors = load_file(place / "model.safetensors")
    return activation(tensors["linear.weight"] @ vector + tensors["linear.bias"])


@pytest.mark.parametrize("activation", ["Tanh", "Identity", "GELU", "ReLU", "Sigmoid"])
def test_a_dense_layer_is_part_of_the_vector(activation: str, tmp_path: Path, opened) -> None:
    folder = sentence_folder(tmp_path / "m", "Dense", "Normalize", activation=activation)
    model = opened(folder)
    assert model.facts.pooling == "mean>dense"
    assert model.facts.notes == ()
    request = Embed(TEXTS[0], "mean>dense")
    (answer,) = dict(model.answer([request])).values()
    expected = plain_vector(folder, TEXTS[0], getattr(torch.nn, activation)())
    assert answer.values == pytest.approx(expected.tolist(), abs=1e-5)


def test_a_prompt_by_name_stands_before_the_text(tmp_path: Path, opened) -> None:
    folder = sentence_folder(tmp_path / "m", "Normalize", prompts={"query": "ask: ", "document": ""})
    model = opened(folder)
    assert model.facts.prompts == ("query",)
    assert model.facts.pooling == "mean"
    asked, plain, strange = Embed("one", prompt="query"), Embed("ask: one"), Embed("one", prompt="passage")
    answers = dict(model.answer([asked, plain, strange]))
    assert answers[asked].values == pytest.approx(answers[plain].values)
    assert isinstance(answers[strange], Failure)
    assert "its prompts: query" in answers[strange].message


def test_the_digest_covers_dense_layers_and_prompts(tmp_path: Path) -> None:
    digests = {
        checkpoint_digest(sentence_folder(tmp_path / "a", "Dense")),
        checkpoint_digest(sentence_folder(tmp_path / "b", "Dense", activation="GELU")),
        checkpoint_digest(sentence_folder(tmp_path / "c", "Dense", prompts={"query": "q: "})),
        checkpoint_digest(sentence_folder(tmp_path / "d", "Dense", prompts={"query": ""})),
    }
    assert len(digests) == 3


def test_a_text_is_read_as_far_as_the_folder_says(tmp_path: Path, opened) -> None:
    folder = sentence_folder(tmp_path / "m", "Normalize")
    (folder / "sentence_bert_config.json").write_text('{"max_seq_length": 6}')
    (answer,) = dict(opened(folder).answer([Embed("one two one two one two one two")])).values()
    assert answer.truncated > 0


def test_weights_that_do_not_fit_are_refused(tmp_path: Path, opened) -> None:
    folder = sentence_folder(tmp_path / "m", "Dense")
    page = folder / "2_Dense" / "config.json"
    page.write_text(json.dumps({**json.loads(page.read_text()), "out_features": 7}))
    with pytest.raises(CheckpointError, match="expected a dense layer of"):
        opened(folder)

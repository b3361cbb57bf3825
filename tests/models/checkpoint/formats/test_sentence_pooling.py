"""A sentence encoder is read by its own pooling, or a note says what is other."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from harness_support import model_zoo
from transformers import AutoModel, AutoTokenizer

from harness.core.errors import CheckpointError
from harness.core.evaluation import EvaluationContext
from harness.core.requests import Embed
from harness.evaluations.probes.embedding_association import EmbeddingAssociation, EmbeddingAssociationOptions
from harness.models.checkpoint.checkpoint_digest import checkpoint_digest
from harness.models.checkpoint.formats.sentence_pooling import sentence_pooling
from harness.models.checkpoint.formats.sentence_router import encoder_folder
from harness.models.checkpoint.sources.locate import NamedCheckpoint, locate

PACKAGE = "sentence_transformers.models."


def write(folder: Path, pooling: dict[str, object], *more: str) -> None:
    modules = [("", "Transformer"), ("1_Pooling", "Pooling"), *((f"2_{kind}", kind) for kind in more)]
    page = [{"idx": n, "name": str(n), "path": path, "type": PACKAGE + kind} for n, (path, kind) in enumerate(modules)]
    (folder / "modules.json").write_text(json.dumps(page))
    (folder / "1_Pooling").mkdir(exist_ok=True)
    (folder / "1_Pooling" / "config.json").write_text(json.dumps(pooling))


@pytest.mark.parametrize(
    ("pooling", "expected"),
    [
        ({"pooling_mode": "cls"}, "first"),
        ({"pooling_mode": "mean"}, "mean"),
        ({"pooling_mode_cls_token": True, "pooling_mode_mean_tokens": False}, "first"),
        ({"pooling_mode_cls_token": False, "pooling_mode_mean_tokens": True}, "mean"),
    ],
)
def test_the_folder_s_own_pooling_is_used(pooling: dict[str, object], expected: str, tmp_path: Path, opened) -> None:
    folder = model_zoo.language_model("bert", tmp_path / "model")
    plain = checkpoint_digest(folder)
    write(folder, pooling, "Normalize")
    facts = opened(folder).facts
    assert facts.pooling == expected
    assert facts.notes == ()
    assert checkpoint_digest(folder) != plain
    sets = {"targets": {"x": ["a"], "y": ["b"]}, "attributes": {"a": ["c"], "b": ["d"]}}
    probe = EmbeddingAssociation("weat", EmbeddingAssociationOptions(**sets), EvaluationContext())
    assert probe.protocol(facts) == f"embed_{expected}"
    item = next(probe.items([], "test"))
    assert {request.pooling for request in probe.requests(item, f"embed_{expected}")} == {expected}
    named = EmbeddingAssociation("weat", EmbeddingAssociationOptions(**sets, pooling="mean"), EvaluationContext())
    assert named.protocol(facts) == "embed_mean"


FORMULAS = {
    "max": lambda states: states.max(0),
    "mean_sqrt_len_tokens": lambda states: states.sum(0) / len(states) ** 0.5,
    "weightedmean": lambda states: np.average(states, axis=0, weights=[1 + place for place in range(len(states))]),
    "lasttoken": lambda states: states[-1],
    "mean+cls": lambda states: np.concatenate([states.mean(0), states[0]]),
}


@pytest.mark.parametrize("mode", FORMULAS)
def test_every_pooling_of_sentence_transformers_is_as_its_formula_says(mode: str, tmp_path: Path, opened) -> None:
    folder = model_zoo.language_model("bert", tmp_path / "model")
    write(folder, {"pooling_mode": mode.split("+") if "+" in mode else mode})
    model = opened(folder)
    assert model.facts.notes == ()
    ((_, answer),) = model.answer([Embed(model_zoo.TEXTS[0], model.facts.pooling)])
    encoder, tokenizer = AutoModel.from_pretrained(folder), AutoTokenizer.from_pretrained(folder)
    with torch.no_grad():
        states = encoder(**tokenizer(model_zoo.TEXTS[0], return_tensors="pt")).last_hidden_state[0].double().numpy()
    np.testing.assert_allclose(answer.values, FORMULAS[mode](states), atol=1e-5)


def router(folder: Path, default: str | None) -> Path:
    """As sentence-transformers writes a router with an encoder for queries and one for documents."""
    structure = {}
    for route, mode in (("query", "mean"), ("document", "cls")):
        structure[route] = [f"{route}_0_Transformer", f"{route}_1_Pooling"]
        model_zoo.language_model("bert", folder / structure[route][0])
        (folder / structure[route][1]).mkdir()
        (folder / structure[route][1] / "config.json").write_text(json.dumps({"pooling_mode": mode}))
    types = {name: PACKAGE + name.rpartition("_")[2] for names in structure.values() for name in names}
    parameters = {"default_route": default, "allow_empty_key": False}
    page = {"types": types, "structure": structure, "parameters": parameters}
    (folder / "router_config.json").write_text(json.dumps(page))
    (folder / "modules.json").write_text(json.dumps([{"path": "", "type": PACKAGE + "Router"}]))
    return folder


def test_a_router_is_its_default_route_with_that_route_s_pooling(tmp_path: Path, opened) -> None:
    folder = router(tmp_path / "router", "document")
    assert locate(NamedCheckpoint(str(folder), None), base=tmp_path) == folder / "document_0_Transformer"
    facts = opened(folder / "document_0_Transformer").facts
    assert facts.pooling == "first"
    assert any("route 'document'" in note for note in facts.notes)
    assert opened(folder / "query_0_Transformer").facts.pooling == "mean"


def test_a_router_without_a_default_route_names_its_routes(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"its encoders are query \(query_0_Transformer\)"):
        locate(NamedCheckpoint(str(router(tmp_path / "router", None)), None), base=tmp_path)


@pytest.mark.parametrize("names", [["../outside"], ["missing"], [3], [], "query_0_Transformer"])
def test_a_router_that_names_what_is_not_below_it_is_refused(names: object, tmp_path: Path) -> None:
    page = {"types": {}, "structure": {"query": names}, "parameters": {}}
    (tmp_path / "router_config.json").write_text(json.dumps(page))
    with pytest.raises(CheckpointError, match="expected names of folders"):
        encoder_folder(tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["cls", "mean", "max", "mean_sqrt_len_tokens", "weightedmean", "lasttoken", "several"])
def test_vectors_are_those_of_sentence_transformers(mode: str, tmp_path: Path, opened) -> None:
    peer = pytest.importorskip("sentence_transformers")
    modules = pytest.importorskip("sentence_transformers.sentence_transformer.modules")
    folder = model_zoo.language_model("bert", tmp_path / "model")
    encoder = modules.Transformer(str(folder))
    pooling = modules.Pooling(32, pooling_mode=("cls", "mean") if mode == "several" else mode)
    peer.SentenceTransformer(modules=[encoder, pooling]).save_pretrained(str(tmp_path / "saved"))
    model = opened(tmp_path / "saved")
    expected = peer.SentenceTransformer(str(tmp_path / "saved")).encode(list(model_zoo.TEXTS))
    answers = dict(model.answer(Embed(text, model.facts.pooling) for text in model_zoo.TEXTS))
    for text, vector in zip(model_zoo.TEXTS, expected, strict=True):
        np.testing.assert_allclose(answers[Embed(text, model.facts.pooling)].values, vector, atol=1e-5)


@pytest.mark.slow
def test_dense_layers_prompts_and_lengths_are_those_of_sentence_transformers(tmp_path: Path, opened) -> None:
    peer = pytest.importorskip("sentence_transformers")
    modules = pytest.importorskip("sentence_transformers.sentence_transformer.modules")
    encoder = modules.Transformer(str(model_zoo.language_model("bert", tmp_path / "model")), max_seq_length=10)
    chain = [encoder, modules.Pooling(32), modules.Dense(32, 8), modules.Normalize()]
    prompts = {"query": "ask: ", "document": "text: "}
    peer.SentenceTransformer(modules=chain, prompts=prompts).save_pretrained(str(tmp_path / "saved"))
    saved, model = peer.SentenceTransformer(str(tmp_path / "saved")), opened(tmp_path / "saved")
    assert (model.facts.pooling, set(model.facts.prompts)) == ("mean>dense", set(prompts))
    for name in ("query", "document"):
        asked = [Embed(text, "mean>dense", name) for text in model_zoo.TEXTS]
        answers = dict(model.answer(asked))
        for request, vector in zip(asked, saved.encode(list(model_zoo.TEXTS), prompt_name=name), strict=True):
            own = np.array(answers[request].values)
            np.testing.assert_allclose(own / np.linalg.norm(own), vector, atol=1e-5)


@pytest.mark.slow
def test_a_router_that_sentence_transformers_saves(tmp_path: Path, opened) -> None:
    peer = pytest.importorskip("sentence_transformers")
    modules = pytest.importorskip("sentence_transformers.sentence_transformer.modules")
    folder = model_zoo.language_model("bert", tmp_path / "model")
    chains = [
        [modules.Transformer(str(folder)), modules.Pooling(32, pooling_mode=mode)] for mode in ("mean", "lasttoken")
    ]
    whole = modules.Router.for_query_document(*chains, default_route="document")
    peer.SentenceTransformer(modules=[whole, modules.Normalize()]).save_pretrained(str(tmp_path / "saved"))
    saved = peer.SentenceTransformer(str(tmp_path / "saved"))
    paths = {"document": tmp_path / "saved", "query": tmp_path / "saved/query_0_Transformer"}
    for route, path in paths.items():
        model = opened(locate(NamedCheckpoint(str(path), None), base=tmp_path))
        request = Embed(model_zoo.TEXTS[0], model.facts.pooling)
        ((_, answer),) = model.answer([request])
        vector = np.array(answer.values) / np.linalg.norm(answer.values)
        np.testing.assert_allclose(vector, saved.encode(model_zoo.TEXTS[0], task=route), atol=1e-6)


@pytest.mark.parametrize(
    ("pooling", "more", "word"),
    [
        ({"pooling_mode": "attention"}, (), "'attention'"),
        ({"pooling_mode": ["cls", "attention"]}, (), "'cls+attention'"),
        ({"pooling_mode": "mean"}, ("Router",), "Router"),
        ({"pooling_mode": "mean"}, ("Dense",), "Dense"),
    ],
)
def test_what_harness_does_not_have_is_said(
    pooling: dict[str, object], more: tuple[str, ...], word: str, tmp_path: Path
) -> None:
    write(tmp_path, pooling, *more)
    found = sentence_pooling(tmp_path)
    assert found is not None
    assert len(found.notes) == 1
    assert word in found.notes[0]


def test_a_path_to_elsewhere_is_not_followed(tmp_path: Path) -> None:
    write(tmp_path, {"pooling_mode": "cls"})
    page = [{"path": "../outside", "type": PACKAGE + "Pooling"}]
    (tmp_path / "modules.json").write_text(json.dumps(page))
    with pytest.raises(CheckpointError, match="expected the name of a folder"):
        sentence_pooling(tmp_path)


def test_a_prompt_and_lower_case_are_said(tmp_path: Path) -> None:
    write(tmp_path, {"pooling_mode": "mean"})
    settings = {"prompts": {"query": "query: "}, "default_prompt_name": "query"}
    (tmp_path / "config_sentence_transformers.json").write_text(json.dumps(settings))
    (tmp_path / "sentence_bert_config.json").write_text(json.dumps({"do_lower_case": True}))
    own = sentence_pooling(tmp_path)
    assert own is not None
    assert [word in note for word, note in zip(("'query: '", "do_lower_case"), own.notes, strict=True)] == [True, True]

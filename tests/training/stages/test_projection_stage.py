from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from harness_support.training_samples import (
    examples,
    finetune_spec,
    label_inputs,
    labeled,
    passage_inputs,
    pretrain_spec,
    pretraining,
    run_stage,
)
from pydantic import ValidationError

from harness.core.errors import CheckpointError, DataError
from harness.core.model import ModelFacts
from harness.core.reporter import Silent
from harness.core.requests import Classify, Embed, Embedding, PseudoLikelihood
from harness.model_kinds.classical_kind import ClassicalSpec
from harness.model_kinds.projection_kind import ProjectSpec
from harness.models.checkpoint.checkpoint_digest import checkpoint_digest
from harness.models.checkpoint.inspection import inspect
from harness.models.derived.projection_backend import Projection, read_projection, write_projection
from harness.models.local.base_cache import BasePool
from harness.models.open_context import OpenContext
from harness.models.open_model import open_model
from harness.training.mitigation.group_directions import GroupTexts, inlp, sentence_debias, told_apart
from harness.training.stage_inputs import StageInputs

KEY = "a" * 64


def _told(number: int, text: str) -> str:
    return f"{'she' if number % 2 else 'he'} said {text}"


@pytest.fixture(scope="module")
def classifier(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny classifier that keeps its language model and knows `he` and `she`."""
    folder = tmp_path_factory.mktemp("projected")
    told = [_told(number, text) for number, (text, _) in enumerate(examples())]
    run_stage(pretrain_spec(), StageInputs(texts={"tales": told}, data={"tales": "f" * 64}), folder / "base", Silent())
    rows = labeled([(_told(number, text), place) for number, (text, place) in enumerate(examples())])
    run_stage(finetune_spec(epochs=1), label_inputs(folder / "base", train=rows), folder / "tuned", Silent())
    return folder / "tuned"


def _inputs(parent: Path, **changes: object) -> StageInputs:
    texts = [_told(number, text) for number, (text, _) in enumerate(examples())]
    settings = {
        "texts": {"tales": texts},
        "parent": parent,
        "parent_key": KEY,
        "parent_digest": checkpoint_digest(parent),
        "resolve": lambda _key: parent,
        "data": {"tales": "f" * 64},
    }
    return StageInputs(**{**settings, **changes})  # type: ignore[arg-type]


def _spec(**changes: object) -> ProjectSpec:
    return ProjectSpec.model_validate({"from": "tuned", "data": ["tales"], **changes})


@pytest.fixture(scope="module", params=["inlp", "sentence_debias"])
def projected(request: pytest.FixtureRequest, classifier: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp(request.param)
    made = run_stage(_spec(method=request.param), _inputs(classifier), folder, Silent())
    recipe = made["recipe"]
    assert recipe["told_before"] > 0.6
    assert recipe["chance"] == 0.5
    if request.param == "inlp":
        assert recipe["told_after"] <= recipe["chance"] + 0.02
    assert recipe["directions"] == len(read_projection(folder).directions)
    return folder


def _reference(classifier: Path, projected: Path, text: str) -> dict[str, np.ndarray]:
    """By transformers' own modules: states, projected by a dense matrix, then each head on its own."""
    import transformers

    directions = read_projection(projected).directions
    keep = torch.from_numpy(np.eye(directions.shape[1]) - directions.T @ directions).float()
    tokenizer = transformers.AutoTokenizer.from_pretrained(classifier)
    headed = transformers.AutoModelForSequenceClassification.from_pretrained(classifier).eval()
    language = transformers.AutoModelForMaskedLM.from_pretrained(classifier).eval()
    ids = tokenizer(text, return_tensors="pt")["input_ids"]
    with torch.no_grad():
        states = headed.bert(input_ids=ids).last_hidden_state @ keep
        logits = headed.classifier(headed.bert.pooler(states))[0]
        total = 0.0
        for place in range(1, ids.shape[1] - 1):
            masked = ids.clone()
            masked[0, place] = tokenizer.mask_token_id
            predicted = language.cls(language.bert(input_ids=masked).last_hidden_state @ keep)[0, place]
            total += float(torch.log_softmax(predicted, -1)[ids[0, place]])
    return {"mean": states[0].mean(0).numpy(), "log_p": torch.log_softmax(logits, -1).numpy(), "pll": np.array(total)}


def test_every_head_reads_projected_states(classifier: Path, projected: Path) -> None:
    text = "she said the lamp was good with the soup."
    pool = BasePool()
    plain = open_model(classifier, OpenContext(resolve=lambda _: classifier, responses=None, pool=pool))
    model = open_model(projected, OpenContext(resolve=lambda _: classifier, responses=None, pool=pool))
    labels = model.facts.labels
    assert labels is not None
    asked = [Embed(text), Classify(text, labels), PseudoLikelihood(text, "pll")]
    found = {type(request): response for request, response in model.answer(asked)}
    wanted = _reference(classifier, projected, text)
    assert isinstance(found[Embed], Embedding)
    assert np.allclose(found[Embed].values, wanted["mean"], atol=1e-5)
    assert np.allclose(found[Classify].values, wanted["log_p"], atol=1e-4)  # type: ignore[union-attr]
    assert found[PseudoLikelihood].total == pytest.approx(float(wanted["pll"]), abs=1e-3)  # type: ignore[union-attr]
    # The parent, asked afterward from the same pool, answers as if nobody had touched it.
    before = {type(request): response for request, response in plain.answer(asked)}
    assert before[Classify] != found[Classify]
    again = open_model(classifier, OpenContext(resolve=lambda _: classifier, responses=None, pool=pool))
    assert {type(request): response for request, response in again.answer(asked)} == before


def test_a_projected_model_is_a_model_of_its_own(classifier: Path, projected: Path) -> None:
    model = open_model(projected, OpenContext(resolve=lambda _: classifier, responses=None))
    facts: ModelFacts = model.facts
    assert facts.digest == checkpoint_digest(projected, lambda _: classifier) != checkpoint_digest(classifier)
    assert any("gender is projected out" in note and "pseudo_likelihood" in note for note in facts.notes)
    assert inspect(projected).kind == "projected"
    assert {path.suffix for path in projected.iterdir()} == {".json", ".safetensors"}


def test_a_causal_model_is_projected_before_its_head(writer: Path, tmp_path: Path) -> None:
    made = run_stage(_spec(method="sentence_debias"), _inputs(writer), tmp_path / "a", Silent())
    model = open_model(tmp_path / "a", OpenContext(resolve=lambda _: writer, responses=None))
    directions = read_projection(tmp_path / "a").directions
    ((_, found),) = model.answer([Embed("he said the lamp was good")])
    assert isinstance(found, Embedding)
    assert np.allclose(np.asarray(found.values) @ directions.T, 0, atol=1e-4)
    assert made["recipe"]["directions"] == 1


def test_planted_directions_are_found() -> None:
    random = np.random.default_rng(0)
    true = np.linalg.qr(random.normal(size=(24, 2)))[0].T
    texts = [random.normal(size=24) for _ in range(200)]
    rows, groups, origins = [], [], []
    for number, state in enumerate(texts):
        for group, place in (("a", (3, 0)), ("b", (-3, 0)), ("c", (0, 4))):
            rows.append(state + np.array(place) @ true + 0.05 * random.normal(size=24))
            groups.append(group)
            origins.append(number)
    told = GroupTexts(tuple(groups), tuple(groups), tuple(origins))
    states = {"mean": np.array(rows)}
    for directions, facts in (
        inlp(states, told, most=10, seed=0),
        sentence_debias(states, told, count=2, seed=0),
    ):
        assert np.allclose(directions @ directions.T, np.eye(len(directions)), atol=1e-9)
        # All of the planted plane lies in what is taken out.
        assert np.linalg.norm(true @ directions.T, axis=1) == pytest.approx([1, 1], abs=0.02)
        assert facts["told_before"] > 0.95
        assert facts["told_after"] < 0.5
        assert facts["chance"] == pytest.approx(1 / 3, abs=0.01)


def test_sentences_of_one_group_stand_beside_their_counterparts() -> None:
    words = {"one": ["norrish"], "two": ["sudrish"], "three": ["westrish"]}
    texts = [f"The norrish lamp {number} fell. It rained." for number in range(30)]
    told = told_apart({"t": texts}, _spec(remove=words, texts=25))
    assert told.groups[:3] == ("one", "two", "three")
    assert len(told.texts) == 75
    assert told.origins[:4] == (0, 0, 0, 1)
    with pytest.raises(DataError, match="0 sentences mention one group"):
        told_apart({"t": ["The rain fell."]}, _spec())
    with pytest.raises(ValidationError):
        _spec(remove={"one": ["x"]})
    with pytest.raises(ValidationError):
        _spec(data=[])


def test_what_has_no_states_is_refused(tmp_path: Path) -> None:
    run_stage(ClassicalSpec(task="mood"), label_inputs(None), tmp_path / "words", Silent())
    with pytest.raises(CheckpointError, match="cannot be projected"):
        run_stage(_spec(), _inputs(tmp_path / "words"), tmp_path / "a", Silent())
    run_stage(pretraining("span_corruption", steps=2), passage_inputs(), tmp_path / "t5", Silent())
    with pytest.raises(CheckpointError, match="no single last hidden state"):
        run_stage(_spec(), _inputs(tmp_path / "t5"), tmp_path / "b", Silent())


def test_damaged_projections_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not orthonormal"):
        write_projection(tmp_path, Projection(np.ones((2, 8)), "inlp", "gender"))
    write_projection(tmp_path, Projection(np.eye(8)[:2], "inlp", "gender"))
    (tmp_path / "projection.json").write_text('{"format": 9}')
    with pytest.raises(CheckpointError, match="format 1"):
        read_projection(tmp_path)

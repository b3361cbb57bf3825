from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from harness_support.training_samples import label_inputs, passage_inputs, pretraining, run_stage
from pydantic import ValidationError

from harness.core.errors import CheckpointError
from harness.core.reporter import Silent
from harness.core.requests import (
    Cloze,
    Continuations,
    Embed,
    Generate,
    Generated,
    Likelihood,
    PseudoLikelihood,
    RollingLikelihood,
    TopCompletions,
)
from harness.model_kinds.classical_kind import ClassicalSpec
from harness.model_kinds.self_debias_kind import SelfDebiasSpec
from harness.models.checkpoint.checkpoint_digest import checkpoint_digest
from harness.models.derived.self_debias_backend import damped
from harness.models.open_context import OpenContext
from harness.models.open_model import open_model
from harness.training.stage_inputs import StageInputs

PREFIXES = ["the kettle was bad with the lamp. ", "the soup was dull. "]
DECAY = 30.0


def _made(parent: Path, folder: Path, **changes: Any) -> dict[str, Any]:
    spec = SelfDebiasSpec.model_validate({"from": "base", "prefixes": PREFIXES, "decay": DECAY, **changes})
    inputs = StageInputs(parent=parent, parent_key="a" * 64, parent_digest=checkpoint_digest(parent))
    return run_stage(spec, inputs, folder, Silent())


def _opened(parent: Path, folder: Path) -> Any:
    return open_model(folder, OpenContext(resolve=lambda _: parent, responses=None))


def _answers(model: Any, *requests: Any) -> list[Any]:
    found = dict(model.answer(requests))
    return [found[request] for request in requests]


def _by_hand(plain: torch.Tensor, described: list[torch.Tensor]) -> torch.Tensor:
    """The published formula, one token at a time."""
    p = torch.softmax(plain.double(), -1)
    others = [torch.softmax(one.double(), -1) for one in described]
    weighed = []
    for token in range(len(p)):
        gap = min(float(p[token] - one[token]) for one in others)
        weighed.append(float(p[token]) * (1.0 if gap >= 0 else float(torch.exp(torch.tensor(DECAY * gap)))))
    total = torch.tensor(weighed, dtype=torch.float64)
    return torch.log(total / total.sum())


def test_the_formula() -> None:
    torch.manual_seed(0)
    plain, *described = (3 * torch.randn(4, 20) for _ in range(3))
    found = damped(plain, described, DECAY)
    for row in range(4):
        wanted = _by_hand(plain[row], [one[row] for one in described])
        assert torch.allclose(found[row].double(), wanted, atol=1e-4)
    assert torch.allclose(damped(plain, described, 0.0), torch.log_softmax(plain, -1), atol=1e-6)


@pytest.fixture(scope="module")
def damped_writer(writer: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("damped")
    made = _made(writer, folder)
    assert made["recipe"] == {"prefixes": PREFIXES, "decay": DECAY}
    return folder


def _causal_distribution(writer: Path, ids: list[int]) -> torch.Tensor:
    """float64[V]: by plain calls of transformers, the text alone and behind each description."""
    import transformers

    tokenizer = transformers.AutoTokenizer.from_pretrained(writer)
    model = transformers.AutoModelForCausalLM.from_pretrained(writer).eval()
    start = [tokenizer.bos_token_id if tokenizer.bos_token_id is not None else tokenizer.eos_token_id]

    def last(row: list[int]) -> torch.Tensor:
        with torch.no_grad():
            logits: torch.Tensor = model(torch.tensor([row])).logits[0, -1]
        return logits

    described = [start + tokenizer(one, add_special_tokens=False)["input_ids"] + ids for one in PREFIXES]
    return _by_hand(last(start + ids), [last(row) for row in described])


def test_likelihoods_and_texts_of_a_causal_model(writer: Path, damped_writer: Path) -> None:
    import transformers

    tokenizer = transformers.AutoTokenizer.from_pretrained(writer)
    model = _opened(writer, damped_writer)
    text = "the lamp was good"
    ids = tokenizer(text, add_special_tokens=False)["input_ids"]
    (whole,) = _answers(model, RollingLikelihood(text))
    assert isinstance(whole, Likelihood)
    by_token = [float(_causal_distribution(writer, ids[:place])[ids[place]]) for place in range(len(ids))]
    assert whole.total == pytest.approx(sum(by_token), abs=1e-3)

    prompts = ["the lamp was", "the soup", "the kettle was fine with the"]
    asked = [Generate(prompt, max_tokens=6) for prompt in prompts]
    together = _answers(model, *asked)
    alone = [_answers(model, request)[0] for request in asked]
    assert all(isinstance(one, Generated) for one in together)
    assert [one.text for one in together] == [one.text for one in alone]
    plain = _answers(open_model(writer, OpenContext(resolve=lambda _: writer, responses=None)), *asked)
    assert [one.log_likelihood for one in together] != [one.log_likelihood for one in plain]


def test_without_decay_everything_is_the_parents(writer: Path, tmp_path: Path) -> None:
    _made(writer, tmp_path / "a", decay=0)
    asked = [
        RollingLikelihood("the lamp was good with the soup."),
        Continuations("the lamp was", (" good", " bad and dull")),
        Generate("the lamp", max_tokens=8),
        Generate("the lamp", max_tokens=8, temperature=1.0, seed=3),
        TopCompletions("the lamp was", 3),
        Embed("the lamp was good"),
    ]
    parent = _answers(open_model(writer, OpenContext(resolve=lambda _: writer, responses=None)), *asked)
    found = _answers(_opened(writer, tmp_path / "a"), *asked)
    assert found[0].total == pytest.approx(parent[0].total, abs=1e-3)
    assert found[1].values == pytest.approx(parent[1].values, abs=1e-3)
    assert [found[2].text, found[3].text] == [parent[2].text, parent[3].text]
    assert [one[0] for one in found[4].tokens] == [one[0] for one in parent[4].tokens]
    assert found[5] == parent[5]


def test_a_masked_model_is_damped_at_every_gap(base: Path, tmp_path: Path) -> None:
    import transformers

    _made(base, tmp_path / "a")
    model = _opened(base, tmp_path / "a")
    tokenizer = transformers.AutoTokenizer.from_pretrained(base)
    language = transformers.AutoModelForMaskedLM.from_pretrained(base).eval()
    text = "the lamp was good"
    ids = tokenizer(text, add_special_tokens=False)["input_ids"]
    start, end, mask = tokenizer.cls_token_id, tokenizer.sep_token_id, tokenizer.mask_token_id

    def at(before: list[int], place: int) -> torch.Tensor:
        row = [start, *before, *ids, end]
        row[1 + len(before) + place] = mask
        with torch.no_grad():
            logits: torch.Tensor = language(torch.tensor([row])).logits[0, 1 + len(before) + place]
        return logits

    behind = [tokenizer(one, add_special_tokens=False)["input_ids"] for one in PREFIXES]
    total = sum(
        float(_by_hand(at([], place), [at(one, place) for one in behind])[ids[place]]) for place in range(len(ids))
    )
    likelihood, cloze = _answers(
        model, PseudoLikelihood(text, "pll"), Cloze("the {mask} was good", (("lamp",), ("soup", "garden")))
    )
    assert likelihood.total == pytest.approx(total, abs=1e-3)
    assert all(value < 0 for value in cloze.values)
    assert any("self-debiased" in note and "pseudo_likelihood" in note for note in model.facts.notes)
    parent = open_model(base, OpenContext(resolve=lambda _: base, responses=None))
    assert model.facts.max_length == parent.facts.max_length - max(map(len, behind))
    assert model.facts.digest != parent.facts.digest


def test_what_cannot_be_damped_is_refused(base: Path, tmp_path: Path) -> None:
    run_stage(ClassicalSpec(task="mood"), label_inputs(None), tmp_path / "words", Silent())
    with pytest.raises(CheckpointError, match="cannot be self-debiased"):
        _made(tmp_path / "words", tmp_path / "a")
    run_stage(pretraining("span_corruption", steps=2), passage_inputs(), tmp_path / "t5", Silent())
    with pytest.raises(CheckpointError, match="cannot be self-debiased"):
        _made(tmp_path / "t5", tmp_path / "b")
    _made(base, tmp_path / "long", prefixes=["the lamp was good " * 200])
    with pytest.raises(CheckpointError, match="tokens for a text"):
        _opened(base, tmp_path / "long")
    (tmp_path / "long" / "self_debias.json").write_text('{"format": 1, "prefixes": [], "decay": 1}')
    with pytest.raises(CheckpointError, match="one or more prefixes"):
        _opened(base, tmp_path / "long")
    for bad in ({"prefixes": []}, {"prefixes": [""]}, {"decay": -1}):
        with pytest.raises(ValidationError):
            SelfDebiasSpec.model_validate({"from": "base", **bad})

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from harness.core.errors import SuiteError
from harness.model_kinds.load_kind import LoadModel
from harness.suite.load_suite import load_suite, parse_suite
from harness.suite.override import override
from harness.suite.suite import Suite


@pytest.fixture(scope="module")
def sentiment() -> Suite:
    return load_suite("sentiment")


def test_another_checkpoint_takes_a_model_s_place(sentiment: Suite, tmp_path: Path) -> None:
    changed = override(sentiment, models={"finetuned": str(tmp_path), "linear": "someone/model@1a2b"})
    assert changed.models["finetuned"].options == LoadModel(load=str(tmp_path))
    assert changed.models["linear"].options == LoadModel(load="someone/model", revision="1a2b")
    assert changed.models["base"] == sentiment.models["base"]
    assert changed.digest != sentiment.digest
    assert changed.gates_digest == sentiment.gates_digest


def test_a_relative_path_is_that_of_the_command_line(
    sentiment: Suite, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mine").mkdir()
    monkeypatch.chdir(tmp_path)
    assert override(sentiment, models={"base": "mine"}).models["base"].options == LoadModel(load=str(tmp_path / "mine"))


def test_an_adapter_stands_on_what_the_suite_loads_in_its_place(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "adapter_config.json").write_text("{}")
    models = {
        "base": {"load": "owner/base", "revision": "a" * 40},
        "tuned": {"load": "owner/base", "revision": "a" * 40, "adapter": "old", "labels": ["a", "b"]},
        "taught": {"finetune": {"from": "base", "task": "t"}},
    }
    task = {"classification": {"data": "d", "text": "text", "label": "label"}}
    value = {"name": "x", "data": {"d": {"file": "d.csv"}}, "models": models, "tasks": {"t": task}}
    suite = parse_suite(json.dumps({**value, "compare": {"baseline": "base"}}), tmp_path / "suite.yaml")
    wanted = LoadModel(load="owner/base", revision="a" * 40, adapter=str(tmp_path / "mine"))
    for name in ("tuned", "taught"):
        assert override(suite, models={name: str(tmp_path / "mine")}).models[name].options == wanted
    assert override(suite, models={"base": str(tmp_path / "mine")}).models["base"].options == LoadModel(
        load=str(tmp_path / "mine")
    )


def test_a_seed(sentiment: Suite) -> None:
    changed = override(sentiment, seed=7)
    assert changed.seed == 7
    assert changed.digest != sentiment.digest
    assert override(sentiment, seed=sentiment.seed).digest == sentiment.digest
    with pytest.raises(SuiteError, match="expected a seed"):
        override(sentiment, seed=-1)


def test_unknown_names_have_a_nearest(sentiment: Suite) -> None:
    with pytest.raises(SuiteError, match="Did you mean 'finetuned'"):
        override(sentiment, models={"finetund": "x"})
    with pytest.raises(SuiteError, match="Did you mean 'swaps'"):
        override(sentiment, only=["swap"])


def test_only_evaluations_keeps_what_they_stand_on(sentiment: Suite) -> None:
    part = override(sentiment, only=["swaps"])
    assert part.evaluated == ("swaps",)
    assert set(part.tasks) == {"reviews"}
    assert set(part.probes) == {"swaps"}
    assert set(part.contenders) == set(sentiment.contenders) - set(sentiment.implied)
    assert [rule.id for rule in part.gates.rules] == ["robust"]
    better = next(gate for gate in part.gates.left_out if gate.rule.id == "better")
    assert (better.model, better.reason) == ("finetuned", "`--only swaps` leaves out the evaluation reviews")


def test_only_models_keeps_what_they_start_from_and_are_compared_with(sentiment: Suite) -> None:
    part = override(sentiment, only=["finetuned"])
    assert set(part.contenders) == {"base", "linear", "finetuned", "majority-reviews", "prior-reviews"}
    assert (part.candidates, part.release) == (("finetuned", "linear"), ("finetuned",))
    assert part.compare.pairs == []
    assert part.evaluated == sentiment.evaluated
    left_out = {gate.rule.id: gate.reason for gate in part.gates.left_out}
    assert set(left_out) == {"bag-of-words"}
    assert "leaves out the model" in left_out["bag-of-words"]


def test_only_both(sentiment: Suite) -> None:
    part = override(sentiment, only=["pairs", "linear"])
    assert part.evaluated == ("pairs",)
    assert "reviews" in part.tasks
    assert part.release == ()
    assert part.gates.rules == ()
    assert part.digest != sentiment.digest


def test_a_release_model_that_is_left_out_keeps_its_verdict(sentiment: Suite) -> None:
    both = replace(sentiment, release=("finetuned", "classical"))
    part = override(both, only=["finetuned"])
    assert "better" in {rule.id for rule in part.gates.rules}
    assert {gate.model for gate in part.gates.left_out if gate.rule.id == "better"} == {"classical"}

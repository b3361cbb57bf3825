"""What init and audit ask of training rows, and what they never claim unasked."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from harness.cli.app import invoke
from harness.cli.training_question import training_said
from harness.commands.new_suites import auto_suite, init_suite
from harness.pipeline.checkpoints.named_checkpoints import Ability
from harness.suite.load_suite import load_suite
from harness.suite.unknown_training import unknown_training


@pytest.mark.parametrize(
    ("options", "asked"),
    [
        (["--trained-on", "a.csv", "--trained-on", "b.csv"], False),
        (["--held-out"], False),
        (["--yes"], True),
        ([], True),
    ],
)
def test_init_writes_what_was_said_and_yes_claims_nothing(
    options: list[str], asked: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(init_suite, "ability_of", lambda *_: Ability("masked", True, labels=("good", "bad")))
    (tmp_path / "rows.csv").write_text("text,label\na film,good\na song,bad\n", "utf-8")
    assert invoke(["init", "rows.csv", "--finetuned", "models/mine", "--out", "mine.yaml", *options]) == 0
    assert bool(unknown_training(load_suite("mine.yaml"))) == asked


@pytest.mark.parametrize(
    ("typed", "said"), [("none", (None, True)), (" a.csv ", (["a.csv"], False)), ("", (None, False))]
)
def test_a_person_at_a_terminal_is_asked(
    typed: str, said: tuple[list[str] | None, bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = iter([typed])
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    monkeypatch.setattr("click.termui.visible_prompt_func", lambda *_: next(answers))
    assert training_said((), False, ask=True) == said
    assert training_said((), False, ask=False) == (None, False)
    assert training_said(("c.csv",), False, ask=True) == (["c.csv"], False)


@pytest.mark.parametrize(
    ("said", "doubted"),
    [({}, {"task", "swaps", "general"}), ({"held_out": True}, set()), ({"trained_on": ["t.csv"]}, set())],
)
def test_an_audit_of_own_rows(
    said: dict[str, object], doubted: set[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(auto_suite, "_language_model", lambda name: "masked")
    monkeypatch.setattr(auto_suite, "needs_base", lambda name, revision: False)
    monkeypatch.chdir(tmp_path)
    for name in ("rows.csv", "prose.txt"):
        (tmp_path / name).write_text("text,label\n", "utf-8")
    suite = auto_suite.audit_suite(
        "base",
        "tuned",
        task=auto_suite.TaskData(Path("rows.csv")),
        prose=Path("prose.txt"),
        **said,  # type: ignore[arg-type]
    )
    assert set(unknown_training(suite)) == doubted
    if "trained_on" in said:
        assert suite.models["finetuned"].trained_on == (str(tmp_path / "t.csv"),)
    assert json.loads(suite.text)["models"]["base"]["load"] == "base"

"""`harness init` on tiny checkpoints: what it writes passes `validate` and `plan`, runs, and judges something."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from harness_support import model_zoo
from harness_support.adapter_zoo import lora

from harness.cli.app import invoke
from harness.commands.new_suites.head_labels import match_labels
from harness.core.errors import SuiteError
from harness.suite.load_suite import load_suite

WORDS = {"negative": "dull", "positive": "lovely"}


def _reviews(file: Path, labels: Sequence[str]) -> Path:
    rows = [
        f"The {thing} was a {WORDS[mood]} one and she said it to the man of the house {k}.,{labels[place]}"
        for k, (thing, place, mood) in enumerate(
            (thing, place, mood)
            for _ in range(5)
            for thing in ("film", "song", "book", "meal")
            for place, mood in enumerate(WORDS)
        )
    ]
    file.write_text("\n".join(["body,mood", *rows]) + "\n", "utf-8")
    return file


def _instructions(file: Path) -> Path:
    rows = [
        {"instruction": f"Name a {thing} for the lady and say that it was hers.", "output": f"A {thing} number {k}."}
        for k, thing in enumerate(["film", "song", "book", "meal"] * 6)
    ]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return file


def _sentences(file: Path) -> Path:
    rows = [
        f"{name}\tB-person\nlives\tO\nin\tO\n{place}\tB-place\n"
        for name in ("Ada", "Grace", "Alan", "Edsger")
        for place in ("London", "Paris", "Rome", "Kyiv", "Oslo")
    ]
    file.write_text("\n".join(rows), "utf-8")
    return file


def _translations(file: Path) -> Path:
    rows = [
        f"The {thing} is here and it was good for you number {k}.\tDer {thing} ist hier und es war gut Nummer {k}."
        for k, thing in enumerate(["film", "song", "book", "meal"] * 5)
    ]
    file.write_text("\n".join(["en\tde", *rows]) + "\n", "utf-8")
    return file


def _adapter(base: Path, folder: Path) -> Path:
    import peft
    import torch
    from transformers import AutoModelForCausalLM

    torch.manual_seed(3)
    model = peft.get_peft_model(AutoModelForCausalLM.from_pretrained(base), lora(task_type="CAUSAL_LM"))
    model.save_pretrained(folder)
    return folder


def _classifier_pair(folder: Path) -> list[str]:
    data = _reviews(folder / "My Reviews.csv", ["0", "1"])
    base = model_zoo.language_model("bert", folder / "base")
    tuned = model_zoo.classifier("bert", folder / "tuned", ("LABEL_0", "LABEL_1"), seed=1)
    return [str(data), "--base", str(base), "--finetuned", str(tuned)]


def _adapter_pair(folder: Path) -> list[str]:
    base = model_zoo.language_model("llama", folder / "base", length=96)
    return [
        str(_instructions(folder / "orders.jsonl")),
        "--base",
        str(base),
        "--finetuned",
        str(_adapter(base, folder / "adapter")),
    ]


def _conversations(folder: Path) -> list[str]:
    """A causal base without a chat template, and its adapter, on rows in OpenAI's shape."""
    rows = [
        {
            "messages": [
                {"role": "user", "content": f"Name a {thing} for the lady and say that it was hers."},
                {"role": "assistant", "content": f"A {thing} number {k}."},
            ]
        }
        for k, thing in enumerate(["film", "song", "book", "meal"] * 6)
    ]
    (folder / "chats.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    base = model_zoo.language_model("llama", folder / "base", length=256)
    tuned = _adapter(base, folder / "adapter")
    return [str(folder / "chats.jsonl"), "--base", str(base), "--finetuned", str(tuned)]


def _tagger_pair(folder: Path) -> list[str]:
    tags = ("O", "B-person", "I-person", "B-place", "I-place")
    base = model_zoo.language_model("bert", folder / "base")
    tuned = model_zoo.with_head("bert", "token", folder / "tuned", tags, seed=2)
    return [str(_sentences(folder / "names.conll")), "--base", str(base), "--finetuned", str(tuned)]


def _seq2seq_pair(folder: Path) -> list[str]:
    base = model_zoo.language_model("t5", folder / "base")
    tuned = model_zoo.language_model("t5", folder / "tuned", seed=4)
    return [str(_translations(folder / "pairs.tsv")), "--base", str(base), "--finetuned", str(tuned)]


@pytest.mark.parametrize(
    ("made", "base_answers"),
    [
        (_classifier_pair, False),
        (_adapter_pair, True),
        (_conversations, True),
        (_tagger_pair, False),
        (_seq2seq_pair, True),
    ],
)
def test_what_init_writes_passes_validate_and_plan_and_judges(
    made: Callable[[Path], list[str]],
    base_answers: bool,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HARNESS_CACHE_DIR", str(tmp_path / "cache"))
    arguments = made(tmp_path)
    assert invoke(["init", *arguments, "--held-out"]) == 0
    captured = capsys.readouterr()
    assert ("base cannot answer" in captured.err) != base_answers
    assert (tmp_path / "suite.schema.json").is_file()
    assert invoke(["validate", "suite.yaml"]) == 0
    assert invoke(["plan", "suite.yaml"]) == 0
    suite = load_suite("suite.yaml")
    assert not base_answers or any(rule.kind == "superiority" for rule in suite.gates.rules)
    capsys.readouterr()
    code = invoke(["run", "suite.yaml", "--limit", "20", "--quiet", "--json"])
    verdict = json.loads(capsys.readouterr().out)
    assert code in (0, 10, 11), verdict
    results = json.loads((Path(verdict["run_dir"]) / "results.json").read_text("utf-8"))
    judged = {gate["id"]: gate["verdict"] for gate in results["gates"] if gate["severity"] != "warn"}
    assert judged
    assert set(judged.values()) <= {"pass", "fail", "inconclusive"}, judged


def test_yes_claims_nothing_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    assert invoke(["init", *_classifier_pair(tmp_path), "--yes", "--out", "moods.yaml"]) == 0
    assert "stay inconclusive until the suite says" in capsys.readouterr().err
    written = Path("moods.yaml").read_text("utf-8")
    suite = load_suite("moods.yaml")
    assert "held_out: true}" not in written
    assert suite.name == "moods"
    assert suite.tasks["my-reviews"].raw["head_labels"] == {"LABEL_0": "0", "LABEL_1": "1"}


def test_labels_that_names_do_not_tell_need_an_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    arguments = _classifier_pair(tmp_path)
    _reviews(Path("My Reviews.csv"), ["negative", "positive"])
    assert invoke(["init", *arguments, "--yes"]) == 2
    told = capsys.readouterr().err
    for part in ("row 0 of the head: LABEL_0", "label of the data: positive (20 rows)", "--labels LABEL_0=negative"):
        assert part in told
    assert not Path("suite.yaml").exists()
    assert invoke(["init", *arguments, "--yes", "--labels", "LABEL_0=positive,LABEL_1=bad"]) == 2
    assert "no row of the head gets 'negative'" in capsys.readouterr().err
    assert invoke(["init", *arguments, "--yes", "--labels", "positive,negative"]) == 0
    raw = load_suite("suite.yaml").tasks["my-reviews"].raw
    assert raw["head_labels"] == {"LABEL_0": "positive", "LABEL_1": "negative"}


def test_a_person_is_asked_two_questions_at_most(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    arguments = _classifier_pair(tmp_path)
    _reviews(Path("My Reviews.csv"), ["negative", "positive"])
    answers = iter(["none", "negative, positive"])
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    monkeypatch.setattr("click.termui.visible_prompt_func", lambda *_: next(answers))
    assert invoke(["init", *arguments]) == 0
    assert not list(answers)
    suite = load_suite("suite.yaml")
    assert getattr(suite.data["my-reviews"], "held_out", False)
    assert suite.tasks["my-reviews"].raw["labels"] == ["negative", "positive"]


@pytest.mark.parametrize("options", [[], ["--base", "base"]])
def test_without_a_finetuned_model_the_suite_trains_one(
    options: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HARNESS_CACHE_DIR", str(tmp_path / "cache"))
    _reviews(Path("rows.csv"), ["bad", "good"])
    model_zoo.language_model("bert", tmp_path / "base")
    assert invoke(["init", "rows.csv", *options, "--yes"]) == 0
    assert invoke(["validate", "suite.yaml"]) == 0
    assert invoke(["plan", "suite.yaml"]) == 0


@pytest.mark.parametrize("call", [["mine.yaml", "--data", "rows.csv"], ["mine.yaml"]])
def test_an_old_call_says_how_it_is_written_now(call: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke(["init", *call]) == 2
    assert "--out mine.yaml" in capsys.readouterr().err


def test_heads_and_labels_are_matched_by_name_case_or_number() -> None:
    def mapped(head: Sequence[str], data: Sequence[str], given: str | None = None) -> dict[str, str] | None:
        made = match_labels(head, dict.fromkeys(data, 1), given)
        return None if made is None else dict(made.head_labels or zip(made.labels, made.labels, strict=True))

    assert mapped(["neg", "pos"], ["pos", "neg"]) == {"neg": "neg", "pos": "pos"}
    assert mapped(["NEGATIVE", "POSITIVE"], ["negative", "positive"]) == {
        "NEGATIVE": "negative",
        "POSITIVE": "positive",
    }
    assert mapped(["LABEL_0", "LABEL_1", "LABEL_2"], ["0", "2"]) == {"LABEL_0": "0", "LABEL_1": "1", "LABEL_2": "2"}
    assert mapped(["bad", "good"], ["0", "1"]) == {"bad": "0", "good": "1"}
    assert mapped(["LABEL_0", "LABEL_1"], ["1", "2"]) is None
    assert mapped(["LABEL_0", "LABEL_1"], ["ham", "spam"]) is None
    assert mapped(["LABEL_0", "LABEL_1"], ["ham", "spam"], "spam,ham") == {"LABEL_0": "spam", "LABEL_1": "ham"}
    for wrong in ("spam", "spam,spam", "LABEL_0=ham", "x=ham,LABEL_1=spam"):
        with pytest.raises(SuiteError, match="--labels"):
            mapped(["LABEL_0", "LABEL_1"], ["ham", "spam"], wrong)

"""The likelihood of references by the command line: against plain transformers, paired, with tokens in the report."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
import torch
from harness_support import model_zoo
from harness_support.page_reader import items_of
from harness_support.plain_reference import close
from transformers import AutoModelForCausalLM, AutoTokenizer

from harness.cli.app import invoke
from harness.storage.run_dir import RunDir

SUITE = """\
name: answers
data: {notes: {file: notes.csv, splits: {test: 1.0}, held_out: true}}
models: {base: {load: base}, tuned: {load: tuned}}
compare: {baseline: base, release: [tuned]}
tasks: {answers: {reference_likelihood: {data: notes, prompt: "{question}", target: answer}}}
gates:
  - {id: close, metric: answers.target_nats_per_token, kind: non_inferiority, margin: {ratio: 2}, min_n: 5}
"""
ROWS = [
    (f"the {word} film {number} was", f"{word} and {number} more") for number in range(8) for word in ("warm", "dull")
]


def _nats(folder: Path) -> tuple[float, int]:
    """Σ of plain transformers' loss on the references, and their tokens."""
    model, tokenizer = AutoModelForCausalLM.from_pretrained(folder).eval(), AutoTokenizer.from_pretrained(folder)
    total, tokens = 0.0, 0
    for question, answer in ROWS:
        before, whole = tokenizer(question).input_ids, tokenizer(f"{question} {answer}").input_ids
        labels = torch.tensor([[-100] * len(before) + whole[len(before) :]])
        with torch.no_grad():
            loss = model(input_ids=torch.tensor([whole]), labels=labels).loss.double()
        total, tokens = total + float(loss) * (len(whole) - len(before)), tokens + len(whole) - len(before)
    return total, tokens


@pytest.mark.slow
def test_references_are_scored_compared_and_shown_token_by_token(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    for seed, name in enumerate(("base", "tuned")):
        model_zoo.language_model("gpt2", tmp_path / name, seed=seed)
    with (tmp_path / "notes.csv").open("w", newline="") as out:
        csv.writer(out).writerows([("question", "answer"), *ROWS])
    (tmp_path / "suite.yaml").write_text(SUITE, "utf-8")
    assert invoke(["run", "suite.yaml"]) == 0, capfd.readouterr().err
    run = RunDir(next((tmp_path / "reports" / "answers").iterdir()))
    results = run.read_results()
    levels = {(row.metric, row.model): row for row in results.metrics if row.slice is None}
    for name in ("base", "tuned"):
        total, tokens = _nats(tmp_path / name)
        records = run.records("answers", name)
        assert records.stat("tokens_reference").sum() == tokens
        assert close(float(records.stat("nll_reference").sum()), total)
        level = levels["target_nats_per_token", name].interval.value
        assert level == pytest.approx(total / tokens, rel=1e-5)
        assert levels["target_token_perplexity", name].interval.value == pytest.approx(2.718281828**level, rel=1e-6)
    (row,) = (row for row in results.comparisons if row.metric == "target_nats_per_token")
    assert row.ratio is not None
    # References of unlike length carry the difference by their tokens.
    assert row.n == len(ROWS)
    assert row.n_eff is not None
    assert 0 < row.n_eff <= row.n
    (items,) = items_of((run.path / "report.html").read_text("utf-8"))
    assert items.head["fields"][0] == "reference"
    extra = items.rows[0][len(items.head["fields"])]
    # Of both models, the likelihood of every token of the reference that is shown.
    assert len(extra["tokens"]) == 2
    assert all(tokens[-1][1] == len(items.rows[0][0]) for tokens in extra["tokens"])

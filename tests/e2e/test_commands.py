"""Commands around a run, on the tiny world."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from harness_support.page_reader import whole_page
from harness_support.tiny_world import Shell

Finished = tuple[Shell, dict[str, Any]]


def test_plan_trains_nothing_and_knows_what_is_cached(shell: Shell, finished: Finished) -> None:
    before = json.loads(shell("plan", "tiny.yaml", "--json").stdout)
    assert {step["cached"] for step in before["steps"]} == {False}
    assert before["seconds"] > 0
    assert not (shell.folder / "reports").exists()
    other, _ = finished
    after = json.loads(other("plan", "tiny.yaml", "--json").stdout)
    assert {step["cached"] for step in after["steps"]} == {True}
    assert after["seconds"] == 0
    assert [gate["id"] for gate in after["gates"]] == ["floor", "memory"]
    assert all("Simulated on samples of the run" in gate["sentence"] for gate in after["gates"])
    assert all(gate["required_n"] for gate in after["gates"])


def test_train_makes_checkpoints_and_no_run(shell: Shell) -> None:
    done = shell("train", "tiny.yaml", "classical", "--json")
    assert done.returncode == 0, done.stderr
    made = json.loads(done.stdout)
    assert Path(made["classical"]["path"], "vocabulary.json").is_file()
    assert not list(Path(made["classical"]["path"]).glob("*.pkl"))
    assert not (shell.folder / "reports").exists()


def test_limit_and_only_do_less_and_say_so(finished: Finished) -> None:
    shell, _ = finished
    run = shell.run("tiny.yaml", "--limit", "12", "--only", "classical,notes")
    notes = run["results"]["evaluations"]
    assert [entry["name"] for entry in notes] == ["notes"]
    assert 0 < notes[0]["n"] <= 12
    assert run["results"]["limit"] == 12
    assert run["info"]["overrides"]["only"] == ["classical", "notes"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("notes.csv", "missing.csv"), "missing.csv"),
        (("label: mood", "label: moood"), "mood"),
        (("text: body", "text: bodi"), "body"),
        (("task: notes}}", "task: note}}"), "notes"),
        (("min: 0.2", "minimum: 0.2"), "min"),
        (("accuracy, kind", "acuracy, kind"), "accuracy"),
        (("{from: base, task: notes, epochs: 2}", "{from: finetuned, task: notes}"), "finetuned"),
        (("seed: 3", "seed: 3\nseed: 4"), "seed"),
        (("splits: fold", "splits: fold, sliced: [place]"), "slices"),
        (("[gender]", "[gendre]"), "gender"),
        (("method: linear", "method: lineer"), "linear"),
        (("pseudo_bits_per_byte", "accuracy"), "accuracy"),
    ],
)
def test_a_mistake_in_the_suite_is_located(shell: Shell, change: tuple[str, str], said: str) -> None:
    path = shell.folder / "tiny.yaml"
    text = path.read_text()
    assert change[0] in text
    path.write_text(text.replace(*change, 1))
    done = shell("run", "tiny.yaml")
    assert done.returncode == 2, done.stderr
    assert said in done.stderr
    assert "tiny.yaml:" in done.stderr or "csv" in done.stderr
    assert "Traceback" not in done.stderr
    assert "internal error" not in done.stderr
    assert done.stdout == ""


def test_text_that_is_not_utf8_is_read_by_a_guess_that_is_told(shell: Shell) -> None:
    path = shell.folder / "notes.csv"
    path.write_bytes(path.read_bytes().replace(b"Note 7.", b"Not\xe9 7.", 1))
    done = shell("plan", "tiny.yaml")
    assert done.returncode == 0, done.stderr
    assert "read as cp1252, guessed from the bytes" in done.stderr


def test_pickled_weights_and_missing_tokenizers_are_refused(finished: Finished, tmp_path: Path) -> None:
    shell, run = finished
    mine = tmp_path / "mine"
    shell("export", run["folder"], "finetuned", mine)
    arguments = ("run", "tiny.yaml", "--model", f"finetuned={mine}", "--only", "finetuned,notes")
    (mine / "tokenizer.json").rename(tmp_path / "tokenizer.json")
    done = shell(*arguments)
    assert done.returncode == 2
    assert "tokenizer" in done.stderr
    (tmp_path / "tokenizer.json").rename(mine / "tokenizer.json")
    (mine / "model.safetensors").rename(mine / "pytorch_model.bin")
    done = shell(*arguments)
    assert done.returncode == 2
    assert "safetensors" in done.stderr


def test_an_unwritable_place_says_so(shell: Shell) -> None:
    (shell.folder / "file").write_text("not a folder")
    done = shell("run", "tiny.yaml", "--out", "file")
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


def test_a_run_without_its_records_is_not_judged(finished: Finished, tmp_path: Path) -> None:
    shell, run = finished
    copy = tmp_path / "copy"
    shutil.copytree(run["folder"], copy, ignore=shutil.ignore_patterns("records"))
    done = shell("gate", copy, "--json")
    assert (done.returncode, done.stdout) == (2, "")
    assert "records/notes/classical.parquet: missing" in done.stderr


def test_nothing_is_judged_on_records_that_changed(finished: Finished, tmp_path: Path) -> None:
    shell, run = finished
    copy = tmp_path / "copy"
    shutil.copytree(run["folder"], copy)
    assert shell("gate", copy).returncode == 0
    changed = copy / "records" / "notes" / "classical.parquet"
    changed.write_bytes((copy / "records" / "notes" / "base.parquet").read_bytes())
    for command in (["gate", copy], ["explain", "floor", "--run", copy], ["compare", run["folder"], copy]):
        done = shell(*command)
        assert done.returncode == 2
        assert "classical.parquet" in done.stderr
        assert "records/notes/classical.parquet: changed" in done.stderr


def test_a_gate_command_without_gates_is_a_mistake_not_a_pass(finished: Finished, tmp_path: Path) -> None:
    shell, run = finished
    suite = tmp_path / "none.yaml"
    suite.write_text((shell.folder / "tiny.yaml").read_text("utf-8").split("gates:")[0], "utf-8")
    done = shell("gate", run["folder"], "--suite", suite)
    assert done.returncode == 2
    assert "no gates: nothing was judged" in done.stderr


def test_results_follow_the_shipped_schema(finished: Finished) -> None:
    import jsonschema

    shell, run = finished
    schema = json.loads(shell("schema", "--results").stdout)
    jsonschema.Draft202012Validator(schema).validate(run["results"])


@pytest.mark.slow
def test_selftest_counts_false_alarms_and_asks_again(finished: Finished, tmp_path: Path) -> None:
    shell, run = finished
    copy = tmp_path / "copy"
    shutil.copytree(run["folder"], copy)
    done = shell("selftest", copy, "--swaps", "100", "--json", timeout=600)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    counted = [entry for entry in found["false_alarms"] if entry["rate"] is not None]
    assert counted
    assert all(entry["nominal"] and entry["swaps"] == 100 for entry in counted)
    assert found["noise_reason"] is None
    assert {entry["evaluation"] for entry in found["noise"]} == {"notes", "general", "swaps", "pairs"}
    # another batch size changes rounding at most
    assert all(abs(entry["delta"] or 0) < 1e-3 for entry in found["noise"])
    stored = json.loads((copy / "results.json").read_text("utf-8"))["selftest"]
    assert stored["sentence"] == found["sentence"]
    assert "Self-test:" in (copy / "summary.md").read_text("utf-8")
    assert "Self-test:" in whole_page((copy / "report.html").read_text("utf-8"))


def test_explain_says_why_in_words_and_as_json(finished: Finished) -> None:
    shell, run = finished
    done = shell("explain", "floor", "--run", run["folder"])
    assert done.returncode == 0, done.stderr
    assert "passes with" in done.stdout
    value = json.loads(shell("explain", "memory", "--run", run["folder"], "--json").stdout)
    assert value["gates"][0]["verdict"] == "pass"
    wrong = shell("explain", "flor", "--run", run["folder"])
    assert wrong.returncode == 2
    assert "Did you mean 'floor'?" in wrong.stderr

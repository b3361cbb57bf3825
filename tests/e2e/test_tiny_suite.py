"""The whole path, on a tiny world: train, ask, compare, gate, report, and again from the cache."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from harness_support.tiny_world import Shell

Finished = tuple[Shell, dict[str, Any]]


def uncached(info: dict[str, Any]) -> set[tuple[str, str]]:
    return {(step["kind"], step["name"]) for step in info["steps"] if not step["cached"] and step["kind"] != "data"} - {
        ("compare", "statistics")
    }


def test_every_file_of_the_run_directory_is_there(finished: Finished) -> None:
    _, run = finished
    names = {str(path.relative_to(run["folder"])) for path in run["folder"].rglob("*") if path.is_file()}
    for name in ("run.json", "results.json", "report.html", "summary.md", "junit.xml", "model-card.md"):
        assert name in names
    assert "records/notes/finetuned.parquet" in names
    assert "items/notes.parquet" in names
    assert "training/base.jsonl" in names
    assert "records/general/classical.parquet" not in names


def test_results_hold_every_model_with_its_protocol(finished: Finished) -> None:
    _, run = finished
    results = run["results"]
    assert {model["name"] for model in results["models"]} == {
        "base", "finetuned", "lora", "scratch", "linear", "classical", "majority-notes", "prior-notes",
    }  # fmt: skip
    notes = next(entry for entry in results["evaluations"] if entry["name"] == "notes")
    assert notes["protocols"]["base"] == "cloze"
    assert notes["protocols"]["finetuned"] == notes["protocols"]["classical"] == "head"
    assert notes["baseline"] in {"base", "linear"}
    assert "validation" in notes["baseline_reason"]
    general = next(entry for entry in results["evaluations"] if entry["name"] == "general")
    assert set(general["protocols"]) >= {"base", "finetuned", "lora"}
    assert set(general["skipped"]) >= {"classical", "scratch"}, "no language model was trained there"


def test_learned_models_beat_chance_and_accuracy_is_the_mean_of_records(finished: Finished) -> None:
    _, run = finished
    accuracy = {
        entry["model"]: entry["interval"]["value"]
        for entry in run["results"]["metrics"]
        if entry["id"] == "notes.accuracy" and entry["slice"] is None
    }
    assert accuracy["classical"] > 0.9
    for model, value in accuracy.items():
        table = pq.read_table(run["folder"] / "records" / "notes" / f"{model}.parquet")
        right = [a == b for a, b in zip(table["target"].to_pylist(), table["prediction"].to_pylist(), strict=True)]
        assert value == sum(right) / len(right)


def test_a_second_run_comes_from_the_cache_with_the_same_results(finished: Finished) -> None:
    shell, first = finished
    second = shell.run("tiny.yaml")
    assert second["run_dir"] != first["run_dir"]
    assert (second["folder"] / "results.json").read_bytes() == (first["folder"] / "results.json").read_bytes()
    assert uncached(second["info"]) == set()


def test_a_changed_gate_asks_no_model(finished: Finished) -> None:
    shell, first = finished
    changed = shell.folder / "gate.yaml"
    changed.write_text((shell.folder / "tiny.yaml").read_text().replace("min: 0.2", "min: 0.9999"))
    run = shell.run("gate.yaml")
    assert run["exit_code"] in {10, 11}
    assert uncached(run["info"]) == set()
    again = shell("gate", first["folder"], "--suite", "gate.yaml", "--json")
    assert again.returncode == run["exit_code"], again.stderr
    own = shell("gate", first["folder"], "--json")
    assert own.returncode == first["exit_code"] == 0, own.stderr


def test_a_changed_training_row_retrains_what_learned_from_it(finished: Finished) -> None:
    shell, _ = finished
    notes = (shell.folder / "notes.csv").read_text()
    (shell.folder / "other.csv").write_text(notes.replace("Note 0.", "Note nought.", 1))
    changed = shell.folder / "row.yaml"
    changed.write_text((shell.folder / "tiny.yaml").read_text().replace("notes.csv", "other.csv"))
    run = shell.run("row.yaml", "--only", "classical,notes")
    assert ("stage", "classical") in uncached(run["info"])


def test_the_report_renders_again_to_the_same_bytes_without_torch(finished: Finished) -> None:
    shell, run = finished
    before = (run["folder"] / "report.html").read_bytes()
    (run["folder"] / "report.html").unlink()
    done = shell("report", run["folder"])
    assert done.returncode == 0, done.stderr
    assert (run["folder"] / "report.html").read_bytes() == before
    probe = (
        "import sys\nfrom harness.cli.app import invoke\n"
        f"code = invoke(['report', {str(run['folder'])!r}])\n"
        "heavy = {'torch', 'transformers', 'sklearn', 'datasets'} & set(sys.modules)\n"
        "assert code == 0 and not heavy, heavy\n"
    )
    import subprocess
    import sys

    subprocess.run([sys.executable, "-c", probe], cwd=shell.folder, env=shell.environment(), check=True, timeout=60)


def test_exported_checkpoints_load_with_plain_from_pretrained(finished: Finished, tmp_path: Path) -> None:
    from peft import PeftModel
    from transformers import AutoModelForMaskedLM, AutoModelForSequenceClassification, AutoTokenizer

    shell, run = finished
    for model in ("base", "finetuned", "lora", "linear", "classical"):
        done = shell("export", run["folder"], model, tmp_path / model)
        assert done.returncode == 0, done.stderr
    tokenizer = AutoTokenizer.from_pretrained(tmp_path / "finetuned")
    classifier = AutoModelForSequenceClassification.from_pretrained(tmp_path / "finetuned")
    assert AutoModelForMaskedLM.from_pretrained(tmp_path / "base").config.vocab_size == len(tokenizer)
    adapted = PeftModel.from_pretrained(
        AutoModelForSequenceClassification.from_pretrained(tmp_path / "lora" / "base", num_labels=3), tmp_path / "lora"
    )
    items = {
        row["item_id"]: json.loads(row["texts"])["text"]
        for row in pq.read_table(run["folder"] / "items" / "notes.parquet").to_pylist()
    }
    for name, loaded in (("finetuned", classifier), ("lora", adapted)):
        rows = pq.read_table(run["folder"] / "records" / "notes" / f"{name}.parquet").to_pylist()[:8]
        for row in rows:
            encoded = tokenizer(items[row["item_id"]], return_tensors="pt")
            log_p = loaded.eval()(**encoded).logits.detach().log_softmax(-1)[0]
            recorded = json.loads(row["response"])["log_p"]
            for index, label in classifier.config.id2label.items():
                assert abs(float(log_p[index]) - recorded[label]) < 1e-4
    again = shell("export", run["folder"], "base", tmp_path / "base")
    assert again.returncode == 2
    assert "not empty" in again.stderr


def test_two_runs_compare_item_by_item(finished: Finished) -> None:
    shell, first = finished
    other = shell.run("tiny.yaml", "--seed", "4", "--only", "classical,finetuned,notes")
    done = shell("compare", first["folder"], other["folder"], "--json")
    assert done.returncode == 0, done.stderr
    compared = json.loads(done.stdout)["comparisons"]
    classical = [
        entry
        for entry in compared
        if entry["baseline"].endswith("/classical") and entry["metric"] == "accuracy" and entry["slice"] is None
    ]
    assert classical[0]["identical"]
    assert classical[0]["delta"]["value"] == 0


def test_a_users_own_checkpoint_stands_in_for_a_trained_one(finished: Finished, tmp_path: Path) -> None:
    shell, run = finished
    shell("export", run["folder"], "finetuned", tmp_path / "mine")
    own = shell.run("tiny.yaml", "--model", f"finetuned={tmp_path / 'mine'}", "--only", "base,finetuned,notes,pairs")
    old = {(m["id"], m["model"], m["slice"]): m["interval"]["value"] for m in run["results"]["metrics"]}
    for metric in own["results"]["metrics"]:
        key = (metric["id"], metric["model"], metric["slice"])
        if metric["model"] == "finetuned" and metric["interval"]["value"] is not None:
            assert abs(metric["interval"]["value"] - old[key]) < 1e-6, key


def test_a_folder_trained_again_never_serves_old_answers(finished: Finished, tmp_path: Path) -> None:
    shell, run = finished
    mine = tmp_path / "mine"
    shell("export", run["folder"], "finetuned", mine)
    arguments = ("tiny.yaml", "--model", f"finetuned={mine}", "--only", "base,finetuned,notes")
    before = shell.run(*arguments)
    for file in mine.iterdir():
        file.unlink()
    mine.rmdir()
    shell("export", run["folder"], "scratch", mine)
    after = shell.run(*arguments)
    digests = [
        next(model["digest"] for model in found["results"]["models"] if model["name"] == "finetuned")
        for found in (before, after)
    ]
    assert digests[0] != digests[1]
    values = [
        [row["margin"] for row in pq.read_table(found["folder"] / "records/notes/finetuned.parquet").to_pylist()]
        for found in (before, after)
    ]
    assert values[0] != values[1]


def test_audit_of_two_checkpoints_needs_no_suite(finished: Finished, tmp_path: Path) -> None:
    shell, run = finished
    for model in ("base", "finetuned"):
        shell("export", run["folder"], model, tmp_path / model)
    done = shell(
        "audit", tmp_path / "base", tmp_path / "finetuned", "--prose", "prose.txt", "--task-data", "notes.csv",
        "--text", "body", "--label", "mood", "--limit", "60", "--json",
    )  # fmt: skip
    assert done.returncode in {0, 10, 11, 12}, done.stderr
    value = json.loads(done.stdout)
    results = json.loads((shell.folder / value["run_dir"] / "results.json").read_text())
    evaluated = {entry["name"]: entry for entry in results["evaluations"]}
    assert {"general", "pairs", "task"} <= evaluated.keys()
    assert set(evaluated["general"]["protocols"]) == {"base", "finetuned"}
    assert (shell.folder / value["report"]).is_file()


def test_nothing_of_this_machine_stands_in_results(finished: Finished) -> None:
    shell, run = finished
    text = (run["folder"] / "results.json").read_text()
    assert str(shell.folder) not in text
    assert str(shell.cache) not in text
    assert not re.search(r"\d{4}-\d\d-\d\dT\d\d", text)

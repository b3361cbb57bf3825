"""Several training seeds of one recipe, from the suite to the verdict."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow.parquet as pq
from harness_support.tiny_world import Shell

from harness.storage.run_dir import RunDir

GATE = "  - {id: better, metric: notes.accuracy, kind: non_inferiority, margin: 0.9, min_n: 5, baseline: base}\n"


def _suite(world: Path, seeds: int) -> str:
    text = world.read_text().replace("task: notes, epochs: 2}", f"task: notes, epochs: 1, seeds: {seeds}}}", 1)
    path = world.parent / f"seeds{seeds}.yaml"
    path.write_text(text.replace("gates:\n", "gates:\n" + GATE))
    return path.name


def test_three_seeds_from_suite_to_verdict(world: Path, shell: Shell) -> None:
    only = ("--only", "base,finetuned,notes")
    single = shell.run(_suite(world, 1), *only)
    assert any("this checkpoint" in note for note in single["results"]["notes"])
    run = shell.run(_suite(world, 3), *only)
    steps = {(step["kind"], step["name"]): step["cached"] for step in run["info"]["steps"]}
    assert steps["stage", "finetuned"] is True, "the first seed is the checkpoint that was there already"
    assert steps["stage", "finetuned seed 4"] is False
    assert steps["stage", "finetuned seed 5"] is False
    assert run["results"]["notes"] == []
    measured = run["info"]["training"]
    seconds = [measured[name]["seconds"] for name in ("finetuned", "finetuned seed 4", "finetuned seed 5")]
    assert RunDir(run["folder"]).read_info().training_seconds("finetuned") == sum(seconds)

    replicates = RunDir(run["folder"]).replicates("notes", "finetuned")
    assert [records.head.seed for records in replicates] == [3, 4, 5]
    assert len({records.head.model_digest for records in replicates}) == 3
    assert (run["folder"] / "training" / "finetuned.seed-4.jsonl").is_file()

    [change] = [
        entry
        for entry in run["results"]["comparisons"]
        if entry["id"] == "notes.accuracy" and entry["candidate"] == "finetuned" and entry["slice"] is None
        and entry["baseline"] == "base"
    ]  # fmt: skip
    seeds = change["seeds"]
    assert seeds["seeds"] == [3, 4, 5]
    base = pq.read_table(run["folder"] / "records" / "notes" / "base.parquet")["stat.correct"].to_numpy().mean()
    right = [float(records.stat("correct").mean()) for records in replicates]
    assert [round(value, 9) for value in seeds["values"]] == [round(value - base, 9) for value in right]
    assert seeds["level_of_inference"] == "recipe"
    [gate] = [gate for gate in run["results"]["gates"] if gate["id"] == "better"]
    if not seeds["seeds_identical"]:
        assert abs(gate["observed"] - seeds["interval"]["value"]) < 1e-12
        assert "3 training seeds" in gate["sentence"]

    again = shell("gate", run["folder"], "--json")
    assert json.loads(again.stdout)["exit_code"] == run["exit_code"]
    second = shell.run(_suite(world, 3), *only)
    assert (second["folder"] / "results.json").read_bytes() == (run["folder"] / "results.json").read_bytes()
    # The base answers by its words and the fine-tuned model by its head.
    across = ("--model", "base=finetuned", "--allow-protocol-difference")
    between = json.loads(shell("compare", single["folder"], run["folder"], *across, "--json").stdout)
    rows = between["comparisons"] if isinstance(between, dict) else between
    assert any(row["seeds"] is not None and row["seeds"]["seeds"] == [3, 4, 5] for row in rows)
    planned = shell("plan", _suite(world, 4), *only)
    assert "finetuned seed 6" in planned.stdout

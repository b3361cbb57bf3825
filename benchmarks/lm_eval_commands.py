"""Two checkpoints on the same task, from command to result, and start-up alone: harness against two lm-eval commands.

python benchmarks/lm_eval_commands.py --peer-python PATH [--model …] [--items N] [--write]

Start-up counts: harness is one command for both models, with intervals, gates and a report; lm-eval is one for each.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from lm_eval_bench import arguments, checkpoint, conditions, publish, ratio, seconds
from lm_eval_multiple_choice import questions

HARNESS = [str(Path(sys.executable).with_name("harness"))]
_TASK = """task: bench_choice
dataset_path: json
dataset_kwargs: {data_files: {test: data.jsonl}}
test_split: test
output_type: multiple_choice
doc_to_text: "{{context}}"
doc_to_choice: options
doc_to_target: gold
target_delimiter: ""
metric_list: [{metric: acc, aggregation: mean, higher_is_better: true}]
"""

_ARC = """task: bench_arc
dataset_path: json
dataset_kwargs: {data_files: {test: arc.jsonl}}
test_split: test
output_type: multiple_choice
doc_to_text: "Question: {{question}}\\nAnswer:"
doc_to_choice: "{{choices.text}}"
doc_to_target: "{{choices.label.index(answerKey)}}"
metric_list: [{metric: acc, aggregation: mean, higher_is_better: true}]
"""


def timed(command: list[str], folder: Path, environment: dict[str, str]) -> dict[str, float]:
    started = time.perf_counter()
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(command[:4])} … failed:\n{done.stderr[-2000:]}")
    return {"seconds": time.perf_counter() - started}


def main() -> None:
    given = arguments("Two checkpoints, command to result, against lm-eval.").parse_args()
    model = checkpoint(given.model)
    items = questions(given.items or 48)
    # As for everybody: both sides keep the bytecode of what they import.
    base = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    base |= {"OMP_NUM_THREADS": str(given.threads), "OMP_WAIT_POLICY": "PASSIVE", "HF_HUB_OFFLINE": "1"}
    rows = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _write_tasks(folder, items)
        # The second model has other weights by one norm: equal work, and no answer comes from a cache.
        models = [model, str(_copy(Path(model), folder / "b"))]
        package = {"task": "arc_easy", "documents": dict.fromkeys(("train", "validation", "test"), "arc.jsonl")}
        kinds = {
            "a task file": {"lm_eval": {"file": "bench.yaml"}},
            "a task of lm-eval's": {"lm_eval_package": package},
        }
        for (what, task), peer_task in zip(kinds.items(), ("bench_choice", "bench_arc"), strict=True):
            ours, theirs = _in_turn(given, folder, base, models, task, peer_task)
            rows.append(
                f"| {given.model} | both models, {what} | {seconds(ours)} | {seconds(theirs)} | {ratio(ours, theirs)} |"
            )
        starts = [timed([*HARNESS, "--help"], folder, base) for _ in range(given.pairs)]
        peers = [timed([given.peer_python, "-m", "lm_eval", "--help"], folder, base) for _ in range(given.pairs)]
    where = conditions(given.threads, None, None)
    text = "\n".join(
        [
            f"**Two checkpoints, command to result**: {len(items)} questions, {given.pairs} pairs. {where}",
            "",
            "| model | what | harness | lm-eval | ratio |",
            "|---|---|--:|--:|--:|",
            *rows,
            f"| – | `--help` | {seconds(starts)} | {seconds(peers)} | {ratio(starts, peers)} |",
            "",
            f"`python benchmarks/lm_eval_commands.py --peer-python … --model {given.model} --write` made this.",
        ]
    )
    publish(f"commands {given.model}", text, given.write)


def _write_tasks(folder: Path, items: list[dict[str, object]]) -> None:
    """The same questions as documents of a task file, and as those of ARC, for either side."""
    (folder / "bench.yaml").write_text(_TASK)
    (folder / "bench_arc.yaml").write_text(_ARC)
    plain = [{**item, "gold": place % 4} for place, item in enumerate(items)]
    arc = [
        {
            "question": item["context"],
            "choices": {"text": item["options"], "label": list("ABCD")},
            "answerKey": "ABCD"[place % 4],
        }
        for place, item in enumerate(items)
    ]
    for name, rows in (("data", plain), ("arc", arc)):
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))


def _in_turn(
    given: argparse.Namespace,
    folder: Path,
    base: dict[str, str],
    models: list[str],
    task: dict[str, object],
    peer_task: str,
) -> tuple[list[dict[str, float]], list[dict[str, float]]]:
    """Both sides' times, A B A B, after one of each that is not counted."""
    suite = {
        "name": "bench",
        "models": {name: {"load": path} for name, path in zip("ab", models, strict=True)},
        "compare": {"baseline": "a"},
        "tasks": {"choice": task},
    }
    (folder / "suite.yaml").write_text(json.dumps(suite))
    run = [*HARNESS, "run", "suite.yaml", "--out", "out", "--fresh", "--device", "cpu"]
    ours, theirs = [], []
    for pair in range(given.pairs + 1):
        ours.append(timed(run, folder, {**base, "HARNESS_CACHE_DIR": str(folder / f"cache-{peer_task}-{pair}")}))
        whole = 0.0
        for which in models:
            peer = [given.peer_python, "-m", "lm_eval", "run", "--model", "hf", "--tasks", peer_task]
            peer += ["--model_args", f"pretrained={which},dtype=float32", "--include_path", ".", "--device", "cpu"]
            whole += timed([*peer, "--batch_size", "16", "--output_path", "peer"], folder, base)["seconds"]
        theirs.append({"seconds": whole})
    return ours[1:], theirs[1:]


def _copy(source: Path, target: Path) -> Path:
    """The same checkpoint as other weights: one number of the last norm is changed."""
    import shutil

    from safetensors.torch import load_file, save_file

    shutil.copytree(source, target, ignore=shutil.ignore_patterns("manifest.json", "model.safetensors"))
    weights = load_file(source / "model.safetensors")
    name = next(name for name in weights if name.endswith("norm.weight"))
    weights[name] = weights[name] * 1.0001
    save_file(weights, target / "model.safetensors", metadata={"format": "pt"})
    return target


if __name__ == "__main__":
    main()

"""Two checkpoints on the same task, from command to result, and start-up alone: harness against two lm-eval commands.

python benchmarks/lm_eval_commands.py --peer-python PATH [--model …] [--items N] [--write]

Start-up counts: harness is one command for both models, with intervals, gates and a report; lm-eval is one for each.
"""

from __future__ import annotations

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
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    base = {**os.environ, "OMP_NUM_THREADS": str(given.threads), "OMP_WAIT_POLICY": "PASSIVE", "HF_HUB_OFFLINE": "1"}
    ours: list[dict[str, float]] = []
    theirs: list[dict[str, float]] = []
    starts: list[dict[str, float]] = []
    peers: list[dict[str, float]] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "bench.yaml").write_text(_TASK)
        lines = [json.dumps({**item, "gold": place % 4}) for place, item in enumerate(items)]
        (folder / "data.jsonl").write_text("\n".join(lines) + "\n")
        # The second model has other weights by one norm: equal work, and no answer comes from a cache.
        suite = {
            "name": "bench",
            "models": {"a": {"load": model}, "b": {"load": str(_copy(Path(model), folder / "b"))}},
            "compare": {"baseline": "a"},
            "tasks": {"choice": {"lm_eval": {"file": "bench.yaml"}}},
        }
        (folder / "suite.yaml").write_text(json.dumps(suite))
        run = [*HARNESS, "run", "suite.yaml", "--out", "out", "--fresh", "--device", "cpu"]
        timed(
            [*HARNESS, "run", "suite.yaml", "--out", "first", "--device", "cpu"],
            folder,
            base | {"HARNESS_CACHE_DIR": "first"},
        )
        for pair in range(given.pairs):
            cache = {**base, "HARNESS_CACHE_DIR": str(folder / f"cache-{pair}")}
            ours.append(timed(run, folder, cache))
            whole = 0.0
            for which in (model, str(folder / "b")):
                peer = [given.peer_python, "-m", "lm_eval", "run", "--model", "hf", "--tasks", "bench_choice"]
                peer += ["--model_args", f"pretrained={which},dtype=float32", "--include_path", ".", "--device", "cpu"]
                whole += timed([*peer, "--batch_size", "16", "--output_path", "peer"], folder, base)["seconds"]
            theirs.append({"seconds": whole})
            starts.append(timed([*HARNESS, "--help"], folder, base))
            peers.append(timed([given.peer_python, "-m", "lm_eval", "--help"], folder, base))
    where = conditions(given.threads, None, None)
    text = "\n".join(
        [
            f"**Two checkpoints, command to result**: {len(items)} questions, {given.pairs} pairs. {where}",
            "",
            "| model | what | harness | lm-eval | ratio |",
            "|---|---|--:|--:|--:|",
            f"| {given.model} | both models | {seconds(ours)} | {seconds(theirs)} | {ratio(ours, theirs)} |",
            f"| – | `--help` | {seconds(starts)} | {seconds(peers)} | {ratio(starts, peers)} |",
            "",
            f"`python benchmarks/lm_eval_commands.py --peer-python … --model {given.model} --write` made this.",
        ]
    )
    publish(f"commands {given.model}", text, given.write)


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

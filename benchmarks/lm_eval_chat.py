"""lm-evaluation-harness's tasks through chat templates, item by item: our answers against its own.

    python benchmarks/lm_eval_chat.py --peer-python PATH             # prints a table; ten minutes
    python benchmarks/lm_eval_chat.py --peer-python PATH --fixture   # two documents a task, kept for the tests

Tiny models of random weights, five templates, and seven tasks with documents of their own are made on the spot. lm-eval
(`--apply_chat_template`, in the environment of PATH) is asked in a process of its own; that side runs this file too.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import side_by_side as bench
from harness_support import lm_eval_chat

from harness.models.open_context import OpenContext

FIXTURE = bench.ROOT / "tests" / "fixtures" / "lm_eval_chat.json"
_KEPT = 2
"""Documents of each task in the fixture."""


def _noted(model: Any) -> list[list[str]]:
    """What an lm-eval model reads from now on: the tokens before an answer, and those of the answer."""
    noted: list[list[str]] = []
    encode, generate = model._encode_pair, model._model_generate

    def pair(*texts: str) -> Any:
        read = encode(*texts)
        noted.append([lm_eval_chat.spelled(model.tokenizer, ids) for ids in read])
        return read

    def written(context: Any, *rest: Any, **more: Any) -> Any:
        noted.append([lm_eval_chat.spelled(model.tokenizer, context[0].tolist()), ""])
        return generate(context, *rest, **more)

    model._encode_pair, model._model_generate = pair, written
    return noted


def peer_side(job: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """What lm-eval answers to each task: its prompts, its tokens, its figures."""
    import lm_eval
    from lm_eval.models.huggingface import HFLM

    for name, (task, options) in lm_eval_chat.TASKS.items():
        variables = options.get("template_variables", {})
        think = options.get("think_end_token")
        model = HFLM(
            job["model"], device="cpu", batch_size=1, chat_template_args=dict(variables), think_end_token=think
        )
        tokens = _noted(model)
        files = {"data_files": {split: f"{job['folder']}/{split}.jsonl" for split in ("train", "test")}}
        config = {"task": "t", **task, "dataset_kwargs": files}
        answered = lm_eval.simple_evaluate(
            model=model,
            tasks=[config],
            num_fewshot=options.get("num_fewshot", 0),
            apply_chat_template=True,
            fewshot_as_multiturn=options.get("multiturn", True),
            system_instruction=options.get("system"),
            log_samples=True,
            bootstrap_iters=0,
        )
        samples = sorted(answered["samples"]["t"], key=lambda sample: sample["doc_id"])
        texts = task["output_type"] == "generate_until"
        figures = [
            sample["resps"][0][0] if texts else [float(answer[0][0]) for answer in sample["resps"]]
            for sample in samples
        ]
        yield {"task": name, "figures": figures, "tokens": tokens}


def main() -> None:
    """Asks both sides, prints the table and, with `--fixture`, writes what lm-eval read."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--peer-python", help="Python of the environment that lm-eval is installed in")
    parser.add_argument("--fixture", action="store_true", help="rewrite tests/fixtures/lm_eval_chat.json")
    parser.add_argument("--side", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.side:
        job = json.loads(given.side)
        Path(job["out"]).write_text(json.dumps(list(peer_side(job))), "utf-8")
        return
    kept: dict[str, Any] = {}
    rows = ["| template | task | documents | largest difference, nats | equal texts |", "|---|---|--:|--:|--:|"]
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        lm_eval_chat.write_documents(folder, _KEPT if given.fixture else 12)
        for name, template in lm_eval_chat.TEMPLATES.items():
            place = lm_eval_chat.model_folder(folder / name, template)
            theirs = _asked_peer(given.peer_python, {"model": str(place), "folder": str(folder)}, folder / "out.json")
            kept[name] = {side["task"]: side["tokens"] for side in theirs}
            rows += _compared(name, folder, place, theirs)
    sys.stdout.write("\n".join(rows) + "\n")
    if given.fixture:
        FIXTURE.write_text(json.dumps(kept, indent=1) + "\n", "utf-8")


def _asked_peer(python: str, job: Mapping[str, Any], out: Path) -> list[dict[str, Any]]:
    asked = [python, __file__, "--side", json.dumps({**job, "out": str(out)})]
    subprocess.run(asked, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    answers: list[dict[str, Any]] = json.loads(out.read_text("utf-8"))
    return answers


def _compared(name: str, folder: Path, place: Path, theirs: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    from harness.models.open_model import open_model

    model = open_model(place, OpenContext(resolve=Path, responses=None, device="cpu"))
    for side in theirs:
        task, options = lm_eval_chat.TASKS[side["task"]]
        mine = lm_eval_chat.ours(folder, model, task, options)
        pairs = list(zip(mine, side["figures"], strict=True))
        off = [abs(a - b) for own, other in pairs if isinstance(own, list) for a, b in zip(own, other, strict=True)]
        equal = [own == other for own, other in pairs if isinstance(own, str)]
        difference = f"{max(off):.0e}" if off else ""
        yield f"| {name} | {side['task']} | {len(pairs)} | {difference} | {sum(equal) if equal else ''} |"


if __name__ == "__main__":
    main()

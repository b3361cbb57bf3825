"""What the benchmarks against lm-evaluation-harness share: two processes asked in turn, ratios, the page.

lm-eval lives in an environment of its own (`--peer-python`), because its requirements are not harness's. Both
sides load the same checkpoint once; then they do the same job in turn, A B A B, with one warm-up each. The ratio is
the peer's time over ours, pair by pair. The rate of a matrix product before and after says how much of the machine
was free.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from harness.core.reporter import Silent
from harness.models.checkpoint.sources.locate import NamedCheckpoint
from harness.storage import atomic
from harness.storage.store import Store

HERE = Path(__file__).resolve().parent
PAGE = HERE.parent / "docs" / "performance.md"
HEADING = "## Against lm-evaluation-harness"
_WORDS = (  # noqa: SIM905  # a text is easier to read here
    "the a nurse doctor carpenter teacher river garden story letter green old quiet long walked asked wrote found "
    "carried opened near under behind after before because while morning evening window table road paper stone"
).split()


class Side:
    """A process that does the jobs of one side."""

    def __init__(self, python: str, name: str, model: str, threads: int) -> None:
        environment = {**os.environ, "OMP_NUM_THREADS": str(threads), "OMP_WAIT_POLICY": "PASSIVE"}
        environment |= {"TOKENIZERS_PARALLELISM": "false", "HF_HUB_OFFLINE": "1", "TRANSFORMERS_VERBOSITY": "error"}
        self._process = subprocess.Popen(
            [python, str(HERE / "lm_eval_side.py"), name, model, str(threads)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=environment,
        )
        self._read()

    def ask(self, **job: Any) -> dict[str, Any]:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(job) + "\n")
        self._process.stdin.flush()
        return self._read()

    def _read(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise SystemExit(f"{self._process.args} ended; is this side's environment whole?")
        found: dict[str, Any] = json.loads(line)
        return found

    def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(60)


def arguments(about: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("--peer-python", required=True, help="Python of the environment that lm-eval is installed in")
    parser.add_argument("--model", default="tiny", help="tiny (random weights, made here), a folder, or catalog:NAME")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--items", type=int, default=None, help="how many; each script's own choice when left out")
    parser.add_argument("--write", action="store_true", help="rewrite this script's part of docs/performance.md")
    return parser


def checkpoint(name: str) -> str:
    """The folder of a model that the command line names."""
    if name == "tiny":
        return str(_tiny(Store().root / "benchmarks" / "tiny-llama"))
    from harness.models.checkpoint.sources.locate import locate

    return str(locate(NamedCheckpoint(name, None), base=Path.cwd(), store=Store(), reporter=Silent()))


def _tiny(folder: Path) -> Path:
    """A Llama-shaped model with random weights (4 layers of 256) and a byte-level tokenizer of its own."""
    if (folder / "tokenizer.json").is_file():
        return folder
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    backend = Tokenizer(models.BPE())
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=8000, special_tokens=["<|end|>"], initial_alphabet=alphabet)
    backend.train_from_iterator(texts(200, 200), trainer)
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=backend, bos_token="<|end|>", eos_token="<|end|>")
    torch.manual_seed(0)
    shape = {"hidden_size": 256, "num_hidden_layers": 4, "num_attention_heads": 8, "intermediate_size": 1024}
    config = LlamaConfig(
        **shape, vocab_size=8000, max_position_embeddings=1024, bos_token_id=0, eos_token_id=0, initializer_range=0.05
    )
    LlamaForCausalLM(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def texts(count: int, words: int, seed: int = 0) -> list[str]:
    """Sentences of random words."""
    draw = random.Random(seed)
    return [" ".join(draw.choice(_WORDS) for _ in range(draw.randint(words // 2, words))) + "." for _ in range(count)]


def in_turn(
    ours: Side, peer: Side, job: dict[str, Any], pairs: int
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The answers of both sides to one job, asked A B A B after one warm-up each."""
    warm = {**job, "items": job["items"][:2]}
    ours.ask(**warm)
    peer.ask(**warm)
    mine, theirs = [], []
    for _ in range(pairs):
        mine.append(ours.ask(**job))
        theirs.append(peer.ask(**job))
    return mine, theirs


def ratio(mine: Sequence[dict[str, Any]], theirs: Sequence[dict[str, Any]]) -> str:
    """Median of the pairs' ratios (least–most)."""
    found = sorted(other["seconds"] / own["seconds"] for own, other in zip(mine, theirs, strict=True))
    return f"{median(found):.2f} × ({found[0]:.2f}–{found[-1]:.2f})"


def seconds(runs: Sequence[dict[str, Any]]) -> str:
    found = sorted(run["seconds"] for run in runs)
    return f"{median(found):.2f} s ({found[0]:.2f}–{found[-1]:.2f})"


def median(values: Sequence[float]) -> float:
    ordered = sorted(values)
    middle = len(ordered) // 2
    return ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2


def difference(mine: Any, theirs: Any) -> float:
    """The largest absolute difference of two equally shaped lists of numbers."""
    if isinstance(mine, list):
        return max((difference(one, other) for one, other in zip(mine, theirs, strict=True)), default=0.0)
    return abs(float(mine) - float(theirs))


def conditions(threads: int, before: list[float] | None, after: list[float] | None) -> str:
    """What the machine was like: threads, matrix rates, and how busy it was."""
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else float("nan")
    rate = f"matrix product {_rates(before)} GFLOP/s before, {_rates(after)} after; " if before and after else ""
    return (
        f"{platform.machine()}, {os.cpu_count()} logical cores, {threads} thread{'s' * (threads > 1)} a side, "
        f"Python {platform.python_version()}; {rate}load of the machine {load:.0f}. Medians (least–most)."
    )


def _rates(found: list[float]) -> str:
    """torch's own product, and oneDNN's beside it."""
    return f"{found[0]:.0f}" + "".join(f" ({other:.0f} by oneDNN)" for other in found[1:])


def publish(name: str, text: str, write: bool) -> None:
    """Prints the part of a script, and puts it between its markers in docs/performance.md."""
    sys.stdout.write(f"{text}\n")
    if not write:
        return
    start, end = f"<!-- lm-eval {name}: start -->", f"<!-- lm-eval {name}: end -->"
    page = PAGE.read_text("utf-8") if PAGE.is_file() else "# Performance\n"
    if start in page:
        before, _, rest = page.partition(start)
        page = f"{before}{start}\n{text}\n{end}{rest.partition(end)[2]}"
    else:
        heading = "" if HEADING in page else f"\n{HEADING}\n"
        page = f"{page.rstrip()}\n{heading}\n{start}\n{text}\n{end}\n"
    atomic.write_text(PAGE, page)

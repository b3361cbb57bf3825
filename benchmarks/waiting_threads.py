"""Training steps where waiting threads sleep, spin for a moment, or follow torch's default.

    python benchmarks/waiting_threads.py --threads 2 [--pairs 3] [--write]

Two jobs: LoRA on a Llama of SmolLM2-135M's sizes, 4 rows of 47 tokens, and a GPT of 4 layers × 256, 8 rows of 64. Each
is timed alone and beside a process that keeps one core busy, each way in a new process, as OpenMP reads these
settings only when it loads.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from statistics import median

import side_by_side as bench
import torch
from low_rank_update import adapted

from harness.cli.process_settings import ENVIRONMENT, MOMENT
from harness.core.thread_waiting import POLICY, SPIN

WAYS = {
    "sleep": {POLICY: ENVIRONMENT[POLICY]},
    "spin for a moment": {POLICY: ENVIRONMENT[POLICY], SPIN: MOMENT},
    "torch's default": {},
}
SECONDS = 4.0


def main() -> None:
    """Measures, prints and, with `--write`, writes; with a job's name, times it in this process."""
    if sys.argv[1:2] == ["--job"]:
        sys.stdout.write(f"{JOBS[sys.argv[2]]()}\n")
        return
    options = bench.arguments(__doc__)
    torch.set_num_threads(options.threads)
    before = bench.gemm()
    lines = [
        bench.machine().replace("both sides", "all sides").split(", range")[0] + ".",
        "",
        "| job | other processes | " + " | ".join(WAYS) + " | sleep / spin |",
        "|---|---|" + "--:|" * (len(WAYS) + 1),
    ]
    for job in JOBS:
        for others, beside in (("none", False), ("one busy core", True)):
            times: dict[str, list[float]] = {way: [] for way in WAYS}
            with _busy(beside):
                for _ in range(options.pairs):
                    for way, seconds in times.items():
                        seconds.append(_timed(job, WAYS[way], options.threads))
            slept, spun = times["sleep"], times["spin for a moment"]
            ratio = median(one / other for one, other in zip(slept, spun, strict=True))
            cells = " | ".join(f"{1000 * median(seconds):.0f} ms" for seconds in times.values())
            lines.append(f"| {job} | {others} | {cells} | {ratio:.2f} × |")
    lines += ["", bench.note("Times of a step", options, before, "waiting_threads")]
    bench.section("waiting threads", "Waiting threads", lines, write=options.write)


def _timed(job: str, way: dict[str, str], threads: int) -> float:
    environment = {name: value for name, value in os.environ.items() if name not in {POLICY, SPIN}}
    environment |= {**way, "OMP_NUM_THREADS": str(threads)}
    command = [sys.executable, __file__, "--job", job]
    return float(subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout)


@contextmanager
def _busy(wanted: bool) -> Iterator[None]:
    if not wanted:
        yield
        return
    with subprocess.Popen([sys.executable, "-c", "while True: pass"]) as other:
        try:
            yield
        finally:
            other.kill()


def _lora() -> float:
    model = adapted().train()
    ids = torch.randint(0, 49_152, (4, 47))
    return _step(lambda: model(input_ids=ids, labels=ids).loss.backward())


def _small() -> float:
    from transformers import AutoModelForCausalLM, GPT2Config

    torch.manual_seed(0)
    config = GPT2Config(
        vocab_size=4000, n_positions=64, n_embd=256, n_layer=4, n_head=4, bos_token_id=0, eos_token_id=0
    )  # fmt: skip
    model = AutoModelForCausalLM.from_config(config)
    optimizer = torch.optim.AdamW(model.parameters(), fused=True)
    ids = torch.randint(0, 4000, (8, 64))

    def step() -> None:
        model(input_ids=ids, labels=ids).loss.backward()
        optimizer.step()
        optimizer.zero_grad()

    return _step(step)


def _step(step: Callable[[], object]) -> float:
    """Seconds of a step, after two that are not timed."""
    step()
    step()
    steps, started = 0, time.perf_counter()
    while time.perf_counter() - started < SECONDS:
        step()
        steps += 1
    return (time.perf_counter() - started) / steps


JOBS: dict[str, Callable[[], float]] = {"LoRA, 135M, 4 × 47 tokens": _lora, "all weights, 4M, 8 × 64 tokens": _small}

if __name__ == "__main__":
    main()

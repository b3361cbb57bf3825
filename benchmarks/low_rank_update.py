"""A LoRA adapter on every matrix layer of a decoder: our forward pass against peft's, and the base's alone.

    python benchmarks/low_rank_update.py [--threads 2] [--write]

A Llama of SmolLM2-135M's sizes (30 layers × 576, 49,152 tokens) with random weights, rank 8: rows that are read, and
passes that write one token of each row behind a prompt of 20. Times are medians of passes in turn.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from statistics import median

import side_by_side as bench
import torch

from harness.models.local.fastpaths import low_rank_update

READ = (8, 150)
WRITTEN = (1, 8, 64)
PROMPT = 20
STEPS = 6


def main() -> None:
    """Measures, prints and, with `--write`, writes."""
    options = bench.arguments(__doc__)
    torch.set_num_threads(options.threads)
    before = bench.gemm()
    model = adapted()
    layers = [part for part in model.modules() if hasattr(part, "lora_A")]
    kinds = {"peft": type(layers[0])}
    low_rank_update.enable(model)
    kinds["ours"] = type(layers[0])
    jobs: list[tuple[str, Callable[[], float]]] = [
        (f"{READ[0]} rows of {READ[1]} tokens, read", lambda: _read(model)),
        *((f"one token of {rows} rows, written", lambda rows=rows: _written(model, rows)) for rows in WRITTEN),
    ]
    lines = [
        bench.machine().replace("both sides", "all sides").split(", range")[0] + ".",
        "",
        "| job | base alone | with peft's pass | with ours | peft's / ours |",
        "|---|--:|--:|--:|--:|",
    ]
    for name, job in jobs:
        times: dict[str, list[float]] = {"base": [], **{kind: [] for kind in kinds}}
        for turn in range(options.pairs + 1):
            for side, seconds in times.items():
                for layer in layers:
                    layer.__class__ = kinds.get(side, kinds["peft"])
                    layer.enable_adapters(side != "base")
                spent = job()
                if turn:
                    seconds.append(spent)
        base, peft, ours = (1000 * median(seconds) for seconds in times.values())
        ratio = median(one / other for one, other in zip(times["peft"], times["ours"], strict=True))
        lines.append(f"| {name} | {base:.0f} ms | {peft:.0f} ms | {ours:.0f} ms | {ratio:.2f} × |")
    lines += ["", bench.note("Rank 8", options, before, "low_rank_update")]
    bench.section("low-rank update", "LoRA", lines, write=options.write)


def adapted() -> torch.nn.Module:
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM, LlamaConfig

    torch.manual_seed(0)
    config = LlamaConfig(
        hidden_size=576, num_hidden_layers=30, num_attention_heads=9, num_key_value_heads=3, intermediate_size=1536,
        vocab_size=49_152, tie_word_embeddings=True,
    )  # fmt: skip
    model = AutoModelForCausalLM.from_config(config)
    return get_peft_model(model, LoraConfig(r=8, target_modules="all-linear", task_type="CAUSAL_LM")).eval()


@torch.inference_mode()
def _read(model: torch.nn.Module) -> float:
    ids = torch.randint(0, 49_152, READ)
    started = time.perf_counter()
    model(input_ids=ids, logits_to_keep=1)
    return time.perf_counter() - started


@torch.inference_mode()
def _written(model: torch.nn.Module, rows: int) -> float:
    """Seconds of a pass."""
    output = model(input_ids=torch.randint(0, 49_152, (rows, PROMPT)), logits_to_keep=1)
    started = time.perf_counter()
    for _ in range(STEPS):
        token = output.logits[:, -1].argmax(-1)[:, None]
        output = model(input_ids=token, past_key_values=output.past_key_values)
    return (time.perf_counter() - started) / STEPS


if __name__ == "__main__":
    main()

"""Memory of a base with two LoRA adapters from one load, against the base alone.

    python benchmarks/scoring_adapters.py            # about a minute
    python benchmarks/scoring_adapters.py --write    # also rewrites docs/performance.md

Each side runs in a process of its own; memory is that of all weights in use, each counted
once. The model is a Llama of 12 layers × 512 with 32,000 tokens and random weights.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import side_by_side as bench
import torch

from harness.models.open_context import OpenContext


def main() -> None:
    """Measures, prints and, with `--write`, writes."""
    if os.environ.get("SCORING_ADAPTERS_SIDE"):
        _side(Path(sys.argv[1]), int(os.environ["SCORING_ADAPTERS_SIDE"]))
        return
    options = bench.arguments(__doc__)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        _make(folder)
        alone, both = (_measure(folder, adapters) for adapters in (0, 2))
    weights = [f"{side['weights'] / 2**20:.0f} MB" for side in (alone, both)]
    heavier = f"{both['weights'] / alone['weights']:.3f} ×"
    made = "`python benchmarks/scoring_adapters.py --write` made this table."
    lines = [
        bench.machine().split(". M")[0] + ".",
        "",
        "| | base alone | base and two adapters | ratio | goal |",
        "|---|---|---|---|---|",
        f"| weights | {weights[0]} | {weights[1]} | {heavier} | 1.15 × |",
        "",
        f"Loads of the base: {both['loads']}. {made}",
    ]
    bench.section("scoring adapters", "Base and adapters in memory", lines, write=options.write)


def _make(folder: Path) -> None:
    from harness_support import model_zoo
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM, LlamaConfig

    torch.manual_seed(0)
    config = LlamaConfig(
        hidden_size=512, num_hidden_layers=12, num_attention_heads=8, intermediate_size=1376, vocab_size=32_000,
        max_position_embeddings=512,
    )  # fmt: skip
    AutoModelForCausalLM.from_config(config).save_pretrained(folder / "base")
    model_zoo.gpt2_tokenizer().save_pretrained(folder / "base")
    for number in range(2):
        model = AutoModelForCausalLM.from_pretrained(folder / "base")
        adapted = get_peft_model(model, LoraConfig(task_type="CAUSAL_LM", r=8, target_modules=["q_proj", "v_proj"]))
        adapted.save_pretrained(folder / f"adapter{number}")


def _measure(folder: Path, adapters: int) -> dict[str, float]:
    done = subprocess.run(
        [sys.executable, __file__, str(folder)],
        env={**os.environ, "SCORING_ADAPTERS_SIDE": str(adapters + 1)},
        check=True,
        capture_output=True,
        text=True,
    )
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def _side(folder: Path, side: int) -> None:
    import peft  # noqa: F401  # its own size is no part of the comparison

    from harness.core.requests import RollingLikelihood
    from harness.models.local.base_cache import BasePool
    from harness.models.open_model import open_model

    pool = BasePool()

    folders = [folder / "base", *(folder / f"adapter{number}" for number in range(side - 1))]
    models = [
        open_model(path, OpenContext(resolve=lambda key: folder / "base", responses=None, device="cpu", pool=pool))
        for path in folders
    ]
    for model in models:
        list(model.answer([RollingLikelihood("the film was long and the song was short")]))
    weights: dict[int, int] = {}
    for model in models:
        network = model.backend.network
        for module in (network.base, network.language_model):
            weights.update({w.data_ptr(): w.numel() * w.element_size() for w in module.parameters()})
    sys.stdout.write(json.dumps({"weights": sum(weights.values()), "loads": pool.loads}) + "\n")


if __name__ == "__main__":
    main()

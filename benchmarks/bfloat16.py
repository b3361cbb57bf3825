"""bfloat16 on a CPU against float32: how much faster, and how far the likelihoods move.

    OMP_NUM_THREADS=1 python benchmarks/bfloat16.py --model catalog:smollm2-135m-instruct [--write]

Both types read the same rows in turn, by the same forward pass. harness takes bfloat16 on a CPU only if it were faster
and within what it allows between two ways of computing (1e-4 nats and 2e-6 of the value).
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from pathlib import Path

import torch

from harness.models.checkpoint.sources.locate import NamedCheckpoint

PAGE = Path(__file__).resolve().parents[1] / "docs" / "performance.md"
START, END = "<!-- bfloat16: start -->", "<!-- bfloat16: end -->"
ROWS, LENGTH, PAIRS = 8, 128, 3


def main() -> None:
    """Measures, prints and, with `--write`, writes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", required=True)
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    from harness.models.checkpoint.sources.locate import locate
    from harness.models.local.load_network import load

    folder = locate(NamedCheckpoint(options.model, None), base=Path.cwd())
    models = {name: load(folder, device="cpu", dtype=name).network.language_model for name in ("float32", "bfloat16")}
    generator = torch.Generator().manual_seed(0)
    ids = torch.randint(10, models["float32"].config.vocab_size, (ROWS, LENGTH), generator=generator)
    seconds: dict[str, list[float]] = {name: [] for name in models}
    totals = {}
    for _ in range(PAIRS + 1):
        for name, model in models.items():
            started = time.process_time()
            totals[name] = _nats(model, ids)
            seconds[name].append(time.process_time() - started)
    median = {name: statistics.median(values[1:]) for name, values in seconds.items()}
    off = (totals["float32"] - totals["bfloat16"]).abs()
    allowed = 1e-4 + 2e-6 * totals["float32"].abs()
    flags = set(Path("/proc/cpuinfo").read_text().split()) if Path("/proc/cpuinfo").is_file() else set()
    has = [name for name in ("avx512_bf16", "amx_bf16") if name in flags]
    text = (
        f"`{options.model}`, {ROWS} rows of {LENGTH} tokens, {torch.get_num_threads()} thread(s), torch "
        f"{torch.__version__}; the processor has {' and '.join(has) or 'no bfloat16'}. Medians of {PAIRS} pairs, "
        f"processor time: float32 {median['float32']:.2f} s, bfloat16 {median['bfloat16']:.2f} s "
        f"({median['float32'] / median['bfloat16']:.2f} ×). The likelihood of a row moves by {off.median():.2g} nats "
        f"(largest {off.max():.2g}), where {allowed.min():.1g} are allowed."
    )
    sys.stdout.write(f"{text}\n")
    if options.write:
        page = PAGE.read_text("utf-8")
        page = f"{page[: page.index(START)]}{START}\n{text}\n{page[page.index(END) :]}"
        PAGE.write_text(page, "utf-8")


@torch.inference_mode()
def _nats(model: torch.nn.Module, ids: torch.Tensor) -> torch.Tensor:
    """float64[B]: the log-likelihood of each row's tokens after the first."""
    values = torch.log_softmax(model(input_ids=ids, use_cache=False).logits[:, :-1].float(), dim=-1)
    return values.gather(-1, ids[:, 1:, None])[..., 0].double().sum(dim=1)


if __name__ == "__main__":
    main()

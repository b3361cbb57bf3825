"""Matrix products of linear layers: oneDNN's against those that torch itself takes, forward and both gradients.

    OMP_NUM_THREADS=1 python benchmarks/products.py [--threads 2] [--write]

Shapes are those of the models here: rows of a batch, width in, width out. Times are the best of several rounds, both
sides in turn; the difference is the largest, as a share of the largest number in the result.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import side_by_side as bench
import torch

from harness.models.local.fastpaths.onednn_linear import preferred, product_by_onednn

SHAPES = ((16, 256, 1024), (64, 256, 256), (512, 128, 512), (2048, 256, 1024), (2048, 1024, 256), (2048, 384, 1536))
ROUNDS = 5


def main() -> None:
    """Measures, prints and, with `--write`, writes."""
    options = bench.arguments(__doc__)
    torch.set_num_threads(options.threads)
    lines = [
        bench.machine(),
        "",
        "| rows × in × out | forward | gradient of the rows | gradient of the weights | largest difference |",
        "|---|--:|--:|--:|--:|",
    ]
    for rows, width, out in SHAPES:
        x, weight, gradient = torch.randn(rows, width), torch.randn(out, width), torch.randn(rows, out)
        jobs: tuple[tuple[Callable[[], torch.Tensor], Callable[[], torch.Tensor]], ...] = (
            (lambda: product_by_onednn(x, weight, None), lambda: torch.nn.functional.linear(x, weight)),  # noqa: B023
            (lambda: product_by_onednn(gradient, weight.t(), None), lambda: gradient @ weight),  # noqa: B023
            (lambda: product_by_onednn(gradient.t(), x.t(), None), lambda: gradient.t() @ x),  # noqa: B023
        )
        with torch.inference_mode():
            ratios = [best(peer) / best(ours) for ours, peer in jobs]
            apart = max(float((ours() - peer()).abs().max() / peer().abs().max()) for ours, peer in jobs)
        cells = " | ".join(f"{ratio:.2f} ×" for ratio in ratios)
        lines.append(f"| {rows} × {width} × {out} | {cells} | {apart:.1e} |")
    where = torch.backends.cpu.get_cpu_capability()
    chosen = "so harness takes oneDNN's here" if preferred() else "harness leaves torch's own here"
    lines += [
        "",
        f"{where}, {chosen}. `python benchmarks/products.py --write` made this table.",
    ]
    bench.section("products", "Matrix products", lines, write=options.write)


def best(work: Callable[[], torch.Tensor]) -> float:
    """Seconds of the fastest round."""
    work()
    count = 1
    found = float("inf")
    for _ in range(ROUNDS):
        started = time.perf_counter()
        for _ in range(count):
            work()
        spent = (time.perf_counter() - started) / count
        found = min(found, spent)
        count = max(1, int(0.02 / spent))
    return found


if __name__ == "__main__":
    main()

"""Options of a context in one row, and few-shot beginnings read once, against one plain row an option.

    OMP_NUM_THREADS=1 python benchmarks/scoring_choices.py            # about three minutes
    OMP_NUM_THREADS=1 python benchmarks/scoring_choices.py --write    # also rewrites docs/performance.md

The peer reads context and option again for each option, sorted by length in batches of 16, and takes the
log-softmax of all logits, as lm-evaluation-harness does. The model is a GPT-NeoX of 6 layers × 256 with 8,192 tokens
and random weights (and the one given by --model); texts are made up. "Tokens read" counts
the tokens of both sides' rows, ours with padding.
"""

from __future__ import annotations

import random
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import side_by_side as bench
import torch

from harness.models.open_context import OpenContext

ITEMS = 8
BATCH = 16


def main() -> None:
    """Measures, prints and, with `--write`, writes."""
    options = bench.arguments(__doc__)
    torch.set_num_threads(options.threads)
    before = bench.gemm()
    lines = [
        bench.machine(),
        "",
        "| model | job | ours | peer | ratio | tokens read | largest difference |",
        "|---|---|---|---|---|---|---|",
    ]
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        _make(folder)
        for name, path in (
            ("GPT-NeoX 6 × 256", folder),
            *([(options.model.name, options.model)] if options.model else []),
        ):
            for job, shots in (("4 options, no shots", 0), ("4 options, 5 shots", 5)):
                lines.append(_line(name, path, job, _items(shots), options.pairs))
    lines += ["", bench.note(f"{ITEMS} items", options, before, "scoring_choices")]
    bench.section("scoring choices", "Multiple choice", lines, write=options.write)


def _make(folder: Path) -> None:
    from transformers import AutoModelForCausalLM, GPTNeoXConfig

    torch.manual_seed(0)
    config = GPTNeoXConfig(
        hidden_size=256, num_hidden_layers=6, num_attention_heads=4, intermediate_size=1024, vocab_size=8192,
        max_position_embeddings=2048, initializer_range=0.1,
    )  # fmt: skip
    AutoModelForCausalLM.from_config(config).save_pretrained(folder)
    bench.tokenizer(masked=False).save_pretrained(folder)


def _items(shots: int) -> list[tuple[str, tuple[str, ...]]]:
    source = random.Random(0)
    header = "".join(
        f"Question: {bench.sentence(source, 14)}?\nAnswer: {bench.sentence(source, 3)}\n\n" for _ in range(shots)
    )
    items = []
    for _ in range(ITEMS):
        question = f"{header}Question: {bench.sentence(source, source.randint(12, 20))}?\nAnswer:"
        items.append((question, tuple(f" {bench.sentence(source, source.randint(2, 5))}" for _ in range(4))))
    return items


def _line(name: str, folder: Path, job: str, items: list[tuple[str, tuple[str, ...]]], pairs: int) -> str:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    from harness.core.requests import Continuations
    from harness.models.open_model import open_model

    opened = open_model(folder, OpenContext(resolve=Path, responses=None, device="cpu"))
    model, tokenizer = AutoModelForCausalLM.from_pretrained(folder).eval(), AutoTokenizer.from_pretrained(folder)
    rows = [(place, number, context, option) for place, (context, options) in enumerate(items)
            for number, option in enumerate(options)]  # fmt: skip
    found: dict[str, dict[tuple[int, int], float]] = {"ours": {}, "peer": {}}
    places = {context: place for place, (context, _) in enumerate(items)}

    def ours() -> None:
        for request, answer in opened.answer(Continuations(*item) for item in items):
            for number, value in enumerate(answer.values):  # type: ignore[union-attr]  # failures would raise here
                found["ours"][places[request.context], number] = value

    def peer() -> None:
        encoded = [(place, number, *_encode(tokenizer, context, option)) for place, number, context, option in rows]
        encoded.sort(key=lambda row: -len(row[2]))
        for start in range(0, len(encoded), BATCH):
            found["peer"].update(_batch(model, encoded[start : start + BATCH]))

    read = _count(opened.backend.network, ours)
    plain = sum(len(_encode(tokenizer, context, option)[0]) - 1 for _, _, context, option in rows)
    timing = bench.in_turn(ours, peer, pairs)
    apart = max(abs(found["ours"][key] - value) for key, value in found["peer"].items())
    return f"| {name} | {job} | {timing.cells()} | {plain:,} → {read:,} ({plain / read:.2f} ×) | {apart:.1e} nats |"


def _encode(tokenizer: Any, context: str, option: str) -> tuple[list[int], int]:
    """The whole row, and how many of its tokens are the option's."""
    whole = tokenizer(context + option)["input_ids"]
    return whole, len(whole) - len(tokenizer(context)["input_ids"])


@torch.no_grad()
def _batch(model: Any, rows: Sequence[tuple[int, int, list[int], int]]) -> dict[tuple[int, int], float]:
    longest = max(len(ids) - 1 for _, _, ids, _ in rows)
    inputs = torch.zeros(len(rows), longest, dtype=torch.long)
    for index, (_, _, ids, _) in enumerate(rows):
        inputs[index, : len(ids) - 1] = torch.tensor(ids[:-1])
    logits = torch.log_softmax(model(inputs).logits.float(), dim=-1)
    found = {}
    for index, (place, number, ids, size) in enumerate(rows):
        targets = torch.tensor(ids[-size:])
        scored = logits[index, len(ids) - 1 - size : len(ids) - 1]
        found[place, number] = scored.gather(1, targets[:, None]).double().sum().item()
    return found


def _count(network: Any, run: Any) -> int:
    """Tokens that the base reads during a run, padding included, the first-use check left out."""
    _ = network.fast_paths.trees.usable
    total = 0

    def counting(_module: Any, _args: Any, named: dict[str, Any]) -> None:
        nonlocal total
        # The head's own call has one placeholder a row, or none by name.
        ids = named.get("input_ids")
        total += 0 if ids is None or ids.shape[1] < 2 else ids.numel()

    hook = network.base.register_forward_pre_hook(counting, with_kwargs=True)
    run()
    hook.remove()
    return total


if __name__ == "__main__":
    main()

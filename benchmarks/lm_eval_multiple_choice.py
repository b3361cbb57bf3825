"""Multiple choice against lm-eval, at batch size 16 and at its default of 1.

python benchmarks/lm_eval_multiple_choice.py --peer-python PATH [--model catalog:smollm2-135m-instruct] [--write]
"""

from __future__ import annotations

import random
import sys
from typing import Any

from lm_eval_bench import (
    Side,
    arguments,
    checkpoint,
    conditions,
    difference,
    in_turn,
    median,
    publish,
    ratio,
    seconds,
    texts,
)


def questions(count: int) -> list[dict[str, object]]:
    """Four options of a few words after a context of about sixty."""
    draw = random.Random(1)
    contexts, options = texts(count, 60, seed=2), texts(4 * count, 10, seed=3)
    draw.shuffle(options)
    return [
        {"context": f"{context} Then", "options": [f" {option}" for option in options[4 * i : 4 * i + 4]]}
        for i, context in enumerate(contexts)
    ]


def main() -> None:
    given = arguments("Multiple choice against lm-eval.").parse_args()
    model = checkpoint(given.model)
    items = questions(given.items or 48)
    ours, peer = (
        Side(sys.executable, "ours", model, given.threads),
        Side(given.peer_python, "peer", model, given.threads),
    )
    rows = []
    before = ours.ask(work="gemm")["gemm"]
    for batch in (16, 1):
        mine, theirs = in_turn(ours, peer, {"work": "choice", "items": items, "batch": batch}, given.pairs)
        rows.append(
            f"| {given.model} | {batch} | {seconds(mine)} | {seconds(theirs)} | {ratio(mine, theirs)} | "
            f"{_rate(mine)} | {difference(mine[0]['values'], theirs[0]['values']):.1e} |"
        )
    after = ours.ask(work="gemm")["gemm"]
    ours.close()
    peer.close()
    words = [len(str(item["context"]).split()) for item in items]
    tails = [[len(option.split()) for option in item["options"]] for item in items]  # type: ignore[attr-defined]
    necessary = sum(4 * word + sum(tail) for word, tail in zip(words, tails, strict=True)) / sum(
        word + sum(tail) for word, tail in zip(words, tails, strict=True)
    )
    where = conditions(given.threads, before, after)
    text = "\n".join(
        [
            f"**Multiple choice**: {len(items)} questions of four options, {given.pairs} pairs. {where}",
            f"Reading each context once in place of once an option is {necessary:.2f} × less (words read).",
            "",
            "| model | lm-eval's batch size | harness | lm-eval | ratio | our GFLOP/s | largest difference, nats |",
            "|---|--:|--:|--:|--:|--:|--:|",
            *rows,
            "",
            f"`python benchmarks/lm_eval_multiple_choice.py --peer-python … --model {given.model} --write` made this.",
        ]
    )
    publish(f"multiple choice {given.model}", text, given.write)


def _rate(runs: list[dict[str, Any]]) -> str:
    """Operations that harness counts, by its time: to be set beside the rate of a bare product."""
    return f"{median([run['flops'] / run['seconds'] for run in runs]) / 1e9:.0f}"


if __name__ == "__main__":
    main()

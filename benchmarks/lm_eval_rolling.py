"""Rolling likelihood of documents against lm-eval: time, and peak memory.

python benchmarks/lm_eval_rolling.py --peer-python PATH [--model catalog:smollm2-135m-instruct] [--write]
"""

from __future__ import annotations

import sys

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


def main() -> None:
    given = arguments("Rolling likelihood against lm-eval.").parse_args()
    model = checkpoint(given.model)
    items = texts(given.items or 16, 500, seed=4)
    ours, peer = (
        Side(sys.executable, "ours", model, given.threads),
        Side(given.peer_python, "peer", model, given.threads),
    )
    before = ours.ask(work="gemm")["gemm"]
    mine, theirs = in_turn(ours, peer, {"work": "rolling", "items": items, "batch": 8}, given.pairs)
    after = ours.ask(work="gemm")["gemm"]
    ours.close()
    peer.close()
    memory = [median([run["memory"] for run in runs]) for runs in (mine, theirs)]
    shown = f"{memory[0] / 1e6:.0f} MB | {memory[1] / 1e6:.0f} MB ({memory[0] / memory[1]:.2f})"
    far = difference(mine[0]["values"], theirs[0]["values"])
    where = conditions(given.threads, before, after)
    text = "\n".join(
        [
            f"**Rolling likelihood**: {len(items)} documents of 250 to 500 words, {given.pairs} pairs. {where}",
            "",
            "| model | harness | lm-eval | ratio | memory, harness | lm-eval | largest difference, nats |",
            "|---|--:|--:|--:|--:|--:|--:|",
            f"| {given.model} | {seconds(mine)} | {seconds(theirs)} | {ratio(mine, theirs)} | {shown} | {far:.1e} |",
            "",
            "Memory is each process's peak, with its libraries and the weights.",
            f"`python benchmarks/lm_eval_rolling.py --peer-python … --model {given.model} --write` made this.",
        ]
    )
    publish(f"rolling {given.model}", text, given.write)


if __name__ == "__main__":
    main()

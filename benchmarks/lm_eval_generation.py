"""Greedy generation against lm-eval, at an equal batch.

python benchmarks/lm_eval_generation.py --peer-python PATH [--model catalog:smollm2-135m-instruct] [--write]
"""

from __future__ import annotations

import sys

from lm_eval_bench import Side, arguments, checkpoint, conditions, in_turn, publish, ratio, seconds, texts


def main() -> None:
    given = arguments("Greedy generation against lm-eval.").parse_args()
    model = checkpoint(given.model)
    items = [{"prompt": text, "tokens": 32} for text in texts(given.items or 16, 40, seed=5)]
    ours = Side(sys.executable, "ours", model, given.threads)
    peer = Side(given.peer_python, "peer", model, given.threads)
    before = ours.ask(work="gemm")["gemm"]
    mine, theirs = in_turn(ours, peer, {"work": "generate", "items": items, "batch": 16}, given.pairs)
    after = ours.ask(work="gemm")["gemm"]
    ours.close()
    peer.close()
    other = sum(own != their for own, their in zip(mine[0]["values"], theirs[0]["values"], strict=True))
    where = conditions(given.threads, before, after)
    text = "\n".join(
        [
            f"**Greedy generation**: {len(items)} prompts, 32 new tokens, {given.pairs} pairs. {where}",
            "",
            "| model | harness | lm-eval | ratio | texts that differ |",
            "|---|--:|--:|--:|--:|",
            f"| {given.model} | {seconds(mine)} | {seconds(theirs)} | {ratio(mine, theirs)} | {other} |",
            "",
            f"`python benchmarks/lm_eval_generation.py --peer-python … --model {given.model} --write`",
        ]
    )
    publish(f"generation {given.model}", text, given.write)


if __name__ == "__main__":
    main()

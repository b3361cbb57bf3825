"""One side of a benchmark against lm-evaluation-harness: loads a model once, then does jobs as told on stdin.

Started by lm_eval_bench.py, in harness's environment or in lm-eval's own; imports only what its side has. Each
line of stdin is a job {"work", "items", "batch"}; each line of stdout its answer {"seconds", "values", "memory"}.
"""

import json
import os
import resource
import sys
import time
from pathlib import Path

from harness.models.open_context import OpenContext


def gemm(_job):
    """GFLOP/s of a float32 matrix product: torch's own, and oneDNN's where torch has it."""
    import torch

    size, rounds = 768, 6
    left = torch.ones(size, size)
    sides = [lambda: left @ left]
    if hasattr(torch.ops.mkldnn, "_linear_pointwise"):
        sides.append(lambda: torch.ops.mkldnn._linear_pointwise(left, left, None, "none", [], ""))
    rates = []
    for side in sides:
        side()
        started = time.perf_counter()
        for _ in range(rounds):
            side()
        rates.append(2 * size**3 * rounds / (time.perf_counter() - started) / 1e9)
    return rates


class Ours:
    def __init__(self, model):
        from harness.models.open_model import open_model

        self.model = open_model(Path(model), OpenContext(resolve=Path, responses=None, device="cpu"))

    def run(self, job):
        from harness.core.requests import Continuations, Generate, RollingLikelihood

        work, items = job["work"], job["items"]
        if work == "choice":
            requests = [Continuations(item["context"], tuple(item["options"])) for item in items]
        elif work == "rolling":
            requests = [RollingLikelihood(item) for item in items]
        else:
            requests = [Generate(item["prompt"], max_tokens=item["tokens"]) for item in items]
        before = self.model.work
        answers = dict(self.model.answer(requests))
        self.flops = self.model.work.since(before).flops
        read = {"choice": lambda a: list(a.values), "rolling": lambda a: a.total, "generate": lambda a: a.text}[work]
        return [read(answers[request]) for request in requests]


class Peer:
    def __init__(self, model):
        import logging

        logging.disable(logging.WARNING)
        from lm_eval.models.huggingface import HFLM

        self.make = HFLM
        self.lm = HFLM(pretrained=model, device="cpu", dtype="float32", batch_size=1)

    def run(self, job):
        from lm_eval.api.instance import Instance

        work, items = job["work"], job["items"]
        self.lm.batch_size_per_gpu = job["batch"]
        if work == "choice":
            kind, arguments = (
                "loglikelihood",
                [(item["context"], option) for item in items for option in item["options"]],
            )
        elif work == "rolling":
            kind, arguments = "loglikelihood_rolling", [(item,) for item in items]
        else:
            kind = "generate_until"
            arguments = [(item["prompt"], {"until": [], "max_gen_toks": item["tokens"]}) for item in items]
        made = [Instance(kind, {}, arguments[i], i) for i in range(len(arguments))]
        found = getattr(self.lm, kind)(made, disable_tqdm=True)
        if work != "choice":
            return list(found)
        rest = iter([float(value) for value, _ in found])
        return [[next(rest) for _ in item["options"]] for item in items]


def main():
    side, model, threads = sys.argv[1], sys.argv[2], int(sys.argv[3])
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    import torch

    torch.set_num_threads(threads)
    worker = {"ours": Ours, "peer": Peer}[side](model)
    answers.write("{}\n")
    answers.flush()
    for line in sys.stdin:
        job = json.loads(line)
        if job["work"] == "gemm":
            answer = {"gemm": gemm(job)}
        else:
            started = time.perf_counter()
            values = worker.run(job)
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
            answer = {"seconds": time.perf_counter() - started, "values": values, "memory": peak}
            if side == "ours":
                answer["flops"] = worker.flops
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()

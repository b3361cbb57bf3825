"""Greedy generation against transformers' `generate` at the same batch size.

    OMP_NUM_THREADS=1 python benchmarks/scoring_generation.py            # about two minutes
    OMP_NUM_THREADS=1 python benchmarks/scoring_generation.py --write    # also rewrites docs/performance.md

Prompts of 10 to 40 tokens, sorted by length on both sides, batches of 8: all of one length, some that end early (their
places are taken by the next ones), and some that all begin alike (which is read once). The model is a GPT-NeoX of 6
layers × 256 with 8,192 tokens and random weights (and the one given by --model).
"""

from __future__ import annotations

import random
import tempfile
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

import side_by_side as bench
import torch
from scoring_choices import _make

from harness.models.open_context import OpenContext

BATCH = 8
END_TOKENS = 16
"""One of so many tokens ends a text, in the job of texts that end early."""


@dataclass(frozen=True)
class Job:
    """What is written.

    Attributes:
        name: in the table.
        prompts: how many.
        new: tokens at the most.
        shots: made-up sentences that every prompt begins with.
        early: whether many tokens end a text.
    """

    name: str
    prompts: int
    new: int
    shots: int = 0
    early: bool = False


JOBS = (
    Job("8 texts of 24 tokens", 8, 24),
    Job("32 texts that end early, 64 tokens at most", 32, 64, early=True),
    Job("16 texts of 8 tokens after 12 shots", 16, 8, shots=12),
)


def main() -> None:
    """Measures, prints and, with `--write`, writes."""
    options = bench.arguments(__doc__)
    torch.set_num_threads(options.threads)
    before = bench.gemm()
    lines = [bench.machine(), "", "| model | job | ours | peer | ratio | equal texts |", "|---|---|---|---|---|---|"]
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        _make(folder)
        for name, path in (
            ("GPT-NeoX 6 × 256", folder),
            *([(options.model.name, options.model)] if options.model else []),
        ):
            lines += [_line(name, path, job, options.pairs) for job in JOBS]
    lines += ["", bench.note(f"Batches of {BATCH}", options, before, "scoring_generation")]
    bench.section("scoring generation", "Generation", lines, write=options.write)


def _line(name: str, folder: Path, job: Job, pairs: int) -> str:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    from harness.core.requests import Generate
    from harness.models.local.requests import generate
    from harness.models.open_model import open_model

    source = random.Random(0)
    shots = " ".join(bench.sentence(source, 12) for _ in range(job.shots))
    prompts = [f"{shots} {bench.sentence(source, source.randint(8, 24))}".strip() for _ in range(job.prompts)]
    opened = open_model(folder, OpenContext(resolve=Path, responses=None, device="cpu"))
    model, tokenizer = AutoModelForCausalLM.from_pretrained(folder).eval(), AutoTokenizer.from_pretrained(folder)
    tokenizer.padding_side, tokenizer.pad_token = "left", tokenizer.pad_token or tokenizer.eos_token
    ends = [model.generation_config.eos_token_id]
    if job.early:
        ends = [token for token in range(len(tokenizer)) if token % END_TOKENS == 0]
    longest = max(len(tokenizer(prompt)["input_ids"]) for prompt in prompts)
    found: dict[str, dict[str, str]] = {"ours": {}, "peer": {}}

    def ours() -> None:
        # As many rows at a time as the peer has.
        opened.backend.batcher.whole_budget, opened.backend.batcher.budget = 10**9, BATCH * (longest + job.new)
        for request, answer in opened.answer(Generate(prompt, max_tokens=job.new) for prompt in prompts):
            found["ours"][request.prompt] = answer.text  # type: ignore[union-attr]  # failures would raise here

    def peer() -> None:
        for start in range(0, job.prompts, BATCH):
            batch = ordered[start : start + BATCH]
            inputs = tokenizer(batch, return_tensors="pt", padding=True)
            inputs.pop("token_type_ids", None)
            with torch.no_grad():
                written = model.generate(
                    **inputs, max_new_tokens=job.new, do_sample=False, num_beams=1, eos_token_id=ends,
                    pad_token_id=tokenizer.pad_token_id,
                )  # fmt: skip
            texts = tokenizer.batch_decode(written[:, inputs["input_ids"].shape[1] :], skip_special_tokens=True)
            found["peer"].update(zip(batch, texts, strict=True))

    ordered = sorted(prompts, key=lambda prompt: -len(tokenizer(prompt)["input_ids"]))
    with mock.patch.object(generate, "ends", (lambda _network: frozenset(ends)) if job.early else generate.ends):
        timing = bench.in_turn(ours, peer, pairs)
    equal = sum(found["ours"][prompt] == found["peer"][prompt] for prompt in set(prompts))
    return f"| {name} | {job.name} | {timing.cells()} | {equal} of {len(set(prompts))} |"


if __name__ == "__main__":
    main()

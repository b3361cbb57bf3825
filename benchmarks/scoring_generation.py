"""Greedy generation against transformers' `generate` at the same batch size.

    OMP_NUM_THREADS=1 python benchmarks/scoring_generation.py            # about two minutes
    OMP_NUM_THREADS=1 python benchmarks/scoring_generation.py --write    # also rewrites docs/performance.md

Prompts of 10 to 40 tokens, sorted by length on both sides, 24 new tokens, batches of 8. The model is a GPT-NeoX of
6 layers × 256 with 8,192 tokens and random weights (and the one given by --model).
"""

from __future__ import annotations

import random
import tempfile
from pathlib import Path

import side_by_side as bench
import torch
from scoring_choices import _make

from harness.models.open_context import OpenContext

PROMPTS = 8
BATCH = 8
NEW = 24


def main() -> None:
    """Measures, prints and, with `--write`, writes."""
    options = bench.arguments(__doc__)
    torch.set_num_threads(options.threads)
    before = bench.gemm()
    lines = [bench.machine(), "", "| model | ours | peer | ratio | equal texts |", "|---|---|---|---|---|"]
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        _make(folder)
        for name, path in (
            ("GPT-NeoX 6 × 256", folder),
            *([(options.model.name, options.model)] if options.model else []),
        ):
            lines.append(_line(name, path, options.pairs))
    lines += ["", bench.note(f"{PROMPTS} prompts", options, before, "scoring_generation")]
    bench.section("scoring generation", "Generation", lines, write=options.write)


def _line(name: str, folder: Path, pairs: int) -> str:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    from harness.core.requests import Generate
    from harness.models.open_model import open_model

    source = random.Random(0)
    prompts = [bench.sentence(source, source.randint(8, 24)) for _ in range(PROMPTS)]
    opened = open_model(folder, OpenContext(resolve=Path, responses=None, device="cpu"))
    model, tokenizer = AutoModelForCausalLM.from_pretrained(folder).eval(), AutoTokenizer.from_pretrained(folder)
    tokenizer.padding_side, tokenizer.pad_token = "left", tokenizer.pad_token or tokenizer.eos_token
    found: dict[str, dict[str, str]] = {"ours": {}, "peer": {}}

    def ours() -> None:
        opened.backend.batcher.budget = 10**9
        for start in range(0, PROMPTS, BATCH):
            for request, answer in opened.answer(Generate(p, max_tokens=NEW) for p in ordered[start : start + BATCH]):
                found["ours"][request.prompt] = answer.text  # type: ignore[union-attr]  # failures would raise here

    def peer() -> None:
        for start in range(0, PROMPTS, BATCH):
            batch = ordered[start : start + BATCH]
            inputs = tokenizer(batch, return_tensors="pt", padding=True)
            inputs.pop("token_type_ids", None)
            with torch.no_grad():
                written = model.generate(
                    **inputs, max_new_tokens=NEW, do_sample=False, num_beams=1, pad_token_id=tokenizer.pad_token_id
                )
            texts = tokenizer.batch_decode(written[:, inputs["input_ids"].shape[1] :], skip_special_tokens=True)
            found["peer"].update(zip(batch, texts, strict=True))

    ordered = sorted(prompts, key=lambda prompt: -len(tokenizer(prompt)["input_ids"]))
    timing = bench.in_turn(ours, peer, pairs)
    equal = sum(found["ours"][prompt] == found["peer"][prompt] for prompt in set(prompts))
    return f"| {name} | {timing.cells()} | {equal} of {len(set(prompts))} |"


if __name__ == "__main__":
    main()

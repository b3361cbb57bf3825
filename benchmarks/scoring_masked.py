"""Masked pseudo-likelihood against one masked copy at a time, and against one batch a sentence.

    OMP_NUM_THREADS=1 python benchmarks/scoring_masked.py            # about two minutes
    OMP_NUM_THREADS=1 python benchmarks/scoring_masked.py --write    # also rewrites docs/performance.md

The model is a BERT of 4 layers × 256 with 8,192 tokens and random weights, the sentences are made up: neither changes
the time. Both peers do what the public code of CrowS-Pairs does: the head at every position, log-softmax at the mask.
"""

from __future__ import annotations

import random
import tempfile
from pathlib import Path

import side_by_side as bench
import torch

from harness.models.open_context import OpenContext

SENTENCES = 120


def main() -> None:
    """Measures, prints and, with `--write`, writes."""
    options = bench.arguments(__doc__)
    torch.set_num_threads(options.threads)
    from transformers import AutoModelForMaskedLM, AutoTokenizer, BertConfig

    from harness.core.requests import PseudoLikelihood
    from harness.models.open_model import open_model

    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        tokenizer = bench.tokenizer(masked=True)
        torch.manual_seed(0)
        config = BertConfig(
            hidden_size=256, num_hidden_layers=4, num_attention_heads=4, intermediate_size=1024, vocab_size=8192
        )
        AutoModelForMaskedLM.from_config(config).save_pretrained(folder)
        tokenizer.save_pretrained(folder)
        source = random.Random(0)
        texts = [bench.sentence(source, source.randint(6, 14)) for _ in range(SENTENCES)]
        model, plain = AutoModelForMaskedLM.from_pretrained(folder).eval(), AutoTokenizer.from_pretrained(folder)
        found: dict[str, dict[str, float]] = {"ours": {}, "loop": {}, "sentence": {}}

        @torch.no_grad()
        def loop() -> None:
            for text in texts:
                ids = plain(text, return_tensors="pt")["input_ids"]
                total = 0.0
                for place in range(1, ids.shape[1] - 1):
                    masked = ids.clone()
                    masked[0, place] = plain.mask_token_id
                    total += torch.log_softmax(model(masked).logits[0, place], dim=-1)[ids[0, place]].item()
                found["loop"][text] = total

        @torch.no_grad()
        def sentences() -> None:
            for text in texts:
                ids = plain(text, return_tensors="pt")["input_ids"]
                places = torch.arange(1, ids.shape[1] - 1)
                masked = ids.repeat(len(places), 1)
                masked[torch.arange(len(places)), places] = plain.mask_token_id
                rows = torch.log_softmax(model(masked).logits[torch.arange(len(places)), places], dim=-1)
                found["sentence"][text] = rows.gather(1, ids[0, places][:, None]).sum().item()

        before = bench.gemm()
        lines = [
            bench.machine(),
            "",
            "| peer | ours | peer | ratio | goal | largest difference |",
            "|---|---|---|---|---|---|",
        ]
        opened = open_model(folder, OpenContext(resolve=Path, responses=None, device="cpu"))

        def loaded() -> None:
            for request, answer in opened.answer(PseudoLikelihood(text, "pll") for text in texts):
                found["ours"][request.text] = answer.total  # type: ignore[union-attr]  # failures would raise here

        for name, side, goal in (("one copy a forward", loop, "5 ×"), ("one batch a sentence", sentences, "1.7 ×")):
            timing = bench.in_turn(loaded, side, options.pairs)
            other = found["loop" if side is loop else "sentence"]
            apart = max(abs(found["ours"][text] - other[text]) for text in texts)
            lines.append(f"| {name} | {timing.cells()} | {goal} | {apart:.1e} nats |")
        lines += ["", bench.note(f"{SENTENCES} sentences", options, before, "scoring_masked")]
    bench.section("scoring masked", "Masked pseudo-likelihood", lines, write=options.write)


if __name__ == "__main__":
    main()

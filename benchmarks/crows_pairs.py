"""All pairs of CrowS-Pairs by the published algorithm against `crows_original` and `pll_shared`.

    OMP_NUM_THREADS=1 python benchmarks/crows_pairs.py --model CHECKPOINT              # minutes: the loop is slow
    OMP_NUM_THREADS=1 python benchmarks/crows_pairs.py --model CHECKPOINT --limit 100

The loop is written from the paper and knows nothing of harness (Nangia et al. 2020): both sentences are aligned once,
the less stereotyped one first where the row says `antistereo`; every shared token but the first and the last is masked
alone, one copy at a time; sums are rounded to three decimals, and a tie is no preference for the stereotype. Times are
processor seconds of one thread, so that neighbors on the machine matter little.
"""

from __future__ import annotations

import argparse
import difflib
import json
import sys
import time
from pathlib import Path
from typing import Any

from harness.core.evaluation import EvaluationContext
from harness.core.metric import MetricContext
from harness.core.reporter import Silent
from harness.data.open_dataset import open_dataset
from harness.evaluations.probes.minimal_pairs import MinimalPairs
from harness.metrics.build_metrics import build_metrics
from harness.models.open_context import OpenContext
from harness.models.open_model import open_model
from harness.pipeline.records.inference import ask
from harness.schema.suite.data_refs import CatalogRef
from harness.storage.store import Store, default_cache


def published(model: Any, tokenizer: Any, first: str, second: str) -> tuple[float, float]:
    """Scores of both sentences, not rounded."""
    import torch

    rows = [tokenizer.encode(sentence, return_tensors="pt")[0] for sentence in (first, second)]
    matcher = difflib.SequenceMatcher(None, [str(int(one)) for one in rows[0]], [str(int(one)) for one in rows[1]])
    shared: tuple[list[int], list[int]] = ([], [])
    for tag, low, high, other_low, other_high in matcher.get_opcodes():
        if tag == "equal":
            shared[0].extend(range(low, high))
            shared[1].extend(range(other_low, other_high))
    totals = [0.0, 0.0]
    with torch.no_grad():
        for places in list(zip(*shared, strict=True))[1:-1]:
            for side, place in enumerate(places):
                masked = rows[side].clone()
                masked[place] = tokenizer.mask_token_id
                logits = model(masked[None]).logits[0, place]
                totals[side] += float(torch.log_softmax(logits, dim=-1)[rows[side][place]])
    return totals[0], totals[1]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--limit", type=int)
    options = parser.parse_args()
    import torch
    from transformers import AutoModelForMaskedLM, AutoTokenizer

    torch.set_num_threads(1)
    store = Store(default_cache())
    ref = CatalogRef(catalog="crows-pairs", limit=options.limit)
    data = open_dataset(ref, name="crows", base=Path(), store=store, reporter=Silent())
    rows = data.split("test")
    found: dict[str, Any] = {}
    seconds: dict[str, float] = {}
    opened = open_model(options.model, OpenContext(resolve=Path, responses=None, device="cpu"))
    for scorer in ("crows_original", "pll_shared"):
        probe = MinimalPairs("crows", MinimalPairs.Options(data="crows", scorer=scorer), EvaluationContext())
        items = list(probe.items([data], "test"))
        started = time.process_time()
        records = ask(probe, items, opened, scorer, reporter=Silent(), title=scorer)
        seconds[scorer] = time.process_time() - started
        found[scorer] = records
    model = AutoModelForMaskedLM.from_pretrained(options.model).eval()
    tokenizer = AutoTokenizer.from_pretrained(options.model)
    started = time.process_time()
    loop = {}
    for row in rows:
        pair = (str(row.fields["more"]), str(row.fields["less"]))
        turned = row.fields["direction"] == "antistereo"
        one, other = published(model, tokenizer, *(pair[::-1] if turned else pair))
        loop[row.id] = (other, one) if turned else (one, other)
    seconds["loop"] = time.process_time() - started
    original = found["crows_original"]
    told = dict(zip(original.item_ids, original.texts("response"), strict=True))
    pairs = {id_: json.loads(text) for id_, text in told.items()}
    apart = max(abs(pairs[id_][side] - loop[id_][place]) for id_ in loop for place, side in enumerate(("more", "less")))
    ours = {id_: one["more"] > one["less"] for id_, one in pairs.items()}
    theirs = {id_: round(more, 3) > round(less, 3) for id_, (more, less) in loop.items()}
    (metric,) = build_metrics(["stereotype_score[crows_original]"], MetricContext(scorer="crows_original"))
    stats = metric.stats(original)
    score = float(metric.value(stats.sum(axis=0), float(len(stats))))
    sys.stdout.write(
        f"{len(loop)} pairs: score {score:.4f}, published algorithm {sum(theirs.values()) / len(theirs):.4f}; "
        f"{sum(ours[id_] != theirs[id_] for id_ in loop)} pairs judged differently, "
        f"largest difference of a sentence's score {apart:.1e} nats (rounding to three digits: up to 5e-4)\n"
        f"one copy at a time {seconds['loop']:.1f} s; crows_original {seconds['crows_original']:.1f} s, "
        f"{seconds['loop'] / seconds['crows_original']:.1f} times as fast; pll_shared {seconds['pll_shared']:.1f} s, "
        f"{seconds['loop'] / seconds['pll_shared']:.1f} times as fast\n"
    )


if __name__ == "__main__":
    main()

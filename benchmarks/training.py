"""Useful tokens a second of our training loop against transformers' Trainer with default settings.

Both sides train the same model from the same weights on the same examples of different lengths, in the same
precision and batch size, one pass each, in turn. Useful tokens are those that are no padding. The
share of the GEMM peak is operations a second over those of a plain matrix product, measured before
and after every pair.

    python benchmarks/training.py [--pairs 5] [--write]
"""

from __future__ import annotations

import argparse
import platform
import re
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import (
    AutoConfig,
    AutoModelForCausalLM,
    AutoModelForSequenceClassification,
    DataCollatorForLanguageModeling,
    DataCollatorWithPadding,
    PreTrainedTokenizerFast,
    Trainer,
    TrainingArguments,
)
from transformers.utils import logging

from harness.core.reporter import Silent
from harness.model_kinds.architecture_presets import architecture
from harness.model_kinds.flop_shapes import shape_of, training_flops
from harness.model_kinds.pretrain_kind import PretrainSpec, pretraining_settings
from harness.models.local.fastpaths.onednn_linear import product_by_onednn
from harness.training.loop.planned_batches import RowBatches
from harness.training.loop.training_loop import Settings, train
from harness.training.objectives.corpus import Corpus
from harness.training.objectives.objective import objective

PAGE = Path(__file__).parent.parent / "docs" / "performance.md"
START, END = "<!-- training: start -->", "<!-- training: end -->"
VOCABULARY, LONGEST, BATCH = 4000, 128, 16


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--examples", type=int, default=320)
    parser.add_argument("--jobs", type=int, default=3, help="how many of the three trainings, in order")
    parser.add_argument("--write", action="store_true", help="write the table into docs/performance.md")
    chosen = parser.parse_args()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    lengths = ragged(chosen.examples)
    rows = []
    jobs = (
        ("classification, bert-mini", classification),
        ("causal pretraining, gpt-mini", causal),
        ("causal pretraining, llama-mini", lambda lengths: causal(lengths, "llama-mini")),
    )
    for name, prepare in jobs[: chosen.jobs]:
        rows.append((name, measure(prepare(lengths), chosen.pairs)))
    table = report(rows, chosen.pairs, lengths)
    sys.stdout.write(f"{table}\n")
    if chosen.write:
        write(table)


def ragged(count: int) -> list[int]:
    """Lengths of texts as reviews and passages have them: log-normal, 8 to 128 tokens, median about 32."""
    random = np.random.default_rng(0)
    return np.clip(np.exp(random.normal(3.5, 0.7, count)), 8, LONGEST).astype(int).tolist()


def documents(lengths: list[int]) -> list[list[int]]:
    random = np.random.default_rng(1)
    return [random.integers(5, VOCABULARY, length).tolist() for length in lengths]


def tokenizer() -> Any:
    from tokenizers import Tokenizer, models

    words = {"[PAD]": 0, "[UNK]": 1, "[END]": 2, **{f"w{number}": number for number in range(3, VOCABULARY)}}
    return PreTrainedTokenizerFast(
        tokenizer_object=Tokenizer(models.WordLevel(words, unk_token="[UNK]")), pad_token="[PAD]", eos_token="[END]"
    )


def classification(lengths: list[int]) -> tuple[Any, Any, Any, Any]:
    """A classifier: (fresh model, our plan, our loss, the peer's examples and collator)."""
    texts = documents(lengths)
    labels = [number % 3 for number in range(len(texts))]
    config = AutoConfig.for_model(**architecture("bert-mini"), vocab_size=VOCABULARY, pad_token_id=0, num_labels=3)

    def fresh() -> Any:
        torch.manual_seed(0)
        return AutoModelForSequenceClassification.from_config(config)

    rows = [{"input_ids": text, "class": [label]} for text, label in zip(texts, labels, strict=True)]
    plan = RowBatches(rows, {"input_ids": 0, "class": 0}, size=BATCH, epochs=1, seed=0)

    def loss(model: Any, batch: Any) -> torch.Tensor:
        logits = model(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"]).logits
        return torch.nn.functional.cross_entropy(logits, batch["class"][:, 0])

    examples = [{"input_ids": text, "labels": label} for text, label in zip(texts, labels, strict=True)]
    return fresh, plan, loss, (examples, DataCollatorWithPadding(tokenizer()))


def causal(lengths: list[int], preset: str = "gpt-mini") -> tuple[Any, Any, Any, Any]:
    """A language model on texts of different lengths: packed by us, padded by the peer's collator."""
    texts = documents(lengths)
    config = AutoConfig.for_model(
        **architecture(preset, "causal"), vocab_size=VOCABULARY, bos_token_id=2, eos_token_id=2, pad_token_id=0
    )

    def fresh() -> Any:
        torch.manual_seed(0)
        return AutoModelForCausalLM.from_config(config)

    spec = PretrainSpec.model_validate(
        {
            "objective": "causal",
            "data": ["texts"],
            "budget": {"steps": 1},
            "batch_size": BATCH,
            "sequence_length": LONGEST,
        }
    )
    goal = objective("causal")
    count = sum(lengths) // LONGEST
    corpus, chosen = Corpus({"texts": texts}, VOCABULARY), pretraining_settings(spec, 256)
    plan = goal.plan(corpus, tokenizer(), None, spec, chosen, rows=count, seed=0)
    examples = [{"input_ids": text} for text in texts]
    return fresh, plan, goal.loss, (examples, DataCollatorForLanguageModeling(tokenizer(), mlm=False))


def measure(job: tuple[Any, Any, Any, Any], pairs: int) -> dict[str, Any]:
    """Medians over `pairs` of both sides in turn."""
    fresh, plan, loss, (examples, collator) = job
    ours, theirs, ratios, shares, parallel = [], [], [], [], []
    shape = shape_of(fresh().config.to_dict())
    assert shape is not None
    flops = training_flops(plan.operations(shape))
    tokens = sum(plan.tokens(place) for place in range(len(plan)))
    useful = sum(len(example["input_ids"]) for example in examples)
    for pair in range(pairs + 1):
        before = gemm()
        seconds = timed_ours(fresh(), plan, loss)
        peer = timed_theirs(fresh(), examples, collator)
        after = gemm()
        if pair == 0:
            continue  # warms caches up
        ours.append(tokens / seconds)
        theirs.append(useful / peer)
        ratios.append(ours[-1] / theirs[-1])
        rates = np.mean([before, after], axis=0)
        shares.append(flops / seconds / rates)
        parallel.append(rates / 1e9)
    return {
        "ours": np.median(ours),
        "theirs": np.median(theirs),
        "ratio": np.median(ratios),
        "ratios": [min(ratios), max(ratios)],
        "shares": np.median(shares, axis=0),
        "gemm": np.median(parallel, axis=0),
    }


def timed_ours(model: Any, plan: Any, loss: Any) -> float:
    with tempfile.TemporaryDirectory() as folder:
        progress = train(
            model,
            plan,
            loss,
            Settings(learning_rate=1e-4, seed=0, save_every=10**6),
            work=Path(folder),
            title="training",
            identity={},
            flops=1.0,
            reporter=Silent(),
        )
        return float(progress.measured()["seconds"])


def timed_theirs(model: Any, examples: Any, collator: Any) -> float:
    with tempfile.TemporaryDirectory() as folder:
        arguments = TrainingArguments(
            output_dir=folder,
            num_train_epochs=1,
            per_device_train_batch_size=BATCH,
            save_strategy="no",
            report_to=[],
            disable_tqdm=True,
            logging_strategy="no",
            use_cpu=not torch.cuda.is_available(),
        )
        trainer = Trainer(model=model, args=arguments, train_dataset=examples, data_collator=collator)
        started = time.perf_counter()
        trainer.train()
        return time.perf_counter() - started


def gemm() -> tuple[float, float]:
    """Operations a second of a float32 product with as many threads as training has: torch's own, and oneDNN's."""
    left = torch.ones(1024, 1024)
    found = []
    for side in (torch.nn.functional.linear, product_by_onednn):
        side(left, left, None)
        times = []
        for _ in range(5):
            started = time.perf_counter()
            side(left, left, None)
            times.append(time.perf_counter() - started)
        found.append(2 * 1024**3 / float(np.median(times)))
    return found[0], found[1]


def report(rows: list[tuple[str, dict[str, Any]]], pairs: int, lengths: list[int]) -> str:
    median = int(np.median(lengths))
    machine = f"{platform.machine()}, {torch.get_num_threads()} thread(s), torch {torch.__version__}"
    lines = [
        f"{len(lengths)} texts of {min(lengths)} to {max(lengths)} tokens (median {median}), batches of {BATCH}.",
        f"{machine}. float32, one pass, median of {pairs} pairs in turn (least–most).",
        "Goals: 1.2 × the useful tokens, 55% of the GEMM peak. Shares and rates: torch's own product / oneDNN's.",
        "",
        "| training | useful tokens/s | Trainer, defaults | ratio | share of GEMM peak | GEMM, GFLOP/s |",
        "|---|---|---|---|---|---|",
    ]
    for name, found in rows:
        low, high = found["ratios"]
        cells = (
            name,
            f"{found['ours']:,.0f}",
            f"{found['theirs']:,.0f}",
            f"{found['ratio']:.2f} × ({low:.2f}–{high:.2f})",
            " / ".join(f"{share:.0%}" for share in found["shares"]),
            " / ".join(f"{rate:.0f}" for rate in found["gemm"]),
        )
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join([*lines, "", "`python benchmarks/training.py --write` made this table."])


def write(table: str) -> None:
    text = PAGE.read_text("utf-8")
    section = f"{START}\n{table}\n{END}"
    if START in text:
        text = re.sub(f"{re.escape(START)}.*?{re.escape(END)}", lambda _: section, text, flags=re.DOTALL)
    else:
        text = f"{text.rstrip()}\n\n## Training\n\n{section}\n"
    PAGE.write_text(text, "utf-8")


if __name__ == "__main__":
    main()

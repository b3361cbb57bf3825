"""What the scoring benchmarks share: timing in turn, the machine's own speed, tables in docs/performance.md."""

from __future__ import annotations

import argparse
import os
import platform
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

ROOT = Path(__file__).resolve().parents[1]
sys.path.append(str(ROOT / "tests" / "support"))
PAGE = ROOT / "docs" / "performance.md"
WORDS = (
    *("the", "film", "phone", "song", "meal", "hotel", "story", "lamp", "was", "is", "felt", "looked", "bright"),
    *("dull", "warm", "cold", "clever", "awful", "lovely", "long", "short", "and", "but", "because", "nobody"),
    *("everybody", "expected", "remembered", "it", "this", "that", "week", "year", "again", "never", "always"),
)


@dataclass(frozen=True)
class Timing:
    """Seconds of two sides, pair by pair."""

    ours: list[float]
    peer: list[float]

    @property
    def ratios(self) -> list[float]:
        return [peer / ours for ours, peer in zip(self.ours, self.peer, strict=True)]

    def cells(self) -> str:
        ours, peer, ratios = median(self.ours), median(self.peer), sorted(self.ratios)
        return f"{ours:.2f} s | {peer:.2f} s | {median(ratios):.2f} × ({ratios[0]:.2f}–{ratios[-1]:.2f})"


def in_turn(ours: Callable[[], object], peer: Callable[[], object], pairs: int) -> Timing:
    """Times both sides in turn, after one untimed round."""
    ours()
    peer()
    found = Timing([], [])
    for _ in range(pairs):
        for side, seconds in ((ours, found.ours), (peer, found.peer)):
            started = time.perf_counter()
            side()
            seconds.append(time.perf_counter() - started)
    return found


def gemm() -> str:
    """GFLOP/s of a float32 product of two 768 × 768 matrices, the best of ten: torch's own, and oneDNN's."""
    import torch

    from harness.models.local.fastpaths.onednn_linear import SWITCH, product_by_onednn

    size = 768
    one, other = torch.rand(size, size), torch.rand(size, size)
    rates = []
    for side in (torch.nn.functional.linear, product_by_onednn):
        best = float("inf")
        for _ in range(10):
            started = time.perf_counter()
            side(one, other, None)
            best = min(best, time.perf_counter() - started)
        rates.append(2 * size**3 / best / 1e9)
    return f"{rates[0]:.0f} ({rates[1]:.0f} by oneDNN) GFLOP/s{', off' if os.environ.get(SWITCH) == '0' else ''}"


def sentence(random: object, words: int) -> str:
    """A made-up sentence of so many words; `random` is a `random.Random`."""
    return " ".join(random.choice(WORDS) for _ in range(words))  # type: ignore[attr-defined]  # see above


def tokenizer(*, masked: bool) -> object:
    """One token a word: WORDS, a few marks and made-up ones, 8,192 in all."""
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    known = [*special, ":", "?", "Question", "Answer", *WORDS]
    vocabulary = {word: place for place, word in enumerate([*known, *(f"w{n}" for n in range(8192 - len(known)))])}
    backend = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    backend.pre_tokenizer = pre_tokenizers.Whitespace()
    names = {"pad_token": "[PAD]", "unk_token": "[UNK]"}
    if masked:
        backend.post_processor = processors.TemplateProcessing(
            single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
        )
        names |= {"cls_token": "[CLS]", "sep_token": "[SEP]", "mask_token": "[MASK]"}
    else:
        names |= {"bos_token": "[CLS]", "eos_token": "[SEP]"}
    return PreTrainedTokenizerFast(tokenizer_object=backend, **names)


def machine() -> str:
    """The line above a table."""
    import torch
    import transformers

    versions = f"torch {torch.__version__}, transformers {transformers.__version__}"
    return (
        f"{platform.machine()}, {os.cpu_count()} cores, {torch.get_num_threads()} thread(s), {versions}. "
        "Medians; both sides in turn, range of the ratio in brackets."
    )


def arguments(summary: str | None) -> argparse.Namespace:
    """`--pairs`, `--threads`, `--model` and `--write`."""
    parser = argparse.ArgumentParser(description=summary, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=5, help="timed rounds of both sides")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--model", type=Path, help="a checkpoint to measure as well")
    parser.add_argument("--write", action="store_true", help="rewrite the section of docs/performance.md")
    return parser.parse_args()


def note(what: str, options: argparse.Namespace, before: str, script: str) -> str:
    """The line below a table."""
    threads = f" --threads {options.threads}" if options.threads != 1 else ""
    return (
        f"{what}, {options.pairs} pairs of runs; matrix product {before} before, {gemm()} after. "
        f"`python benchmarks/{script}.py{threads} --write` made this table."
    )


def section(name: str, title: str, lines: Sequence[str], *, write: bool) -> None:
    """Prints a section, and puts it between its markers in docs/performance.md, where `write` says so."""
    from harness.storage import atomic

    start, end = f"<!-- {name}: start -->", f"<!-- {name}: end -->"
    body = "\n".join([start, *lines, end])
    sys.stdout.write(body + "\n")
    if not write:
        return
    page = PAGE.read_text("utf-8") if PAGE.is_file() else "# Performance\n"
    if start in page:
        before, rest = page.split(start, 1)
        page = before + body + rest.split(end, 1)[1]
    else:
        page = f"{page.rstrip()}\n\n## {title}\n\n{body}\n"
    atomic.write_text(PAGE, page)

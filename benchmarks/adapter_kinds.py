"""Every kind of adapter on several shapes of model, and every form of folder, against plain transformers and peft.

    python benchmarks/adapter_kinds.py            # five minutes
    python benchmarks/adapter_kinds.py --write    # also rewrites the tables in docs/models.md

Tiny models of random weights are made on the spot; each adapter has noise on all that it trains. The difference is that
of the log-likelihood of a text, the largest over the texts, to plain forward passes of peft's own model.
"""

from __future__ import annotations

import os
import sys
import tempfile
import warnings
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import side_by_side as bench

from harness.models.open_context import OpenContext

PAGE = bench.ROOT / "docs" / "models.md"
START, END = "<!-- adapters: start -->", "<!-- adapters: end -->"
NOT_MADE = "·"
WAYS = {"shared": "one shared load", "own": "its own load", "peft": "its own load, by peft's forward pass"}


@dataclass
class Tally:
    """What became of the artifacts so far, and the sentences of those that were refused."""

    outcomes: Counter[str] = field(default_factory=Counter)
    sentences: dict[str, str] = field(default_factory=dict)

    def cell(self, off: float | str, tolerance: float) -> str:
        """A cell of the table: a difference, or the number of a sentence."""
        if isinstance(off, str):
            self.outcomes["refused"] += 1
            return self.sentences.setdefault(off, f"[{len(self.sentences) + 1}]")
        self.outcomes["right" if off <= tolerance else "wrong"] += 1
        return f"{off:.0e}" if off <= tolerance else f"**{off:.0e}**"


def main() -> None:
    """Measures, prints and, with `--write`, writes."""
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    warnings.filterwarnings("ignore")
    options = bench.arguments(__doc__)
    from transformers.utils import logging

    logging.disable_progress_bar()
    logging.set_verbosity_error()
    tally = Tally()
    with tempfile.TemporaryDirectory() as temporary:
        lines = [*_kinds(Path(temporary), tally), "", *_forms(Path(temporary), tally), ""]
    lines += [f"- {number} {sentence}" for sentence, number in tally.sentences.items()]
    counted = ", ".join(f"{count} {outcome}" for outcome, count in tally.outcomes.items())
    lines += ["", f"{sum(tally.outcomes.values())} artifacts: {counted}. `{NOT_MADE}`: peft makes no such adapter."]
    text = "\n".join(lines)
    sys.stdout.write(f"{text}\n")
    if options.write:
        page = PAGE.read_text("utf-8")
        before, after = page[: page.index(START)], page[page.index(END) :]
        PAGE.write_text(f"{before}{START}\n{text}\n{after}", "utf-8")


def _kinds(folder: Path, tally: Tally) -> list[str]:
    from harness_support import adapter_shapes, adapter_zoo

    shapes = adapter_shapes.SHAPES
    bases = {name: shape.base(folder / name / "base") for name, shape in shapes.items()}
    lines = [f"| adapter | loads | {' | '.join(shapes)} |", f"|---|---|{'--:|' * len(shapes)}"]
    for kind, make in adapter_zoo.EVERY.items():
        cells, ways = [], set()
        for name, shape in shapes.items():
            made = _made(shape, folder / name / kind, bases[name], make)
            if made is None:
                cells.append(NOT_MADE)
                continue
            off, tolerance, way = _compared(shape, bases[name], *made)
            cells.append(tally.cell(off, tolerance))
            ways |= {way} - {""}
        loads = " or ".join(WAYS[way] for way in sorted(ways)) or "–"
        lines.append(f"| {kind} ({make().peft_type.value}) | {loads} | {' | '.join(cells)} |")
        sys.stderr.write(f"{lines[-1]}\n")
    return lines


def _made(shape: Any, folder: Path, base: Path, make: Callable[[], Any]) -> tuple[Path, dict[str, float]] | None:
    """An adapter of a kind, and what plain peft says of the texts; None where peft makes none, or fails with it."""
    from harness_support import adapter_zoo

    try:
        adapter: Path = shape.adapter(folder, base, make)
        if make in adapter_zoo.REFUSED.values():
            return adapter, {}
        return adapter, _expected(shape, shape.plain(base, adapter), base)
    except Exception:  # peft says in many ways what it does not make
        return None


def _expected(shape: Any, plain: Any, words: Path) -> dict[str, float]:
    from harness_support import model_zoo

    return {text: shape.likelihood(plain, words, text) for text in model_zoo.TEXTS[:2]}


def _forms(folder: Path, tally: Tally) -> list[str]:
    from harness_support import adapter_shapes, adapter_zoo

    from harness.models.checkpoint.tokenizer_files import has_tokenizer

    lines = ["| folder | loads | largest difference |", "|---|---|--:|"]
    shape = adapter_shapes.Shape("llama", {}, {})
    for name, make in adapter_zoo.FORMS.items():
        form = make(folder / f"form {name}")
        words = form.adapter if has_tokenizer(form.adapter) else form.base
        expected = _expected(shape, form.reference(), words)
        off, tolerance, way = _compared(shape, form.base, form.adapter, expected)
        lines.append(f"| {name} | {WAYS.get(way, '–')} | {tally.cell(off, tolerance)} |")
        sys.stderr.write(f"{lines[-1]}\n")
    return lines


def _compared(shape: Any, base: Path, adapter: Path, expected: Mapping[str, float]) -> tuple[float | str, float, str]:
    """How far an adapter is from plain peft, or why it is refused; what is allowed; and how it is loaded."""
    from harness_support import adapter_shapes, model_zoo

    from harness.core.errors import CheckpointError
    from harness.core.requests import Failure
    from harness.models.checkpoint.adapter_folder import write_pair
    from harness.models.checkpoint.checkpoint_digest import checkpoint_digest
    from harness.models.open_model import open_model

    pair = adapter.parent / f"{adapter.name} on its base"
    pair.mkdir()
    try:
        write_pair(pair, adapter, checkpoint_digest(base), ())
        model = open_model(pair, OpenContext(resolve=lambda _: base, responses=None, device="cpu"))
        answers = dict(model.answer(shape.request(text) for text in expected or model_zoo.TEXTS[:2]))
    except CheckpointError as error:
        return error.message, 0.0, ""
    failure = next((answer for answer in answers.values() if isinstance(answer, Failure)), None)
    if failure is not None:
        return "; ".join(model.facts.notes) or failure.message, 0.0, ""
    off = max(abs(adapter_shapes.answered(answers[shape.request(text)]) - value) for text, value in expected.items())
    tolerance = min(1e-4 + 2e-6 * abs(value) for value in expected.values())
    network = model.backend.network
    return off, tolerance, "shared" if network.switch is not None else "peft" if network.indivisible else "own"


if __name__ == "__main__":
    main()

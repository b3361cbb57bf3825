"""Every kind of adapter, and every form of folder, against plain transformers and peft.

    python benchmarks/adapter_kinds.py            # a few minutes
    python benchmarks/adapter_kinds.py --write    # also rewrites the table in docs/models.md

Tiny models of random weights are made on the spot; each adapter has noise on all that it trains. The difference is that
of the log-likelihood of a text, the largest over five texts, to one plain forward pass of peft's own model.
"""

from __future__ import annotations

import os
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import side_by_side as bench

PAGE = bench.ROOT / "docs" / "models.md"
START, END = "<!-- adapters: start -->", "<!-- adapters: end -->"


def main() -> None:
    """Measures, prints and, with `--write`, writes."""
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    warnings.filterwarnings("ignore")
    options = bench.arguments(__doc__)
    lines = ["| adapter | outcome | largest difference, nats a text |", "|---|---|--:|"]
    sys.stdout.write("\n".join(lines) + "\n")
    with tempfile.TemporaryDirectory() as temporary:
        for artifact, outcome, off in _measured(Path(temporary)):
            lines.append(f"| {artifact} | {outcome} | {off} |")
            sys.stdout.write(f"{lines[-1]}\n")
            sys.stdout.flush()
    if options.write:
        table = "\n".join(lines)
        text = PAGE.read_text("utf-8")
        before, after = text[: text.index(START)], text[text.index(END) :]
        PAGE.write_text(f"{before}{START}\n{table}\n{after}", "utf-8")


def _measured(folder: Path) -> Iterator[tuple[str, str, str]]:
    from harness_support import adapter_zoo, model_zoo

    base = model_zoo.language_model("llama", folder / "base", length=64, attention_bias=True, tie_word_embeddings=False)
    for name, make in adapter_zoo.EVERY.items():
        adapter = adapter_zoo.write_adapter(folder / name, base, make())
        kind = make().peft_type.value
        yield (
            f"{name} ({kind})",
            *_compared(base, adapter, lambda adapter=adapter: adapter_zoo.on_base(base, adapter)),
        )
    for name, make_form in adapter_zoo.FORMS.items():
        form = make_form(folder / f"form {name}")
        yield (name, *_compared(form.base, form.adapter, form.reference))


def _compared(base: Path, adapter: Path, reference: Callable[[], Any]) -> tuple[str, str]:
    """What becomes of an adapter, and how far it is from plain peft."""
    from harness_support import adapter_zoo, model_zoo

    from harness.core.errors import CheckpointError
    from harness.core.requests import Failure, RollingLikelihood
    from harness.models.checkpoint.adapter_folder import write_pair
    from harness.models.checkpoint.checkpoint_digest import checkpoint_digest
    from harness.models.checkpoint.tokenizer_files import has_tokenizer
    from harness.models.open_model import open_model

    pair = adapter.parent / f"{adapter.name} on its base"
    pair.mkdir()
    try:
        write_pair(pair, adapter, checkpoint_digest(base), ())
        model = open_model(pair, resolve=lambda _: base, responses=None, device="cpu")
        answers = list(model.answer(RollingLikelihood(text) for text in model_zoo.TEXTS))
    except CheckpointError as error:
        return f"refused: {error.message}", "–"
    failure = next((answer for _, answer in answers if isinstance(answer, Failure)), None)
    if failure is not None:
        return "; ".join(model.facts.notes) or failure.message, "–"
    plain = reference()
    words = adapter if has_tokenizer(adapter) else base
    off = max(
        abs(answer.total - adapter_zoo.text_likelihood(plain, words, request.text)) for request, answer in answers
    )
    network = model.backend.network
    how = "its own load, by peft's forward pass" if network.indivisible else "its own load"
    return "one shared load" if network.switch is not None else how, f"{off:.0e}"


if __name__ == "__main__":
    main()

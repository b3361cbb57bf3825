"""Accuracy on the validation split: shown beside a stage, and used to choose settings."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch

from harness.models.encoding import encode_texts
from harness.training.examples import padded

_BATCH = 128


def scorer(
    tokenizer: Any, examples: Sequence[tuple[str, int]], max_length: int
) -> Callable[[Any], dict[str, float | int] | None]:
    """A function that scores a model on these examples, for choosing its best epoch."""
    return lambda model: accuracy(model, tokenizer, examples, max_length)


def accuracy(
    model: Any, tokenizer: Any, examples: Sequence[tuple[str, int]], max_length: int
) -> dict[str, float | int] | None:
    """`accuracy` and `n` of a classifier on labelled texts; None without examples."""
    if not examples:
        return None
    rows = encode_texts(tokenizer, [text for text, _ in examples], max_length).ids
    order = sorted(range(len(rows)), key=lambda place: len(rows[place]))
    predicted = np.zeros(len(rows), dtype=np.int64)
    device = next(model.parameters()).device
    model.eval()
    with torch.inference_mode():
        for first in range(0, len(order), _BATCH):
            chosen = order[first : first + _BATCH]
            ids, attention = padded([rows[place] for place in chosen], int(tokenizer.pad_token_id or 0))
            logits = model(
                input_ids=torch.from_numpy(ids).to(device), attention_mask=torch.from_numpy(attention).to(device)
            ).logits
            predicted[chosen] = logits.argmax(dim=-1).cpu().numpy()
    targets = np.asarray([label for _, label in examples])
    return {"accuracy": float((predicted == targets).mean()), "n": len(examples)}

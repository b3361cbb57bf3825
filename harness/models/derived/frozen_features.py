"""Frozen features of a checkpoint: what a linear head is trained on and answers by."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from harness.core.errors import CheckpointError, Where
from harness.core.records import FloatArray
from harness.core.reporter import Reporter, Silent
from harness.models.checkpoint.checkpoint_digest import Resolve
from harness.models.encoding.text_encoder import encode_texts
from harness.models.local.batching import TooLarge
from harness.models.local.requests.whole_text import text_states
from harness.models.local.transformers_backend import open_transformers
from harness.models.open_context import OpenContext


def mean_features(
    folder: Path, texts: Sequence[str], *, resolve: Resolve, device: str = "auto", reporter: Reporter | None = None
) -> FloatArray:
    """Mean last hidden states over the text's tokens, float64[n, H], in the texts' order.

    The same function gives a linear checkpoint its features when it answers.

    Raises:
        CheckpointError: when the folder cannot be used.
    """
    backend = open_transformers(folder, OpenContext(resolve, None, device, reporter or Silent()))
    return backend.features(texts)[0]


def pooled_states(
    folder: Path, texts: Sequence[str], *, resolve: Resolve, device: str = "auto", reporter: Reporter | None = None
) -> dict[str, FloatArray]:
    """Last hidden states of texts as they are read: two of float64[n, H].

    `mean` is over all tokens (vectors of texts), and `head` the token that heads for whole texts read: the first
    one, or the last one of a causal model.

    Raises:
        CheckpointError: when the folder cannot be used, or memory does not suffice for one text.
    """
    backend = open_transformers(folder, OpenContext(resolve, None, device, reporter or Silent()))
    network = backend.network
    encoded = encode_texts(network.encoder, texts, network.max_length)
    states_by_name = {name: np.zeros((len(texts), network.hidden_size)) for name in ("mean", "head")}
    for row, states in text_states(network, backend.batcher, encoded):
        if isinstance(states, TooLarge):
            raise CheckpointError("the states of one text do not fit in memory.", where=Where(folder))
        states_by_name["mean"][row.owner] = states.mean(axis=0)
        states_by_name["head"][row.owner] = states[-1 if network.causal else 0]
    return states_by_name

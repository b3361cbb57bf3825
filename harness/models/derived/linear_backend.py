"""A linear head on a parent's frozen features; other questions go to the parent itself."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from pathlib import Path

from harness.core.errors import CheckpointError, Where
from harness.core.model import Backend, ModelFacts
from harness.core.requests import Classify, Request, Response
from harness.models.cached_model import CachedModel
from harness.models.checkpoint.checkpoint_digest import checkpoint_digest
from harness.models.checkpoint.formats.linear_head_file import LINEAR_WEIGHTS, LinearHead, read_linear
from harness.models.checkpoint.lineage import parent_of, read_lineage
from harness.models.encoding.text_encoder import encode_texts
from harness.models.local.flop_meter import Meter
from harness.models.local.transformers_backend import TransformersBackend, open_transformers
from harness.models.open_context import OpenContext
from harness.models.response_builders import choose, log_softmax, plain_question, with_inputs


class LinearBackend:
    """Classifies by the head; answers likelihoods as its parent does (and from its cache)."""

    def __init__(self, head: LinearHead, parent: TransformersBackend, cached: CachedModel, facts: ModelFacts) -> None:
        self._head = head
        self._parent = parent
        self._cached = cached
        self._facts = facts

    @property
    def facts(self) -> ModelFacts:
        return self._facts

    @property
    def meter(self) -> Meter:
        """Counts the work of the parent's network; the head's own is nothing beside it."""
        return self._parent.meter

    def compute(self, requests: Sequence[Request]) -> Iterator[tuple[Request, Response]]:
        """See `Backend`."""
        asked = []
        for request in requests:
            if isinstance(request, Classify):
                refusal = plain_question(request)
                if refusal is None:
                    asked.append(request)
                else:
                    yield request, refusal
        if asked:
            network = self._parent.network
            encoded = encode_texts(network.encoder, [request.text for request in asked], network.max_length)
            features, truncated = self._parent.features([request.text for request in asked])
            scaled = (features - self._head.mean) / self._head.scale
            values = log_softmax(scaled @ self._head.coef.T + self._head.intercept)
            for request, row, cut, ids in zip(asked, values, truncated, encoded.ids, strict=True):
                yield request, with_inputs(choose(request, self._head.labels, row, cut), network.encoder.mark(ids))
        yield from self._cached.answer(request for request in requests if not isinstance(request, Classify))


def open_linear(folder: Path, context: OpenContext) -> Backend:
    """Opens a linear checkpoint on its parent.

    Raises:
        CheckpointError: when files are missing, or the parent is not the one it was trained on.
    """
    head = read_linear(folder)
    parent = parent_of(folder, "linear", read_lineage(folder))
    assert parent is not None
    own = checkpoint_digest(folder, context.resolve)
    backend = open_transformers(context.resolve(parent["key"]), dataclasses.replace(context, labels=None))
    assert isinstance(backend, TransformersBackend)
    hidden = backend.network.hidden_size
    if head.coef.shape[1] != hidden:
        raise CheckpointError(
            f"expected weights for {hidden} features of its base, found {head.coef.shape[1]}.",
            where=Where(folder / LINEAR_WEIGHTS),
            hint="give the base that it was trained on.",
        )
    facts = dataclasses.replace(
        backend.facts,
        digest=own,
        labels=head.labels,
        supports=backend.facts.supports | {Classify.kind},
        parameters=backend.facts.parameters + head.coef.size + head.intercept.size,
        answer_key={**backend.facts.answer_key, "labels": list(head.labels)},
    )
    return LinearBackend(head, backend, CachedModel(backend, context.responses, context.reporter), facts)

"""Transformers checkpoints, and adapters on them, as a backend."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from harness.core.interfaces import ModelFacts
from harness.core.records import FloatArray
from harness.core.reporter import Reporter
from harness.core.requests import Classify, Cloze, Continuations, PseudoLikelihood, Request, Response, RollingLikelihood
from harness.models.answering import Backend
from harness.models.batching import Batcher
from harness.models.causal import continuations, rolling_likelihoods
from harness.models.context import OpenContext
from harness.models.digest import checkpoint_digest, tokenizer_digest
from harness.models.heads import classifications, features
from harness.models.inspection import kind_of, parent_of, read_lineage
from harness.models.loading import load
from harness.models.masked import clozes, pseudo_likelihoods
from harness.models.network import Network
from harness.models.policy import answer_policy

ROLLING = "window=max_length;context=1;prefix=bos|eos"


class TransformersBackend:
    """Answers by a loaded network; batches shrink when memory runs out."""

    def __init__(self, network: Network, facts: ModelFacts, reporter: Reporter) -> None:
        self.network = network
        self._facts = facts
        self._batcher = Batcher(network.budget, reporter, network.relieve)

    @property
    def facts(self) -> ModelFacts:
        return self._facts

    def compute(self, requests: Sequence[Request]) -> Iterator[tuple[Request, Response]]:
        """Answers what the checkpoint's heads can; see `Backend`."""
        network, batcher = self.network, self._batcher
        if self._facts.labels is not None:
            asked = [request for request in requests if isinstance(request, Classify)]
            yield from classifications(network, batcher, asked, self._facts.labels)
        if self._facts.language_model == "masked":
            gaps = [request for request in requests if isinstance(request, Cloze)]
            yield from clozes(network, batcher, gaps)
            masked = [request for request in requests if isinstance(request, PseudoLikelihood)]
            yield from pseudo_likelihoods(network, batcher, masked)
        if self._facts.language_model == "causal":
            options = [request for request in requests if isinstance(request, Continuations)]
            yield from continuations(network, batcher, options)
            texts = [request for request in requests if isinstance(request, RollingLikelihood)]
            yield from rolling_likelihoods(network, batcher, texts)

    def features(self, texts: Sequence[str]) -> tuple[FloatArray, list[int]]:
        """Mean last hidden states float64[n, H], and truncated tokens of each text."""
        return features(self.network, self._batcher, texts)


def open_transformers(folder: Path, context: OpenContext) -> Backend:
    """Opens a folder as `save_pretrained` writes it, or a peft adapter.

    Raises:
        CheckpointError: when the folder, or an adapter's base, cannot be used.
    """
    lineage = read_lineage(folder)
    kind = kind_of(folder, lineage)
    own = checkpoint_digest(folder, context.resolve)
    parent = parent_of(folder, kind, lineage)
    policy = answer_policy(context.device)
    named = tuple(str(label) for label in lineage.get("labels") or ()) or None
    device, dtype = str(policy["device"]), str(policy["dtype"])
    if parent is None:
        base = folder
        loaded = load(folder, device=device, dtype=dtype)
    else:
        base = context.resolve(parent["key"])
        loaded = load(base, device=device, dtype=dtype, adapter=folder, labels=len(named) if named else None)
    network = loaded.network
    labels, notes = _labels(network, context.labels or named, loaded.labels)
    has_language_model = network.language_model is not None
    reads = "causal" if network.causal else "masked"
    supports = {Classify.kind} if labels is not None else set()
    if has_language_model:
        kinds = (Continuations, RollingLikelihood) if network.causal else (Cloze, PseudoLikelihood)
        supports.update(kind.kind for kind in kinds)
    answer_key = {**policy, "max_length": network.max_length, "labels": list(labels or ())}
    if network.causal:
        answer_key["rolling"] = ROLLING
    facts = ModelFacts(
        digest=own,
        family=reads if has_language_model else "encoder",
        language_model=None if not has_language_model else "causal" if network.causal else "masked",
        labels=labels,
        supports=frozenset(supports),
        tokenizer_digest=tokenizer_digest(base),
        dtype=dtype,
        device=device,
        max_length=network.max_length,
        parameters=network.parameters,
        notes=(*loaded.notes, *notes),
        answer_key=answer_key,
    )
    return TransformersBackend(network, facts, context.reporter)


def _labels(
    network: Network, named: tuple[str, ...] | None, configured: tuple[str, ...] | None
) -> tuple[tuple[str, ...] | None, list[str]]:
    if network.classifier is None:
        return None, []
    rows = int(network.classifier.config.num_labels)
    if named is not None and len(named) == rows:
        return named, []
    if named is not None:
        return configured, [f"{len(named)} labels were named, but the classification head has {rows}"]
    if configured is not None and all(label.startswith("LABEL_") for label in configured):
        return configured, ["the classification head's labels have no names (LABEL_0, …); name them in its config.json"]
    return configured, []

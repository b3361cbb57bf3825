"""Transformers checkpoints, and adapters on them, as a backend."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path

from harness.core.digests import digest
from harness.core.errors import CheckpointError, shown
from harness.core.labels import label_text
from harness.core.model import ModelFacts
from harness.core.records import FloatArray
from harness.core.reporter import Reporter
from harness.core.requests import (
    Classify,
    Cloze,
    Continuations,
    Embed,
    ExtractSpan,
    Generate,
    NextSentence,
    PseudoLikelihood,
    Rank,
    Regress,
    Request,
    Response,
    RollingLikelihood,
    Tag,
    TargetLikelihood,
    TopCompletions,
)
from harness.models.checkpoint.checkpoint_digest import checkpoint_digest, tokenizer_digest
from harness.models.checkpoint.checkpoint_heads import Head
from harness.models.checkpoint.formats.sentence_pooling import sentence_pooling
from harness.models.checkpoint.lineage import kind_of, parent_of, read_lineage
from harness.models.checkpoint.tokenizer_files import has_tokenizer
from harness.models.device_policy import answer_policy, place_of
from harness.models.encoding.tokenizer_identity import tokenizer_identity, tokens_digest
from harness.models.local.adapter_alone import attach_alone
from harness.models.local.adapter_probe import NO_EFFECT
from harness.models.local.adapter_switching import attach, can_share
from harness.models.local.base_cache import BasePool
from harness.models.local.batching import Batcher
from harness.models.local.fastpaths.installed import install
from harness.models.local.flop_meter import Meter
from harness.models.local.load_network import Loaded
from harness.models.local.network import Network
from harness.models.local.peft_adapters import plan_adapter
from harness.models.local.requests import seq2seq_continuations
from harness.models.local.requests.continuations import continuations
from harness.models.local.requests.extract_span import spans
from harness.models.local.requests.generate import generate
from harness.models.local.requests.masked_likelihood import clozes, pseudo_likelihoods
from harness.models.local.requests.rank_documents import DocumentRanker
from harness.models.local.requests.rolling_likelihood import rolling_likelihoods
from harness.models.local.requests.tag_words import tags
from harness.models.local.requests.target_likelihood import seq2seq_target_likelihoods, target_likelihoods
from harness.models.local.requests.top_completions import top_completions
from harness.models.local.requests.whole_text import classifications, embeddings, features, next_sentences, numbers
from harness.models.local.sentence_modules import NO_MODULES, SentenceModules, load_modules
from harness.models.open_context import Bases, OpenContext

Answerer = Callable[..., Iterator[tuple[Request, Response]]]

ANSWERERS: Mapping[str | None, Mapping[type[Request], Answerer]] = {
    "masked": {Cloze: clozes, PseudoLikelihood: pseudo_likelihoods, TopCompletions: top_completions},
    "causal": {
        Continuations: continuations,
        TargetLikelihood: target_likelihoods,
        RollingLikelihood: rolling_likelihoods,
        Generate: generate,
        TopCompletions: top_completions,
    },
    "seq2seq": {
        Continuations: seq2seq_continuations.continuations,
        TargetLikelihood: seq2seq_target_likelihoods,
        Generate: generate,
    },
    None: {},
}
"""What each kind of language model answers."""
HEAD_REQUESTS: Mapping[Head, type[Request]] = {
    "sequence": Classify,
    "token": Tag,
    "span": ExtractSpan,
    "next_sentence": NextSentence,
}
_NAMES: Mapping[Head, str] = {"sequence": "classification", "token": "token classification"}
ROLLING = "window=max_length;context=1;prefix=bos|eos"


class TransformersBackend:
    """Answers by a loaded network; batches shrink when memory runs out."""

    def __init__(
        self, network: Network, facts: ModelFacts, reporter: Reporter, modules: SentenceModules = NO_MODULES
    ) -> None:
        self.network = network
        self._modules = modules
        self._ranker = DocumentRanker(modules)
        self._facts = facts
        self.batcher = Batcher(network.budget, reporter, network.relieve, network.activate, network.can_batch)

    @property
    def facts(self) -> ModelFacts:
        return self._facts

    @property
    def meter(self) -> Meter:
        """Counts the work of the network."""
        return self.network.meter

    def known_as(self, digest: str, *notes: str) -> None:
        """Takes the digest of the checkpoint that this one is opened for, and what is to be said of it."""
        self._facts = dataclasses.replace(self._facts, digest=digest, notes=(*self._facts.notes, *notes))

    def compute(self, requests: Sequence[Request]) -> Iterator[tuple[Request, Response]]:
        """Answers what the checkpoint's heads can; see `Backend`."""
        for kind, answer in self._answerers().items():
            asked = [request for request in requests if isinstance(request, kind)]
            if asked:
                yield from answer(self.network, self.batcher, asked)

    def _answerers(self) -> dict[type[Request], Answerer]:
        facts = self._facts
        made = dict(ANSWERERS[facts.language_model])
        if Embed.kind in facts.supports:
            made[Embed] = partial(embeddings, own=self._modules)
        if Rank.kind in facts.supports:
            made[Rank] = self._ranker
        if facts.labels is not None:
            made[Classify] = partial(classifications, labels=facts.labels)
        if Regress.kind in facts.supports:
            made[Regress] = numbers
        if facts.tag_labels is not None:
            made[Tag] = partial(tags, labels=facts.tag_labels)
        if ExtractSpan.kind in facts.supports:
            made[ExtractSpan] = spans
        if NextSentence.kind in facts.supports:
            made[NextSentence] = next_sentences
        return made

    def features(self, texts: Sequence[str]) -> tuple[FloatArray, list[int]]:
        """Mean last hidden states float64[n, H], and truncated tokens of each text.

        Raises:
            CheckpointError: for an adapter that acts in peft's forward pass alone.
        """
        if self.network.indivisible:
            raise CheckpointError(
                "the adapter acts around its base, which has no hidden states of the two together.",
                hint="take the base, or a LoRA adapter on it.",
            )
        return features(self.network, self.batcher, texts)


def open_transformers(folder: Path, context: OpenContext) -> TransformersBackend:
    """Opens a folder as `save_pretrained` writes it, or a peft adapter.

    Raises:
        CheckpointError: when the folder, or an adapter's base, cannot be used.
    """
    lineage = read_lineage(folder)
    kind = kind_of(folder, lineage)
    own = checkpoint_digest(folder, context.resolve)
    parent = parent_of(folder, kind, lineage)
    policy = answer_policy(context.device)
    named = tuple(label_text(label) for label in lineage.get("labels") or ()) or None
    device, dtype = place_of(context.device, str(policy["device"])), str(policy["dtype"])
    base = folder if parent is None else context.resolve(parent["key"])
    pool = context.pool or BasePool()
    if parent is None:
        loaded = pool.base(base, device=device, dtype=dtype, quantize=context.quantize)
    else:
        loaded = _adapted(base, folder, len(named) if named else None, pool, context, device=device, dtype=dtype)
    network = loaded.network
    install(network)
    if context.batch_tokens is not None and not network.row_by_row:
        network.budget = context.batch_tokens
    labels, tag_labels, notes = _labels(network, context.labels or named, loaded.labels)
    language_model = network.family if network.language_model is not None else None
    supports = {*(() if network.indivisible else (Embed.kind,)), *(kind.kind for kind in ANSWERERS[language_model])}
    supports.update(HEAD_REQUESTS[head].kind for head in network.heads)
    if labels is None:
        supports.discard(Classify.kind)
    if tag_labels is None:
        supports.discard(Tag.kind)
    if "sequence" in network.heads and int(network.heads["sequence"].config.num_labels) == 1:
        supports.add(Regress.kind)
    if supports & {Embed.kind, Regress.kind}:
        supports.add(Rank.kind)
    own_pooling = sentence_pooling(base)
    worded = folder if has_tokenizer(folder) else base
    tokens = tokenizer_identity(network.encoder)
    answer_key = {
        **policy,
        "max_length": network.max_length,
        "labels": list(labels or tag_labels or ()),
        "tokens": tokens,
    }
    if language_model == "causal":
        answer_key["rolling"] = ROLLING
    # What came later stands in the key only where it changes answers, so that others keep theirs.
    if not network.pads:
        answer_key["rows"] = "alone" if network.mixes else "of one length"
    if network.switch_length is not None:
        answer_key["rows"] = f"apart at {network.switch_length}"
    if context.quantize is not None:
        answer_key["quantize"] = context.quantize
        dtype = f"{context.quantize}, sums in {dtype}"
    facts = ModelFacts(
        digest=own,
        family="encoder" if language_model is None else network.family,
        language_model=language_model,
        labels=labels,
        tag_labels=tag_labels,
        supports=frozenset(supports),
        chat=language_model == "causal" and network.chat.available,
        chat_template=network.chat.template_digest,
        chat_form=network.chat.form,
        bos=network.encoder.whole_beginning if network.causal else network.encoder.beginning,
        tokenizer_digest=digest([tokenizer_digest(worded, template=False), tokens_digest(network.encoder)]),
        pooling=None if own_pooling is None else own_pooling.chain,
        prompts=() if own_pooling is None else tuple(own_pooling.prompts),
        default_prompt=None if own_pooling is None else own_pooling.default_prompt,
        similarity="cosine" if own_pooling is None else own_pooling.similarity,
        dtype=dtype,
        device=str(policy["device"]),
        max_length=network.max_length,
        parameters=network.parameters,
        notes=(
            *loaded.notes,
            *notes,
            *(() if own_pooling is None else own_pooling.notes),
            *(network.chat.notes if language_model == "causal" else ()),
        ),
        answer_key=answer_key,
    )
    return TransformersBackend(network, facts, context.reporter, load_modules(own_pooling))


def _adapted(
    base: Path, folder: Path, labels: int | None, pool: Bases, context: OpenContext, *, device: str, dtype: str
) -> Loaded:
    """An adapter on the base in memory where it can be switched off without a trace, else on one of its own."""
    plan = plan_adapter(folder, labels)
    shared = None if plan.changes is None else pool.base(base, device=device, dtype=dtype, quantize=context.quantize)
    if shared is not None and can_share(shared, plan):
        try:
            loaded = attach(shared, base, folder, plan)
        except CheckpointError:
            pool.forget()  # peft may have changed it before it found the fault
            raise
    else:
        del shared
        own = pool.base_of_its_own(base, device=device, dtype=dtype, quantize=context.quantize)
        loaded = attach_alone(own, base, folder, plan)
    if NO_EFFECT in loaded.notes:
        context.reporter.warn(shown(f"{folder}: {NO_EFFECT}"))
    return loaded


def _labels(
    network: Network, named: tuple[str, ...] | None, configured: Mapping[Head, tuple[str, ...] | None]
) -> tuple[tuple[str, ...] | None, tuple[str, ...] | None, list[str]]:
    """Labels of the sequence head, labels of the token head, and what to tell."""
    notes: list[str] = []
    labels_by_head: dict[Head, tuple[str, ...] | None] = {"sequence": None, "token": None}
    for head in labels_by_head:
        if head not in network.heads:
            continue
        labels_by_head[head] = labels = configured[head]
        rows = int(network.heads[head].config.num_labels)
        if named is not None and len(named) == rows:
            labels_by_head[head] = named
        elif named is not None:
            notes.append(f"{len(named)} labels were named, but the {_NAMES[head]} head has {rows}")
        elif labels is not None and all(label.startswith("LABEL_") for label in labels):
            notes.append(
                f"the {_NAMES[head]} head's labels have no names (LABEL_0, …); map them by the task's `head_labels`"
            )
        named = None
    return labels_by_head["sequence"], labels_by_head["token"], notes

"""How likely the reference text is after its prompt, token by token; nothing is written."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar

from harness.core.dataset import Dataset, Row
from harness.core.evaluation import EvaluationContext, Item, ItemMeasure
from harness.core.model import ModelFacts
from harness.core.records import Record
from harness.core.requests import ChatForm, Failure, Likelihood, Request, Response, TargetLikelihood
from harness.evaluations.chat_options import turns_of
from harness.evaluations.record_builders import failed, outcome, truncated_tokens
from harness.evaluations.reference_base import ReferenceOptions, ReferenceTask

TARGET, CHAT_TARGET = "target_likelihood", "target_likelihood_chat"


class ReferenceLikelihoodOptions(ReferenceOptions):
    """The YAML of a reference-likelihood task."""


class ReferenceLikelihood(ReferenceTask[ReferenceLikelihoodOptions]):
    """Scores every token of the first reference, given the prompt and the tokens before it (teacher forcing).

    A causal model scores the reference's own tokens; a sequence-to-sequence model also the token that ends it, as its
    loss on labels does. A reference that does not fit into the model counts as failed.
    """

    Options: ClassVar[type[ReferenceLikelihoodOptions]] = ReferenceLikelihoodOptions
    kind: ClassVar[str] = "reference_likelihood"
    summary: ClassVar[str] = "How likely the reference texts are after their prompts, token by token."
    item_measures: ClassVar[tuple[ItemMeasure, ...]] = (
        ItemMeasure("nll_reference", "nats per token", "nats/token", "lower", per=("tokens_reference",)),
    )
    provides: ClassVar[tuple[str, ...]] = ("nll_reference", "tokens_reference", "bytes_reference", "target")
    default_metrics: tuple[str, ...] = ("target_bits_per_byte", "target_nats_per_token", "target_token_perplexity")

    def __init__(self, name: str, options: ReferenceLikelihoodOptions, context: EvaluationContext) -> None:
        super().__init__(name, options, context)

    def row_items(self, dataset: Dataset, row: Row) -> Iterator[Item]:
        """As of every such task; the reference stands first, since its tokens are what is shown."""
        for item in super().row_items(dataset, row):
            yield replace(item, texts={"reference": item.texts["reference"], "prompt": item.texts["text"]})

    def protocol(self, facts: ModelFacts) -> str | None:
        if TargetLikelihood.kind not in facts.supports:
            return None
        if not self.options.chat:
            return TARGET
        return CHAT_TARGET if self.asked.can_chat(facts) and facts.chat_likelihoods else None

    def unsupported(self, facts: ModelFacts) -> str:
        if TargetLikelihood.kind not in facts.supports:
            return f"it gives no likelihood of a text after a prompt (it is of the kind {facts.family})"
        if facts.chat and not facts.chat_likelihoods:
            return "its server gives no likelihood of a text after messages"
        return "it has no chat template, and the task requires one (`chat: true`)"

    def requests(self, item: Item, protocol: str) -> Sequence[Request]:
        first = item.payload["references"][0]
        if protocol == CHAT_TARGET:
            return [TargetLikelihood("", first, turns_of(item.payload), self.asked.form(item.payload))]
        return [TargetLikelihood(str(item.payload["prompt"]), self.separator + first, (), ChatForm())]

    def record(self, item: Item, protocol: str, responses: Sequence[Response]) -> Record:
        # What is cut is the prompt: a reference that does not fit has no likelihood.
        truncated, likelihood = truncated_tokens(responses), responses[0]
        if isinstance(likelihood, Failure):
            return failed(item, likelihood, truncated=truncated)
        if not isinstance(likelihood, Likelihood) or likelihood.tokens < 1:
            return failed(item, Failure("error", f"expected the likelihood of a text, found {likelihood!r}"))
        first = str(item.payload["references"][0])
        shift = 0 if protocol == CHAT_TARGET else len(self.separator)
        pieces = [
            [max(0, start - shift), max(0, end - shift), round(score, 3)] for start, end, score in likelihood.pieces
        ]
        shown: dict[str, Any] = {"log_likelihood": likelihood.total, "tokens": likelihood.tokens}
        return outcome(
            item,
            truncated=truncated,
            response={**shown, **({"pieces": pieces} if pieces else {})},
            stats=self._statistics(first, likelihood.total, likelihood.tokens),
        )

    def _statistics(self, text: str, total: float, tokens: int) -> Mapping[str, float]:
        return {
            "nll_reference": -total,
            "tokens_reference": float(tokens),
            "bytes_reference": float(len(text.encode("utf-8", "surrogatepass"))),
        }

"""Language modeling: how well a model predicts running text; forgetting is measured on it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar, Literal

from pydantic import Field

from harness.core.dataset import Dataset
from harness.core.digests import digest
from harness.core.errors import DataError
from harness.core.evaluation import Evaluation, Item, ItemMeasure
from harness.core.examples import PlainText
from harness.core.model import ModelFacts
from harness.core.records import Record
from harness.core.requests import (
    Failure,
    Likelihood,
    MaskedScorer,
    PseudoLikelihood,
    Request,
    Response,
    RollingLikelihood,
)
from harness.evaluations.columns import text_of
from harness.evaluations.item_measures import BITS_PER_BYTE
from harness.evaluations.record_builders import failed, outcome, truncated_tokens, whole_likelihood
from harness.evaluations.subsample import choose
from harness.schema.suite.data_refs import DataName
from harness.schema.suite.evaluation_options import EvaluationOptions
from harness.text.chunking import pieces

FORMAT = 2
PSEUDO, ROLLING = "pseudo_likelihood", "rolling_likelihood"
SCORER: MaskedScorer = "pll_word_l2r"
"""How pseudo-likelihoods are scored here: the plain `pll` favors tokenizers that split words more."""


class LanguageModelingOptions(EvaluationOptions):
    """The YAML of a language-modeling task."""

    data: DataName = Field(description="A name from the suite's `data`, or an inline dataset.")
    text: str = Field("text", description="Column with the text.")
    window: int = Field(
        24,
        ge=4,
        le=4096,
        description="Words per chunk; long texts are split at sentence or word boundaries, identically for all models.",
    )


class LanguageModeling(Evaluation):
    """Asks for the likelihood of each piece of text.

    One item is one piece; the pieces of a text share the cluster `document`. A piece that does
    not fit into a model counts as failed there: its likelihood would be one of a shorter text.
    """

    Options = LanguageModelingOptions
    role: ClassVar[Literal["task", "probe"]] = "task"
    kind: ClassVar[str] = "language_modeling"
    summary: ClassVar[str] = "How well the model predicts plain text."
    cluster_unit: ClassVar[str] = "document"
    item_measures: ClassVar[tuple[ItemMeasure, ...]] = (BITS_PER_BYTE,)
    provides: ClassVar[tuple[str, ...]] = ("nll", "tokens", "bytes", "words")
    options: LanguageModelingOptions
    default_metrics: tuple[str, ...] = (
        "pseudo_bits_per_byte",
        "pseudo_perplexity",
        "bits_per_byte",
        "word_perplexity",
    )

    @classmethod
    def data_names(cls, options: LanguageModelingOptions) -> tuple[DataName, ...]:
        return (options.data,)

    def spec(self) -> Mapping[str, Any]:
        return {
            "kind": self.kind,
            "format": FORMAT,
            "text": self.options.text,
            "window": self.options.window,
            "scorer": SCORER,
            "limit": self.options.limit,
        }

    def items(self, data: Sequence[Dataset], split: str) -> Iterator[Item]:
        """The pieces of each text, in the data's order.

        Raises:
            DataError: a missing column, an empty split, a row without text, or no text at all.
        """
        (dataset,) = data
        dataset.require(self.options.text)
        chosen = list(choose(self._pieces(dataset, split), self.options.limit, self.cluster_unit))
        if not chosen:
            raise DataError(
                f"data {dataset.name!r}: no text of the split {split!r} has a letter or digit.",
                hint=f"set the text column: `text: …` (now {self.options.text!r}).",
            )
        yield from chosen

    def protocol(self, facts: ModelFacts) -> str | None:
        return {"masked": PSEUDO, "causal": ROLLING}.get(facts.language_model or "")

    def unsupported(self, facts: ModelFacts) -> str:
        if facts.language_model is not None:
            return f"a {facts.language_model} model gives no likelihood of running text"
        return f"it has no language-model head (model family: {facts.family})"

    def examples(self, dataset: Dataset, split: str) -> list[PlainText]:
        """The whole texts of a split, for going on with pretraining on them (domain adaptation).

        Raises:
            DataError: a missing column, an empty split or a row without text.
        """
        dataset.require(self.options.text)
        return [PlainText(text_of(dataset, row, self.options.text)) for row in dataset.split(split)]

    def requests(self, item: Item, protocol: str) -> Sequence[Request]:
        text = item.payload["text"]
        if protocol == PSEUDO:
            return [PseudoLikelihood(text, SCORER, details=True)]
        return [RollingLikelihood(text, details=True)]

    def record(self, item: Item, protocol: str, responses: Sequence[Response]) -> Record:
        truncated = truncated_tokens(responses)
        likelihood = whole_likelihood(responses[0])
        if isinstance(likelihood, Failure):
            return failed(item, likelihood, truncated=truncated)
        text = item.payload["text"]
        return outcome(
            item,
            response={"log_likelihood": likelihood.total, "tokens": likelihood.tokens, **_by_token(likelihood)},
            stats={
                "nll": -likelihood.total,
                "tokens": float(likelihood.tokens),
                "bytes": float(len(text.encode("utf-8", "surrogatepass"))),
                "words": float(len(text.split())),
            },
        )

    def _pieces(self, dataset: Dataset, split: str) -> Iterator[Item]:
        for row in dataset.split(split):
            for number, text in enumerate(pieces(text_of(dataset, row, self.options.text), self.options.window)):
                payload = {"row": row.id, "piece": number, "text": text}
                yield Item(
                    id=digest(payload),
                    payload=payload,
                    texts={"text": text},
                    clusters={"document": row.cluster},
                    slices=row.slices,
                )


def _by_token(likelihood: Likelihood) -> dict[str, Any]:
    """Place and log-likelihood (nats, three decimals) of every scored token, for people to look at."""
    if not likelihood.pieces:
        return {}
    return {"pieces": [[start, end, round(score, 3)] for start, end, score in likelihood.pieces]}

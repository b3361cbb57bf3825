"""Embedding association (WEAT, SEAT): which of two sets of words lies nearer to which attributes?"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import Field, model_validator

from harness.core.dataset import Dataset
from harness.core.digests import digest
from harness.core.errors import DataError
from harness.core.evaluation import Item, ItemMeasure
from harness.core.model import ModelFacts
from harness.core.records import FloatArray, Record, Records
from harness.core.requests import Embed, Embedding, Failure, Request, Response
from harness.evaluations.columns import text_of
from harness.evaluations.item_measures import MARGIN
from harness.evaluations.probe_base import Probe
from harness.evaluations.probe_guards import UNKNOWN, unseen_words
from harness.evaluations.record_builders import failed, outcome, truncated_tokens
from harness.schema.suite.data_refs import DataName
from harness.schema.suite.evaluation_options import EvaluationOptions

PLACE = "{word}"
SETS = ("targets", "attributes")


_PROTOCOL = "embed_"


class EmbeddingAssociationOptions(EvaluationOptions):
    """The YAML of an embedding-association probe: two sets of targets, two of attributes."""

    targets: dict[str, list[str]] = Field(
        default_factory=dict, description="Two sets of words: the first is X, the second Y."
    )
    attributes: dict[str, list[str]] = Field(
        default_factory=dict, description="Two sets of words: the first is A, the second B."
    )
    words: DataName | None = Field(
        None, description="Dataset with the columns set (targets, attributes), group, and word, instead of both."
    )
    templates: list[str] = Field(
        default_factory=lambda: [PLACE],
        description="Sentences with {word}; vectors of several sentences are averaged (SEAT).",
    )
    pooling: Literal["mean", "first"] | None = Field(
        None,
        description="Mean of the last hidden states, or the first token's state. A sentence encoder's own by default, "
        "else the mean.",
    )

    @model_validator(mode="after")
    def _two_and_two(self) -> EmbeddingAssociationOptions:
        if self.words is None:
            for name in SETS:
                _check_sets(name, getattr(self, name))
        elif self.targets or self.attributes:
            raise ValueError("give `words`, or `targets` and `attributes`, not both")
        if not self.templates or any(template.count(PLACE) != 1 for template in self.templates):
            raise ValueError(f"expected templates with {PLACE} once each, found {self.templates}")
        return self


class EmbeddingAssociation(Probe[EmbeddingAssociationOptions]):
    """Embeds target and attribute words; one item is one target word.

    A word's vector is the mean over the templates of the sentences' vectors, each of length one. An
    item's association is its mean cosine with A minus that with B.
    """

    Options = EmbeddingAssociationOptions
    kind: ClassVar[str] = "embedding_association"
    summary: ClassVar[str] = "Which of two word sets is closer to which attributes in the embedding space (WEAT, SEAT)."
    cluster_unit: ClassVar[str] = "word"
    item_measures: ClassVar[tuple[ItemMeasure, ...]] = (MARGIN,)
    provides: ClassVar[tuple[str, ...]] = ("association", "in_x", "margin")
    default_metrics: tuple[str, ...] = ("weat_effect_size", "weat_p_value")
    caveats: ClassVar[tuple[str, ...]] = (
        (
            "Exploratory only: association tests are unreliable for contextual encoders (May et al. 2019), and say "
            "little about a model's behavior. Gate on a behavioral metric instead."
        ),
    )

    @classmethod
    def data_names(cls, options: EmbeddingAssociationOptions) -> tuple[DataName, ...]:
        return () if options.words is None else (options.words,)

    def spec(self) -> Mapping[str, Any]:
        """Without the limit, which would leave half a test."""
        return {"kind": self.kind, "format": self.format, **self.settings()}

    def settings(self) -> Mapping[str, Any]:
        options = self.options
        return {
            "targets": [[name, list(words)] for name, words in options.targets.items()],
            "attributes": [[name, list(words)] for name, words in options.attributes.items()],
            "words": options.words is not None,
            "templates": list(options.templates),
            "pooling": options.pooling,
        }

    def items(self, data: Sequence[Dataset], split: str) -> Iterator[Item]:
        """One item a target word.

        Raises:
            DataError: when the words of a table are not two sets of targets and two of attributes.
        """
        sets = {name: dict(getattr(self.options, name)) for name in SETS} if not data else _sets_of(data[0])
        (first, x), (second, y) = sets["targets"].items()
        attributes = list(sets["attributes"].values())
        for group, words, inside in ((first, x, True), (second, y, False)):
            for word in words:
                payload = {"word": word, "attributes": attributes, "in_x": inside}
                yield Item(
                    id=digest(payload),
                    payload=payload,
                    texts={"word": word},
                    clusters={"word": f"{group}/{word}"},
                    slices=(f"targets={group}",),
                )

    def frame(self, item: Item) -> tuple[str, str]:
        """All target words are asked alike."""
        return "targets", item.payload["word"]

    def answer_warnings(self, records: Records) -> list[str]:
        """Words that the model does not know: target words fail, attribute words are left out."""
        shown = [json.loads(text) for text in records.texts("response") if text]
        left = max((response.get("attributes_unseen", 0) for response in shown), default=0)
        return [
            *super().answer_warnings(records),
            *(
                [f"{left} attribute words are left out: to this model they are unknown or the same tokens."]
                if left
                else []
            ),
        ]

    def protocol(self, facts: ModelFacts) -> str | None:
        pooling = self.options.pooling or facts.pooling or "mean"
        return f"{_PROTOCOL}{pooling}" if Embed.kind in facts.supports else None

    def unsupported(self, facts: ModelFacts) -> str:
        return f"it provides no text embeddings (it is of the kind {facts.family})"

    def requests(self, item: Item, protocol: str) -> Sequence[Request]:
        a, b = item.payload["attributes"]
        words = [item.payload["word"], *a, *b]
        pooling = protocol.removeprefix(_PROTOCOL)
        return [Embed(template.replace(PLACE, word), pooling) for word in words for template in self.options.templates]

    def record(self, item: Item, protocol: str, responses: Sequence[Response]) -> Record:
        truncated = truncated_tokens(responses)
        per = len(self.options.templates)
        vectors: list[FloatArray] = []
        for start in range(0, len(responses), per):
            vector = _mean_vector(responses[start : start + per])
            if isinstance(vector, Failure):
                return failed(item, vector, truncated=truncated)
            vectors.append(vector)
        a, b = item.payload["attributes"]
        unseen = unseen_words(responses, [item.payload["word"], *a, *b])
        if unseen[0]:
            return failed(item, unseen[0], truncated=truncated)
        cosines = [
            None if fault else float(vectors[0] @ other) for other, fault in zip(vectors[1:], unseen[1:], strict=True)
        ]
        near, far = ([value for value in side if value is not None] for side in (cosines[: len(a)], cosines[len(a) :]))
        if not near or not far:
            return failed(item, Failure("no_token", UNKNOWN), truncated=truncated)
        association = math.fsum(near) / len(near) - math.fsum(far) / len(far)
        return outcome(
            item,
            margin=association,
            truncated=truncated,
            response={"association": association, "attributes_unseen": sum(fault is not None for fault in unseen[1:])},
            stats={"association": association, "in_x": float(item.payload["in_x"]), "margin": association},
        )


def _mean_vector(responses: Sequence[Response]) -> FloatArray | Failure:
    total: FloatArray | None = None
    for response in responses:
        if isinstance(response, Failure):
            return response
        if not isinstance(response, Embedding):
            return Failure("error", f"expected a vector, found {response!r:.80}")
        vector = _unit(np.asarray(response.values, dtype=np.float64))
        if vector is None:
            return Failure("nan", "the model gave a vector without a direction")
        total = vector if total is None else total + vector
    mean = None if total is None else _unit(total)
    return Failure("nan", "the templates' vectors cancel") if mean is None else mean


def _unit(vector: FloatArray) -> FloatArray | None:
    length = float(np.linalg.norm(vector))
    return vector / length if math.isfinite(length) and length > 0 else None


def _sets_of(table: Dataset) -> dict[str, dict[str, list[str]]]:
    sets: dict[str, dict[str, list[str]]] = {name: {} for name in SETS}
    for column in ("set", "group", "word"):
        table.require(column)
    for rows in table.rows.values():
        for row in rows:
            name, group, word = (text_of(table, row, column, empty=False) for column in ("set", "group", "word"))
            if name not in sets:
                raise DataError(f"{table.place(row)}: `set` is {name!r}, expected one of {SETS}.")
            sets[name].setdefault(group, []).append(word)
    for name, words in sets.items():
        try:
            _check_sets(name, words)
        except ValueError as error:
            raise DataError(f"data {table.name!r}: {error}.") from error
    return sets


def _check_sets(name: str, sets: Mapping[str, Sequence[str]]) -> None:
    if len(sets) != 2:
        raise ValueError(f"`{name}` needs two sets of words, found {len(sets)}")
    words = [word.strip() for members in sets.values() for word in members]
    if any(not members for members in sets.values()) or "" in words or len(set(words)) != len(words):
        raise ValueError(f"`{name}` needs words that are not empty, each in one set and once")

"""Vectors of sentences: by which protocol an encoder is asked, and the similarity of two of its answers.

A protocol is `cosine_POOLING` (or `dot_POOLING`, where the encoder says so), with the names of the encoder's prompts
behind it: `cosine_mean ["sts"]`, `cosine_mean ["query", "document"]`.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np

from harness.core.model import ModelFacts
from harness.core.requests import Embed, Embedding, Failure, Response

Similarity = Literal["cosine", "dot"]


class Vectors(NamedTuple):
    """How texts become vectors, and how these are compared.

    Attributes:
        prompts: the name of a prompt for each role of a text; empty for none.
    """

    similarity: Similarity
    pooling: str
    prompts: tuple[str, ...]


def embedding_protocol(facts: ModelFacts, prompts: Sequence[str | None] = (None,)) -> str | None:
    """The protocol of an encoder; None for a model that gives no vectors.

    Args:
        prompts: for each role of a text the name of the encoder's prompt; its default one where it is None.
    """
    if Embed.kind not in facts.supports:
        return None
    names = [(facts.default_prompt or "") if name is None else name for name in prompts]
    shown = f" {json.dumps(names, ensure_ascii=False)}" if any(names) else ""
    return f"{facts.similarity}_{facts.pooling or 'mean'}{shown}"


def vectors_of(protocol: str, roles: int = 1) -> Vectors | None:
    """Reads a protocol; None where it is none of vectors."""
    similarity, _, rest = protocol.partition("_")
    if similarity not in ("cosine", "dot"):
        return None
    pooling, _, shown = rest.partition(" ")
    names = json.loads(shown) if shown else []
    return Vectors("cosine" if similarity == "cosine" else "dot", pooling, (*names, *[""] * (roles - len(names))))


def similarity_of(first: Response, second: Response, similarity: Similarity) -> float | Failure:
    """The similarity of two vectors, or why there is none."""
    sides = []
    for response in (first, second):
        if isinstance(response, Failure):
            return response
        if not isinstance(response, Embedding):
            return Failure("error", f"expected a vector, found {response!r:.80}")
        sides.append(np.asarray(response.values, dtype=np.float64))
    product = float(sides[0] @ sides[1])
    if similarity == "dot":
        return product
    norms = float(np.linalg.norm(sides[0]) * np.linalg.norm(sides[1]))
    return product / norms if norms else Failure("nan", "the model gave a vector without a direction")

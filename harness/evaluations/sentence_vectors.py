"""Vectors of sentences: by which protocol an encoder is asked, and the cosine of two of its answers."""

from __future__ import annotations

import json

import numpy as np

from harness.core.model import ModelFacts
from harness.core.requests import Embed, Embedding, Failure, Response

COSINE = "cosine_"


def embedding_protocol(facts: ModelFacts, prompt: str | None = None) -> str | None:
    """`cosine_POOLING`, with the name of the prompt before each text; None for a model that gives no vectors.

    Args:
        prompt: a name among the encoder's own prompts; its default one when left out.
    """
    if Embed.kind not in facts.supports:
        return None
    name = facts.default_prompt if prompt is None and facts.default_prompt else prompt
    return COSINE + (facts.pooling or "mean") + ("" if not name else f" {json.dumps(name, ensure_ascii=False)}")


def pooling_of(protocol: str) -> tuple[str, str]:
    """The pooling and the name of the prompt in a protocol."""
    pooling, _, prompt = protocol.removeprefix(COSINE).partition(" ")
    return pooling, json.loads(prompt) if prompt else ""


def cosine(first: Response, second: Response) -> float | Failure:
    """The cosine of two vectors, or why there is none."""
    sides = []
    for response in (first, second):
        if isinstance(response, Failure):
            return response
        if not isinstance(response, Embedding):
            return Failure("error", f"expected a vector, found {response!r:.80}")
        sides.append(np.asarray(response.values, dtype=np.float64))
    norms = float(np.linalg.norm(sides[0]) * np.linalg.norm(sides[1]))
    if sides[0].shape != sides[1].shape or not norms:
        return Failure("nan", "the model gave a vector without a direction")
    return float(sides[0] @ sides[1]) / norms

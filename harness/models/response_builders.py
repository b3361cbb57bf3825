"""Numbers → responses, for every kind of model; a value that is not a number becomes a failure."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from harness.core.errors import unknown
from harness.core.records import FloatArray
from harness.core.requests import (
    Classify,
    Completions,
    Embedding,
    Failure,
    Generated,
    InputMark,
    Likelihood,
    Ranking,
    Response,
    Scores,
)


def likelihood(total: float, tokens: int, truncated: int, unknown: int = 0) -> Likelihood | Failure:
    """The likelihood, or a failure when it is not a number; `unknown` tokens are those of no known text."""
    if not math.isfinite(total):
        return Failure("nan", f"the log-likelihood is {total}")
    return Likelihood(total, tokens, truncated, unknown=unknown)


def detailed(answer: Likelihood, offsets: Sequence[tuple[int, int]], values: FloatArray) -> Likelihood:
    """The answer with each scored token's own log-likelihood and place in the text."""
    pieces = tuple((start, end, float(value)) for (start, end), value in zip(offsets, values, strict=True))
    return dataclasses.replace(answer, pieces=pieces)


def scores(values: Sequence[float], truncated: int) -> Scores | Failure:
    """The scores, or a failure when one of them is not a number."""
    if not all(map(math.isfinite, values)):
        return Failure("nan", f"the log-probabilities are {', '.join(map(str, values))}")
    return Scores(tuple(values), truncated)


def with_inputs(response: Response, *marks: InputMark) -> Response:
    """The response with what the model read for it; a failure as it is."""
    if isinstance(response, Scores | Likelihood | Embedding | Completions | Generated):
        return dataclasses.replace(response, inputs="|".join(map(str, marks)))
    return response


def best_documents(similarities: npt.NDArray[np.floating], top: int, truncated: int = 0) -> Ranking | Failure:
    """The places of the `top` highest similarities, compared as 32-bit floats; ties stand in the pool's order."""
    values = similarities.astype(np.float32)
    if not np.isfinite(values).all():
        return Failure("nan", "a similarity is not a number")
    order = np.argsort(-values, kind="stable")[:top]
    return Ranking(tuple(order.tolist()), tuple(values[order].tolist()), truncated)


def choose(request: Classify, labels: Sequence[str], values: FloatArray, truncated: int) -> Response:
    """The asked labels' log-probabilities, in the order that was asked."""
    asked = request.labels
    if request.head_labels is not None and set(request.head_labels) == set(labels):
        asked = request.head_labels
    missing = [label for label in asked if label not in labels]
    if missing:
        return Failure("unsupported", unknown("label of the model", missing[0], labels))
    return scores([float(values[labels.index(label)]) for label in asked], truncated)


def plain_question(request: Classify, *, pairs: bool = False) -> Failure | None:
    """A failure for what a plain classifier cannot answer: independent labels and, unless `pairs`, two texts."""
    if request.pair is not None and not pairs:
        return Failure("unsupported", "this kind of classifier reads one text, not a pair")
    if request.independent:
        return Failure("unsupported", "this kind of classifier chooses one label; its labels are not independent")
    return None


def log_sigmoid(logits: FloatArray) -> FloatArray:
    """Log of the sigmoid of each logit, in float64."""
    result: FloatArray = -np.logaddexp(0.0, -logits)
    return result


def log_softmax(logits: FloatArray) -> FloatArray:
    """Log-probabilities of logits [..., K] in float64."""
    shifted = logits - logits.max(axis=-1, keepdims=True)
    result: FloatArray = shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    return result

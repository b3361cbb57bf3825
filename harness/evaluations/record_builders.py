"""From responses to records: what did not work never becomes a number."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from harness.core.digests import digest
from harness.core.evaluation import Item
from harness.core.records import FAILED, OK, UNREAD, Record
from harness.core.requests import Failure, Likelihood, Response, Scores


def outcome(
    item: Item,
    *,
    stats: Mapping[str, float],
    response: Mapping[str, Any],
    prediction: str | None = None,
    margin: float | None = None,
    tied: bool = False,
    truncated: int = 0,
) -> Record:
    """The record of an item that was answered and read."""
    return _record(
        item,
        status=OK,
        stats=stats,
        response=response,
        prediction=prediction,
        margin=margin,
        tied=tied,
        truncated=truncated,
    )


def failed(item: Item, failure: Failure, *, truncated: int = 0) -> Record:
    """The record of an item without an answer; the reason stands in its response."""
    return _record(item, status=FAILED, response=failure.to_json(), truncated=truncated)


def unread(item: Item, response: Mapping[str, Any], *, truncated: int = 0, finish: str | None = None) -> Record:
    """The record of an item whose answer cannot be read: counted, and part of no figure."""
    return _record(item, status=UNREAD, response=response, truncated=truncated, finish=finish)


def item_digest(item: Item) -> str:
    """Digest of what an item asks about: its payload and its target."""
    return digest({"payload": dict(item.payload), "target": item.target})


def scores(response: Response, expected: int) -> tuple[float, ...] | Failure:
    """The values of a `Scores` response; a failure when it is none, has NaN or another length."""
    if isinstance(response, Failure):
        return response
    if not isinstance(response, Scores) or len(response.values) != expected:
        return Failure("error", f"expected {expected} scores, found {response!r}")
    if any(math.isnan(value) or value == math.inf for value in response.values):
        return Failure("nan", "the model returned a score that is not a number")
    return response.values


def whole_likelihood(response: Response) -> Likelihood | Failure:
    """A likelihood that covers its whole text; else a failure that says what is missing.

    A text of which some tokens were left out has a likelihood of another text: no figure for a
    byte, a word or a sentence may come from it.
    """
    if isinstance(response, Failure):
        return response
    if not isinstance(response, Likelihood):
        return Failure("error", f"expected a likelihood, found {response!r}")
    if not math.isfinite(response.total):
        return Failure("nan", "the model returned a likelihood that is not finite")
    if response.truncated:
        return Failure("too_long", f"{response.truncated} tokens of the text exceed the model's length limit")
    if response.tokens < 1:
        return Failure("no_token", "the text has no token to score")
    return response


def truncated_tokens(responses: Sequence[Response]) -> int:
    """Tokens that did not fit, over all responses of an item."""
    return sum(response.truncated for response in responses)


def _record(item: Item, **fields: Any) -> Record:
    return Record(
        item_id=item.id,
        item_digest=item_digest(item),
        clusters=item.clusters,
        slices=item.slices,
        tags=item.tags,
        overlap=item.overlap,
        target=item.target,
        **fields,
    )

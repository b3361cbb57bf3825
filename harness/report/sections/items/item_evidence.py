"""What a response shows of an item beyond its answer: likelihoods by token, scores by text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from harness.report.view.item_columns import Side
from harness.schema.results import number_format

_SHOWN = frozenset({"more", "predictions", "pieces"})


def extras(kind: str, responses: Sequence[dict[str, Any]], fields: int, whole: int) -> dict[str, Any]:
    """Extra facts of one item for the page.

    Args:
        responses: one a model, empty where it has none.
        fields: how many texts the item has.
        whole: characters of the first text where it is shown as it is, else 0.

    Returns:
        `cells`: per text, per model, a short figure; `tokens`: per model, [start, end, nats] of each
        token of the first text.
    """
    out: dict[str, Any] = {}
    cells = [_cells(kind, response, fields) for response in responses]
    if any(any(row) for row in cells):
        out["cells"] = [[row[field] for row in cells] for field in range(fields)]
    pieces = [_pieces(response, whole) for response in responses]
    if any(pieces):
        out["tokens"] = pieces
    return out


def shown_keys(side: Side) -> frozenset[str]:
    """What a model's responses hold that `extras` shows, judged by the first of them."""
    first = side.responses(range(min(8, len(side.rows))))
    return _SHOWN.intersection(key for response in first for key in response)


def _cells(kind: str, response: dict[str, Any], fields: int) -> list[str]:
    empty = [""] * fields
    if kind == "minimal_pairs":
        return [_nats(response.get("more")), _nats(response.get("less")), *empty][:fields]
    scores, answers = response.get("scores"), response.get("predictions")
    if isinstance(scores, list) and isinstance(answers, list) and len(scores) == len(answers):
        pairs = zip(answers, scores, strict=True)
        return [*(f"{answer} ({_number(score)})" for answer, score in pairs), *empty][:fields]
    return empty


def _nats(value: Any) -> str:
    return f"{number_format.fixed(float(value), 2)} nats" if isinstance(value, int | float) else ""


def _number(value: Any) -> str:
    return number_format.fixed(float(value), 2, sign=True) if isinstance(value, int | float) else "–"


def _pieces(response: dict[str, Any], end: int) -> list[Any]:
    """[start, end, nats] of the tokens inside the shown text."""
    pieces = response.get("pieces")
    if not isinstance(pieces, list):
        return []
    return [
        [int(piece[0]), int(piece[1]), round(float(piece[2]), 2)]
        for piece in pieces
        if isinstance(piece, list) and len(piece) == 3 and piece[1] <= end
    ]


def readable(values: Sequence[str], most: int, length: int) -> bool:
    """Whether values can stand in a list of choices: few and short."""
    return len(values) <= most and all(len(value) <= length for value in values)

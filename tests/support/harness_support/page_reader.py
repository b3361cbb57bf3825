"""Reads the data of a page back, independently of the page's script."""

from __future__ import annotations

import base64
import gzip
import json
import re
from dataclasses import dataclass
from typing import Any

import numpy as np

_SCRIPT = re.compile(r'<script type="application/json" id="([\w-]+)">(.*?)</script>', re.DOTALL)


@dataclass
class Items:
    """One evaluation: columns in the page's order; `sides` holds (answers, correct, value) by model."""

    head: dict[str, Any]
    ids: list[str]
    target: list[str | None]
    sides: dict[str, tuple[list[str | None], Any, Any]]
    inside: Any
    rows: list[Any]


def unpacked(text: str) -> Any:
    return json.loads(gzip.decompress(base64.b64decode(text)))


def scripts(page: str) -> dict[str, Any]:
    return {name: json.loads(text) for name, text in _SCRIPT.findall(page)}


def items_of(page: str) -> list[Items]:
    blocks = scripts(page)
    out = []
    for index, head in enumerate(blocks["data"]["items"]):
        columns = unpacked(blocks[f"items-{index}"]["columns"])

        def named(codes: list[int | None], answers: list[str] = head["answers"]) -> list[str | None]:
            return [None if code is None or code >= len(answers) else answers[code] for code in codes]

        sides = {
            model: (named(side["answer"]), *(np.array(side[key], dtype=float) for key in ("correct", "value")))
            for model, side in zip(head["models"], columns["sides"], strict=True)
        }
        sets, place = columns["slices"]
        inside = np.array([[k in sets[at] for at in place] for k in range(len(head["slices"]))], dtype=bool)
        lengths = {len(columns["ids"]), len(columns["target"]), len(place)}
        lengths |= {len(column) for side in columns["sides"] for column in side.values()}
        assert lengths == {head["total"]}
        rows = unpacked(blocks[f"items-{index}"]["texts"])
        out.append(Items(head, columns["ids"], named(columns["target"]), sides, inside, rows))
    return out


def deferred_of(page: str) -> dict[str, list[str]]:
    """The parts of other candidates that wait in the page."""
    text = scripts(page)["data"]["later"]
    return unpacked(text) if text else {}

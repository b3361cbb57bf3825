"""Reads the data of a page back, independently of the page's script."""

from __future__ import annotations

import base64
import json
import re
import zlib
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


def inflate(text: str) -> bytes:
    return zlib.decompress(base64.b64decode(text))


def scripts(page: str) -> dict[str, Any]:
    return {name: json.loads(text) for name, text in _SCRIPT.findall(page)}


def planes(data: bytes, start: int, n: int, width: int, kind: str) -> Any:
    block = np.frombuffer(data, np.uint8, n * width, start).reshape(width, n)
    return np.ascontiguousarray(block.T).view(kind).reshape(-1)


def items_of(page: str) -> list[Items]:
    blocks = scripts(page)
    out = []
    for index, head in enumerate(blocks["data"]["items"]):
        blobs, n = blocks[f"items-{index}"], head["total"]
        numbers = inflate(blobs["numbers"])

        def named(codes: Any, answers: list[str] = head["answers"]) -> list[str | None]:
            return [answers[code] if code < len(answers) else None for code in codes]

        at, sides = 2 * n, {}
        for model in head["models"]:
            answer = named(planes(numbers, at, n, 2, "<u2"))
            correct = np.frombuffer(numbers, np.uint8, n, at + 2 * n)
            sides[model] = (answer, correct, planes(numbers, at + 3 * n, n, 4, "<f4"))
            at += 7 * n
        assert at == len(numbers)
        bits = np.frombuffer(inflate(blobs["slices"]), np.uint8).reshape(len(head["slices"]), (n + 7) // 8)
        inside = np.unpackbits(bits, axis=1, bitorder="little")[:, :n].astype(bool)
        target = named(planes(numbers, 0, n, 2, "<u2"))
        out.append(
            Items(head, json.loads(inflate(blobs["ids"])), target, sides, inside, json.loads(inflate(blobs["texts"])))
        )
    return out


def later_of(page: str) -> dict[str, list[str]]:
    """The parts of other candidates that wait in the page."""
    text = scripts(page)["data"]["later"]
    return json.loads(inflate(text)) if text else {}

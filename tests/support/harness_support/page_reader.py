"""Reads the data of a page back, independently of the page's script."""

from __future__ import annotations

import base64
import gzip
import json
import re
from dataclasses import dataclass
from html.parser import HTMLParser
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
    for index, head in enumerate(blocks["payload"]["items"]):
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


def waiting_of(page: str) -> dict[str, Any]:
    """What the page builds later: markup by tab, and the parts of other pairs."""
    return unpacked(scripts(page)["payload"]["later"])


def whole_page(page: str, pair: str | None = None) -> str:
    """The page with every tab built, and the parts of a pair; else those that are shown at first."""
    waiting = waiting_of(page)
    for name, markup in waiting["tabs"].items():
        head = re.search(rf'<section id="{name}" class="tab"[^>]*>.*?</h2>', page)
        assert head is not None
        page = page[: head.end()] + markup + page[head.end() :]
    for place, part in enumerate(waiting["parts"].get(pair, [])):
        page = page.replace(f'<template data-part="{pair}/{place}"></template>', part)
    return page


class Page(HTMLParser):
    """The tags, texts, scripts and styles of a page."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.inside: dict[str, list[str]] = {"script": [], "style": []}
        self.open: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag in self.inside:
            self.inside[tag].append("")
        self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        while self.open and self.open.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] in self.inside:
            self.inside[self.open[-1]][-1] += data
        else:
            self.texts.append(data)

    def ids(self, tag: str) -> list[str | None]:
        return [attributes.get("id") for name, attributes in self.tags if name == tag]

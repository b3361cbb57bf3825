"""The parts of the page that show one candidate: those of the release stand in it, the others wait, compressed.

A run with many candidates would else be mostly markup that nobody looks at. An empty `<template>` keeps the
place of a waiting part; the script fills it when its candidate is chosen.
"""

from __future__ import annotations

from collections.abc import Set

from markupsafe import Markup

from harness.report.view.run_view import ModelPair, RunView
from harness.report.web.item_data import compress


class DeferredSections:
    """Takes the parts of the pairs that are not shown at first out of the page while it is rendered.

    Attributes:
        waiting: pair → its parts in the page's order.
    """

    def __init__(self, shown: Set[str]) -> None:
        self._shown = shown
        self.waiting: dict[str, list[str]] = {}

    @classmethod
    def of(cls, view: RunView) -> DeferredSections:
        """Shows the parts of the release models, else those of the first pair."""
        release = [pair.key for pair in view.contests if pair.release]
        return cls(frozenset(release or [pair.key for pair in view.contests[:1]]))

    def place(self, pair: ModelPair, content: Markup) -> Markup:
        """What stands in the page for a part: the part itself, or the template that waits for it."""
        if pair.key in self._shown or not content.strip():
            return content.strip()
        parts = self.waiting.setdefault(pair.key, [])
        parts.append(content.strip())
        return Markup('<template data-part="{}/{}"></template>').format(pair.key, len(parts) - 1)

    def compressed(self) -> str:
        """The waiting parts as gzipped JSON in base64; empty without any."""
        return compress(self.waiting) if self.waiting else ""

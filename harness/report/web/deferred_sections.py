"""What the page builds when it is asked for: tabs when they are opened, parts of a pair when it is chosen.

All of it waits as compressed markup. In the summary and in the tabs an empty `<template>` keeps the place of the
part of every pair that is not shown at first.
"""

from __future__ import annotations

from collections.abc import Mapping, Set

from markupsafe import Markup

from harness.report.view.run_view import ModelPair, RunView
from harness.report.web.item_data import compress


class DeferredSections:
    """Takes the parts of the pairs that are not shown at first out of the markup while it is rendered.

    Attributes:
        waiting: pair → its parts in the order of rendering.
    """

    def __init__(self, shown: Set[str]) -> None:
        self._shown = shown
        self.waiting: dict[str, list[str]] = {}

    @classmethod
    def of(cls, view: RunView) -> DeferredSections:
        """Shows the parts of the first pair, which is that of the release where there is one."""
        return cls(frozenset(pair.key for pair in view.contests[:1]))

    def place(self, pair: ModelPair, content: Markup) -> Markup:
        """What stands in the page for a part: the part itself, or the template that waits for it."""
        if pair.key in self._shown or not content.strip():
            return content.strip()
        parts = self.waiting.setdefault(pair.key, [])
        parts.append(content.strip())
        return Markup('<template data-part="{}/{}"></template>').format(pair.key, len(parts) - 1)

    def compressed(self, tabs: Mapping[str, str]) -> str:
        """The tabs and the waiting parts as gzipped JSON in base64."""
        return compress({"tabs": dict(tabs), "parts": self.waiting})

"""An item with the record of one model's answer to it, read from another tool's log."""

from __future__ import annotations

from dataclasses import dataclass

from harness.core.evaluation import Item
from harness.core.records import Record


@dataclass(frozen=True, slots=True)
class Answered:
    """One item that a model answered under another tool.

    Attributes:
        prompt: digest of what was asked; another one means other examples, template or description.
    """

    item: Item
    record: Record
    protocol: str
    prompt: str

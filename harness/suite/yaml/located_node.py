"""A value of a YAML file with its place."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from harness.core.errors import Key

MAX_SIZE = 50_000
MAX_DEPTH = 40
TEXT_UNIT = 20


@dataclass(slots=True)
class Node:
    """A value of the file.

    Attributes:
        line, column: count from 1.
        size: values below and including this one, with aliases counted as what they stand for and
            long texts once for every `TEXT_UNIT` characters; at most `MAX_SIZE`.
        children, keys: what stands below, and the places of a mapping's keys.
    """

    line: int
    column: int
    value: Any = None
    size: int = 1
    children: dict[Key, Node] = field(default_factory=dict)
    keys: dict[Key, tuple[int, int]] = field(default_factory=dict)
    collection: bool = False

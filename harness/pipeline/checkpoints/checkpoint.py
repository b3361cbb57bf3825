"""A checkpoint in the store."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.model_kinds.stored_kind import NAME as STORED

if TYPE_CHECKING:
    from harness.models.server.open_server import Served


CHECKPOINTS = "checkpoints"


@dataclass(frozen=True)
class Checkpoint:
    """A model of the suite, ready to be opened.

    Attributes:
        key: content key of the lineage (trained) or of the files (loaded).
        digest: content digest of what answers: weights, configuration, tokenizer.
        seed: the training seed; 0 for what was loaded.
        meta: what the stage reported; `measured` inside holds times, the rest is deterministic.
        in_place: whether it lies where somebody else put it, and is named by its path.
        server: what the suite's own entry names, for a model behind a server; nothing else leads to one.
    """

    model: str
    path: Path
    key: str
    digest: str
    made_by: str
    meta: Mapping[str, Any] = field(default_factory=dict)
    cached: bool = True
    seconds: float = 0.0
    seed: int = 0
    in_place: bool = False
    server: Served | None = None

    @property
    def stored(self) -> bool:
        """Whether records of a stored run answer for it; `path` is that run then."""
        return self.made_by == STORED

    @property
    def weightless(self) -> bool:
        """Whether no folder here holds what answers: it is behind a server, or in a stored run."""
        return self.stored or self.server is not None

    @property
    def source(self) -> Path | Served:
        """What `open_model` opens."""
        return self.path if self.server is None else self.server

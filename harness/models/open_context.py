"""What every kind of model is opened with."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from harness.core.reporter import Reporter, Silent
from harness.models.checkpoint.checkpoint_digest import Resolve
from harness.storage.response_cache import ResponseFile

if TYPE_CHECKING:
    from harness.models.local.load_network import Loaded


class Bases(Protocol):
    """What loads the base of a model, or has it in memory."""

    def base(self, folder: Path, *, device: str, dtype: str, quantize: str | None = None) -> Loaded:
        """The base.

        Raises:
            CheckpointError, IncompleteError: as `load_network.load`.
        """
        ...

    def base_of_its_own(self, folder: Path, *, device: str, dtype: str, quantize: str | None = None) -> Loaded:
        """A base that nobody else gets, so that its user may change it.

        Raises:
            CheckpointError, IncompleteError: as `load_network.load`.
        """
        ...

    def forget(self) -> None:
        """Keeps no base any longer."""
        ...


@dataclass(frozen=True, slots=True)
class OpenContext:
    """How a model is opened: the argument of `open_model`, and of the opener of a `CheckpointFormat`.

    Attributes:
        resolve: gives a parent checkpoint's folder by its key (adapters, linear heads).
        responses: SQLite file of known responses, shared between models and processes; None to keep nothing.
        device: `auto`, `cpu`, `cuda` or `mps`.
        reporter: told about shrinking batches and damaged files.
        pool: keeps a base in memory for several models; None to load each on its own.
        labels: names for the classification head's rows, in order. They go before those of checkpoint.json, and those
            before config.json's `id2label`, which may be the meaningless LABEL_0, LABEL_1, ….
        quantize: `4bit` or `8bit`: how the weights of a base are held; None for the device's own type.
        batch_tokens: tokens in a batch, padding included; the device's own budget when None. Changes no answer beyond
            rounding.
    """

    resolve: Resolve
    responses: ResponseFile | None = None
    device: str = "auto"
    reporter: Reporter = field(default_factory=Silent)
    labels: tuple[str, ...] | None = None
    batch_tokens: int | None = None
    pool: Bases | None = None
    quantize: str | None = None

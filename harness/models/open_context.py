"""What every kind of model is opened with."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from harness.core.reporter import Reporter
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
    """The arguments of `open_model`, as the opener of a `CheckpointFormat` gets them.

    Attributes:
        resolve: gives a parent checkpoint's folder by its key.
        responses: the file of known responses, or None.
        device: `auto`, `cpu`, `cuda` or `mps`.
        reporter: told about shrinking batches and damaged files.
        pool: keeps a base in memory for several models; None to load each on its own.
        labels: names for the classification head's rows, in order, where the folder has none.
        quantize: `4bit` or `8bit`: how the weights of a base are held; None for the device's own type.
        batch_tokens: tokens in a batch, padding included; the device's own budget when None.
    """

    resolve: Resolve
    responses: ResponseFile | None
    device: str
    reporter: Reporter
    labels: tuple[str, ...] | None = None
    batch_tokens: int | None = None
    pool: Bases | None = None
    quantize: str | None = None

"""One base in memory for all who can share it: itself, its LoRA adapters, its linear heads."""

from __future__ import annotations

from pathlib import Path

from harness.models.local.load_network import Loaded, load


class BasePool:
    """Keeps the last base that was loaded; another one takes its place.

    Files are taken to stay as they are while the pool is in use.
    """

    def __init__(self) -> None:
        self._key: tuple[str, str, str, str | None] | None = None
        self._loaded: Loaded | None = None
        self.loads = 0

    def base(self, folder: Path, *, device: str, dtype: str, quantize: str | None = None) -> Loaded:
        """The base, loaded when it is not the one in memory.

        Raises:
            CheckpointError, IncompleteError: as `load`.
        """
        key = (str(folder.resolve()), device, dtype, quantize)
        if self._loaded is None or key != self._key:
            self.forget()
            self._loaded = load(folder, device=device, dtype=dtype, quantize=quantize)
            self._key = key
            self.loads += 1
        return self._loaded

    def base_of_its_own(self, folder: Path, *, device: str, dtype: str, quantize: str | None = None) -> Loaded:
        """A base that nobody else gets: its user may change it. The one in memory makes room.

        Raises:
            CheckpointError, IncompleteError: as `load`.
        """
        self.forget()
        self.loads += 1
        return load(folder, device=device, dtype=dtype, quantize=quantize)

    def forget(self) -> None:
        """Keeps no base any longer; those who have it go on with it."""
        self._key, self._loaded = None, None

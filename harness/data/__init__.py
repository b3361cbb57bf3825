"""Datasets: where rows come from, how they are split, fingerprinted and checked for overlap.

Importing this package is light; what needs pyarrow, unearth or the hub is imported when used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from harness.data import catalog
    from harness.data.dataset import open_dataset
    from harness.data.entries import CatalogEntry
    from harness.data.overlaps import OverlapReport, overlap
    from harness.data.previews import DataPreview, Verified, fetch, preview, preview_entry, verify
    from harness.data.splits import normalised

_PUBLIC = {
    "CatalogEntry": "entries",
    "DataPreview": "previews",
    "OverlapReport": "overlaps",
    "Verified": "previews",
    "fetch": "previews",
    "normalised": "splits",
    "open_dataset": "dataset",
    "overlap": "overlaps",
    "preview": "previews",
    "preview_entry": "previews",
    "verify": "previews",
}

__all__ = [
    "CatalogEntry",
    "DataPreview",
    "OverlapReport",
    "Verified",
    "catalog",
    "fetch",
    "normalised",
    "open_dataset",
    "overlap",
    "preview",
    "preview_entry",
    "verify",
]


def __getattr__(name: str) -> Any:
    if name == "catalog":
        return import_module("harness.data.catalog")
    if name in _PUBLIC:
        value = getattr(import_module(f"harness.data.{_PUBLIC[name]}"), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

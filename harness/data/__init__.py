"""Datasets: where rows come from, how they are split, fingerprinted and checked for overlap.

Importing this package is light; what needs pyarrow, unearth or the hub is imported when used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from harness.data import catalog
    from harness.data.dataset import open_dataset
    from harness.data.entries import CatalogEntry, PackageArchive
    from harness.data.lm_eval_files import checked as check_lm_eval_task
    from harness.data.lm_eval_files import read_task as read_lm_eval_task
    from harness.data.overlaps import OverlapReport, overlap
    from harness.data.previews import DataPreview, Verified, fetch, preview, preview_entry, verify
    from harness.data.sources.artifact import cached as package_in_cache
    from harness.data.sources.artifact import read as read_package
    from harness.data.sources.attempt import SourceFailed
    from harness.data.splits import normalised

_PUBLIC = {
    "CatalogEntry": "entries",
    "DataPreview": "previews",
    "OverlapReport": "overlaps",
    "PackageArchive": "entries",
    "SourceFailed": "sources.attempt",
    "Verified": "previews",
    "check_lm_eval_task": "lm_eval_files:checked",
    "fetch": "previews",
    "normalised": "splits",
    "open_dataset": "dataset",
    "overlap": "overlaps",
    "package_in_cache": "sources.artifact:cached",
    "preview": "previews",
    "preview_entry": "previews",
    "read_lm_eval_task": "lm_eval_files:read_task",
    "read_package": "sources.artifact:read",
    "verify": "previews",
}

__all__ = [
    "CatalogEntry",
    "DataPreview",
    "OverlapReport",
    "PackageArchive",
    "SourceFailed",
    "Verified",
    "catalog",
    "check_lm_eval_task",
    "fetch",
    "normalised",
    "open_dataset",
    "overlap",
    "package_in_cache",
    "preview",
    "preview_entry",
    "read_lm_eval_task",
    "read_package",
    "verify",
]


def __getattr__(name: str) -> Any:
    if name == "catalog":
        return import_module("harness.data.catalog")
    if name in _PUBLIC:
        home, _, inside = _PUBLIC[name].partition(":")
        value = getattr(import_module(f"harness.data.{home}"), inside or name)
        globals()[name] = value
        return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

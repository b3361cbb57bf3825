"""Which data a suite uses, and where they come from."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from harness.core.digests import digest
from harness.schema.suite.types import Count, Strict


class CatalogRef(Strict):
    """Data of our own list, by name."""

    catalog: str
    limit: Count | None = Field(None, description="Use at most this many rows of each split (chosen by hash).")


class FileRef(Strict):
    """The user's own file: csv, tsv, jsonl, json, parquet, txt or conll."""

    file: str = Field(description="Path, relative to the suite file.")
    format: Literal["csv", "tsv", "jsonl", "json", "parquet", "txt", "conll"] | None = None
    columns: dict[str, str] = Field(default_factory=dict, description="our name: the file's column")
    id: str | None = Field(None, description="Column with a row's own id.")
    cluster: str | None = Field(None, description="Column whose equal values belong together (document, author).")
    slices: list[str] = Field(default_factory=list, description="Columns that become slices `column=value`.")
    splits: dict[str, float] | str | None = Field(
        None,
        description="Shares (train, validation, test) made by hash of the cluster, or the column that names the split.",
    )
    license: str | None = None
    limit: Count | None = None


class HubRef(Strict):
    """A data set of the Hugging Face hub, at a pinned revision."""

    hub: str
    revision: str = Field(description="Commit hash; names and branches move and are refused.")
    config: str | None = None
    columns: dict[str, str] = Field(default_factory=dict)
    splits: dict[str, str] = Field(default_factory=dict, description="our split: the hub's split")
    cluster: str | None = None
    slices: list[str] = Field(default_factory=list)
    limit: Count | None = None


class SourceRef(Strict):
    """Data from an outside package's data source (entry point group `harness.sources`)."""

    source: str
    options: dict[str, Any] = Field(default_factory=dict)
    limit: Count | None = None


DataRef = CatalogRef | FileRef | HubRef | SourceRef


DataName = str | CatalogRef | FileRef | HubRef | SourceRef
"""A name of the suite's `data`, or a reference written in place."""


def ref_name(ref: DataName) -> str:
    """What a reference goes by: its name in the suite; written in place, its catalog name or a digest."""
    if isinstance(ref, str):
        return ref
    if isinstance(ref, CatalogRef):
        return ref.catalog
    return f"inline-{digest(ref.model_dump(mode='json'))[:8]}"

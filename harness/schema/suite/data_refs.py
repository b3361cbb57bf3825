"""Which data a suite uses, and where they come from."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from harness.core.digests import digest
from harness.core.labels import Normalization
from harness.schema.suite.types import HELD_OUT, Count, Strict


class CatalogRef(Strict):
    """Data of our own list, by name."""

    catalog: str
    limit: Count | None = Field(None, description="Use at most this many rows per split (chosen by hash).")


MissingCluster = Literal["error", "own"]
_MISSING_CLUSTER = "A row without a cluster: `error`, or `own` to let it be a cluster of its own."
_NORMALIZE = (
    "What is done to labels before they are compared: `strip` white space and invisible characters at both ends, "
    "`casefold`, `nfc` (always done)."
)
_UNSET: dict[str, Any] = {
    "delimiter": None,
    "encoding": None,
    "missing_cluster": "error",
    "missing_label": "drop",
    "normalize": [],
    "language": None,
}
"""Keys that 0.1.0 does not know, as they are when a suite does not name them."""


class FileRef(Strict):
    """The user's own file: csv, tsv, jsonl, json, parquet, txt or conll."""

    file: str = Field(description="Path, relative to the suite file.")
    format: Literal["csv", "tsv", "jsonl", "json", "parquet", "txt", "conll"] | None = None
    delimiter: str | None = Field(
        None, min_length=1, max_length=1, description="Character between the cells of a csv or tsv file."
    )
    encoding: str | None = Field(None, description="Encoding of a text file, such as `utf-8`, `utf-16`, or `cp1252`.")
    columns: dict[str, str] = Field(default_factory=dict, description="Our column name: the file's column name.")
    id: str | None = Field(None, description="Column that holds each row's id.")
    cluster: str | None = Field(
        None, description="Column that groups related rows (document, author); a group never spans two splits."
    )
    missing_cluster: MissingCluster = Field("error", description=_MISSING_CLUSTER)
    missing_label: Literal["drop", "keep"] = Field(
        "drop",
        description="A row without a label is dropped, or kept: a classification with `unlabeled: ask` asks about it.",
    )
    normalize: list[Normalization] = Field(default_factory=list, description=_NORMALIZE)
    slices: list[str] = Field(default_factory=list, description="Columns that become slices `column=value`.")
    splits: dict[str, float] | str | None = Field(
        None,
        description="Fractions (train, validation, test) by hash of the cluster, or the column that names the split.",
    )
    license: str | None = None
    limit: Count | None = None
    language: str | None = Field(
        None, description="Language of the texts (BCP 47 tag such as `zh`); chooses the tokenizer of text metrics."
    )
    held_out: bool = Field(False, description=HELD_OUT)


class HubRef(Strict):
    """A data set of the Hugging Face hub, at a pinned revision."""

    hub: str
    revision: str = Field(description="Full commit hash. Branches and tags can move, so they are rejected.")
    config: str | None = None
    columns: dict[str, str] = Field(default_factory=dict)
    splits: dict[str, str] = Field(default_factory=dict, description="Our split name: the hub's split name.")
    cluster: str | None = None
    missing_cluster: MissingCluster = Field("error", description=_MISSING_CLUSTER)
    normalize: list[Normalization] = Field(default_factory=list, description=_NORMALIZE)
    slices: list[str] = Field(default_factory=list)
    limit: Count | None = None
    language: str | None = Field(
        None, description="Language of the texts (BCP 47 tag such as `zh`); chooses the tokenizer of text metrics."
    )
    held_out: bool = Field(False, description=HELD_OUT)


class SourceRef(Strict):
    """Data from an outside package's data source (entry point group `harness.sources`)."""

    source: str
    options: dict[str, Any] = Field(default_factory=dict)
    limit: Count | None = None
    language: str | None = Field(
        None, description="Language of the texts (BCP 47 tag such as `zh`); chooses the tokenizer of text metrics."
    )


DataRef = CatalogRef | FileRef | HubRef | SourceRef


DataName = str | CatalogRef | FileRef | HubRef | SourceRef
"""A name from the suite's `data`, or an inline dataset."""


def ref_name(ref: DataName) -> str:
    """What a reference goes by: its name in the suite; written in place, its catalog name or a digest."""
    if isinstance(ref, str):
        return ref
    if isinstance(ref, CatalogRef):
        return ref.catalog
    given = ref.model_dump(mode="json", exclude={"held_out"}).items()
    said = {key: value for key, value in given if key not in _UNSET or value != _UNSET[key]}
    return f"inline-{digest(said)[:8]}"

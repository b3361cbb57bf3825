"""What a catalog entry says of a dataset: one YAML file, validated by pydantic."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from harness.core.dataset import SPLITS
from harness.core.digests import digest
from harness.data.sources.source_specs import (
    ArtifactSource,
    GeneratedSource,
    HubSource,
    MirrorSource,
    Source,
    UrlSource,
)
from harness.data.splits import DEFAULT_SHARES
from harness.schema.suite.types import Strict


class Column(Strict):
    """How one column is made from what the parser read.

    Applied in this order: `from` (the parser's column), `before`/`after` (the piece before or after
    the first occurrence of a mark), `unescape` (HTML entities), `words` (the first so many words),
    `map` (values renamed), `band` (a number becomes one of three labels). `template` joins finished columns instead.
    """

    from_: str | None = Field(None, alias="from", description="The parser's column; the same name when left out.")
    type: Literal["text", "number"] = "text"
    before: str | None = None
    after: str | None = None
    unescape: bool = False
    words: int | None = Field(
        None, ge=1, description="Keep at most this many words, from the beginning, with a space between them."
    )
    verbatim: bool = Field(False, description="Keep the white space at both ends, as program text needs it.")
    map: dict[str, str] | None = None
    band: tuple[float, float] | None = Field(
        None, description="Below the first: label 1; within both (inclusive): label 2; above: label 3."
    )
    template: str | None = Field(None, description="`{question} {passage}`: columns above this one, by name.")
    missing: Literal["error", "drop"] = "error"
    blank: str | None = Field(None, description="This value means that there is none: the cell becomes empty.")


class Cluster(Strict):
    """The parent of a row: rows of one parent are never split apart."""

    column: str = Field(description="A finished column, or one of the parser's.")
    before: str | None = Field(None, description="Only the piece before this mark: `12_3` → `12`.")


class Part(Strict):
    """One file of the dataset.

    Attributes:
        constants: columns with the same value in every row of the part.
        namespace: prefix of its clusters; the part's name when left out. Entries that share
            parents (passages and the questions on them) share the namespace, so that a parent
            is on the same side in both.
        split: all rows of the part belong to this split.
    """

    constants: dict[str, str] = Field(default_factory=dict)
    namespace: str | None = None
    split: Literal["train", "validation", "test"] | None = None


class CatalogEntry(Strict):
    """A dataset of a catalog.

    Attributes:
        columns: our columns, in order, and how each is made.
        labels: label column → its labels, in a fixed order.
        slices: columns whose values become slices `column=value`.
        duplicates: columns whose normalized text tells that two rows are the same text.
        unique: keep only the first row of each normalized text.
        shares: split → share of the parents, or `test` alone for data that is never trained on.
        rows: number of rows after preparation, for people; checked by the tests.
        sources: tried in order.
    """

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$")
    title: str
    what: str
    license: str
    citation: str
    caveats: list[str] = Field(default_factory=list)
    columns: dict[str, Column]
    labels: dict[str, list[str]] = Field(default_factory=dict)
    slices: list[str] = Field(default_factory=list)
    cluster: Cluster | None = None
    duplicates: list[str] = Field(default_factory=list)
    unique: bool = False
    shares: dict[str, float] = Field(default_factory=lambda: dict(DEFAULT_SHARES))
    rows: int | None = None
    parts: dict[str, Part]
    sources: list[Source] = Field(min_length=1)

    @model_validator(mode="after")
    def _consistent(self) -> CatalogEntry:
        if not set(self.shares) <= set(SPLITS):
            raise ValueError(f"`shares` may name {', '.join(SPLITS)}, found {', '.join(self.shares)}")
        if abs(sum(self.shares.values()) - 1) > 1e-6 or min(self.shares.values()) < 0:
            raise ValueError(f"`shares` must not be negative and must sum to 1, found {self.shares}")
        made = set(self.columns) | {name for part in self.parts.values() for name in part.constants}
        for what, names in (("labels", self.labels), ("slices", self.slices), ("duplicates", self.duplicates)):
            for name in names:
                if name not in made:
                    raise ValueError(f"`{what}` names {name!r}, which is not a column")
        for name, column in self.columns.items():
            if column.band is not None and len(self.labels.get(name, ())) != 3:
                raise ValueError(f"column {name!r} has a `band` and needs three labels")
        for source in self.sources:
            if isinstance(source, MirrorSource | ArtifactSource | UrlSource) and set(source.members) != set(self.parts):
                raise ValueError(f"the {source.kind} source must have the members {sorted(self.parts)}")
            if isinstance(source, HubSource) and set(source.parts) != set(self.parts):
                raise ValueError(f"the hub source must have the parts {sorted(self.parts)}")
            if isinstance(source, GeneratedSource) and len(self.parts) != 1:
                raise ValueError("generated data has one part")
        return self

    @property
    def bytes(self) -> int:
        """Bytes to fetch from the first source that is not a mirror; 0 for generated data."""
        for source in self.sources:
            if isinstance(source, ArtifactSource):
                return source.bytes
            if isinstance(source, UrlSource):
                return sum(member.bytes for member in source.members.values())
        return 0

    def shape(self) -> str:
        """Digest of everything that decides the rows, whatever the source."""
        names = {"columns", "labels", "slices", "cluster", "duplicates", "unique", "shares", "parts"}
        plain = self.model_dump(mode="json", by_alias=True, include=names)
        for column in plain["columns"].values():
            if not column["verbatim"]:  # came later: the others keep their digests
                del column["verbatim"]
        plain["order"] = [list(self.columns), list(self.parts)]
        return digest(plain)

"""What a catalog entry may say about where its bytes come from."""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from harness.schema.suite.types import Strict

_SHA256 = re.compile(r"[0-9a-f]{64}\Z")

_COMMIT = re.compile(r"[0-9a-f]{40}\Z")


def _checked_sha256(value: str) -> str:
    if not _SHA256.match(value):
        raise ValueError(f"expected a SHA-256 of 64 lower-case hexadecimal digits, found {value!r}")
    return value


def checked_member(value: str) -> str:
    """A member's path: relative, without `..`; `outer.tar.gz!inner` names a file in an inner archive.

    Raises:
        ValueError: for an absolute path, a drive, a backslash or a step upward.
    """
    for part in value.split("!"):
        path = PurePosixPath(part)
        if not part or path.is_absolute() or ".." in path.parts or "\\" in part or ":" in part:
            raise ValueError(f"expected a relative path without '..', found {value!r}")
    return value


Sha256 = Annotated[str, AfterValidator(_checked_sha256)]

MemberPath = Annotated[str, AfterValidator(checked_member)]


class Member(Strict):
    """Where one part lies in a source, and the digest of its bytes."""

    path: MemberPath
    sha256: Sha256
    bytes: int = Field(gt=0)
    parser: str | None = None
    options: dict[str, Any] | None = None


class _Read(Strict):
    parser: str
    options: dict[str, Any] = Field(default_factory=dict)
    members: dict[str, Member]


class MirrorSource(_Read):
    """Files below the folder that HARNESS_DATA_DIR names."""

    kind: Literal["mirror"]


class PackageArchive(Strict):
    """Members of a wheel or sdist of the user's package index. Never installed or imported."""

    package: str
    version: str
    format: Literal["wheel", "sdist"]
    sha256: Sha256
    bytes: int = Field(gt=0)
    members: dict[str, Member]


class ArtifactSource(PackageArchive, _Read):
    """Rows from a package's archive."""

    kind: Literal["artifact"]


class UrlMember(Member):
    path: Annotated[str, Field(pattern=r"^https?://")]


class UrlSource(Strict):
    """Files at fixed addresses (a commit of a public repository)."""

    kind: Literal["url"]
    parser: str
    options: dict[str, Any] = Field(default_factory=dict)
    members: dict[str, UrlMember]


class GeneratedSource(Strict):
    """Rows of our own generators (`harness.data.generators.<name>:rows`)."""

    kind: Literal["generated"]
    generator: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    options: dict[str, Any] = Field(default_factory=dict)


class HubSource(Strict):
    """A dataset of the Hugging Face hub at a commit; without remote code."""

    kind: Literal["hub"]
    dataset: str = Field(pattern=r"^[\w.-]+/[\w.-]+$")
    revision: str = Field(pattern=_COMMIT.pattern.replace(r"\Z", "$"))
    config: str | None = None
    parts: dict[str, str] = Field(description="our part: the hub's split")


Source = Annotated[
    MirrorSource | ArtifactSource | UrlSource | GeneratedSource | HubSource,
    Field(discriminator="kind"),
]

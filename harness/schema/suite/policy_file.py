"""What a policy file may write, and how a suite names one."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from harness.schema.suite.gate_rules import Alpha
from harness.schema.suite.types import Name, Strict

SHA256 = r"^[0-9a-f]{64}$"
REQUIRED_SECTIONS = ("seed", "texts", "data", "models", "compare", "tasks", "probes")
"""Sections of a suite that a policy may require values of; its gates are judged as they are."""


class PolicyRef(Strict):
    """A policy that a suite includes: its file, and what must stand in it."""

    file: str = Field(min_length=1, description="Path, relative to the suite file.")
    digest: str = Field(pattern=SHA256, description="SHA-256 of the file (`sha256sum FILE`).")


class WaiverTerms(Strict):
    """Which waivers a suite may write."""

    max_days: int = Field(ge=0, le=3650, description="A waiver may last at most so many days from today.")
    gates: list[str] | None = Field(
        None, description="The policy's gates that may be waived; all of them when left out, none for an empty list."
    )


class PolicySections(Strict):
    """A policy without its gates."""

    name: Name = Field(description="Name of the policy, shown with everything that it asks.")
    description: str = ""
    min_n: int | None = Field(None, ge=1, description="No gate passes on fewer items.")
    min_coverage: float | None = Field(None, gt=0, le=1, description="No gate asks for less coverage.")
    max_alpha: Alpha | None = Field(None, description="No gate reads bounds at a larger error rate.")
    waivers: WaiverTerms | None = Field(
        None, description="Waivers that a suite may write. When left out, the policy's gates cannot be waived."
    )
    licenses: list[Annotated[str, Field(min_length=1)]] | None = Field(
        None, min_length=1, description="Licenses that data may have, word for word. Data without one are refused."
    )
    require: dict[str, Any] = Field(
        default_factory=dict,
        description="A part of a suite: what is written here must stand in every suite; `null` for what must not.",
    )
    fingerprints: dict[str, Annotated[str, Field(min_length=8)]] = Field(
        default_factory=dict, description="Data by name → fingerprint of its rows, or the first characters of it."
    )

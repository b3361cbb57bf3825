"""What of another tool's gates became a policy of harness, what did not, and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.core.errors import SuiteError, Where
from harness.storage import atomic
from harness.suite.policy import Policy, PolicyText, read_policy
from harness.suite.suite_text import Comments, yaml_text

POINT: dict[str, Any] = {"kind": "absolute", "min": 1.0, "bound": "point", "min_n": 1}
"""A share of items that must pass, as tools without intervals hold it: all, and the value that was seen."""


@dataclass(frozen=True, slots=True)
class CarriedGate:
    """A gate, and what it was.

    Attributes:
        rule: as a suite writes it.
        was: the other tool's words, with their place.
    """

    rule: Mapping[str, Any]
    was: str


@dataclass(frozen=True, slots=True)
class LeftGate:
    """What has no gate of its own: the other tool's words with their place, and why."""

    was: str
    why: str

    @property
    def sentence(self) -> str:
        return f"{self.was}: {self.why}"


@dataclass(frozen=True)
class MigratedGates:
    """Another tool's gates as a policy.

    Attributes:
        tool: its name, as people write it.
        notes: what a reader of the policy must know.
        require: evaluations that the other tool does not do without.
    """

    tool: str
    path: Path
    carried: Sequence[CarriedGate]
    left: Sequence[LeftGate]
    notes: Sequence[str] = ()
    require: Sequence[str] = field(default=())

    @property
    def text(self) -> str:
        """The policy as YAML, with the other tool's words above each gate.

        Raises:
            SuiteError: when nothing could be carried over.
        """
        if not self.carried:
            raise SuiteError(
                f"none of these rules means the same in harness, so there is no policy to write ({self.tool}).",
                where=Where(self.path),
                notes=[f"  {entry.sentence}" for entry in self.left],
            )
        value: dict[str, Any] = {
            "name": _name(self.path),
            "description": f"Gates of {self.tool}, from {self.path.name}.",
            "gates": [dict(entry.rule) for entry in self.carried],
        }
        if self.require:
            value["require"] = {"tasks": {name: {} for name in self.require}}
        comments: Comments = {("gates", str(entry.rule["id"])): entry.was for entry in self.carried}
        return yaml_text(value, comments)

    @property
    def policy(self) -> Policy:
        """The policy, read as `harness validate` reads it."""
        return read_policy(PolicyText("policy.yaml", self.text.encode("utf-8"), "command"))

    def write(self, target: Path) -> None:
        """Writes the policy.

        Raises:
            SuiteError: when the file already exists.
        """
        if target.exists():
            raise SuiteError("the file already exists.", where=Where(target), hint="name another one with --out.")
        atomic.write_bytes(target, self.text.encode("utf-8"))


def _name(path: Path) -> str:
    from harness.commands.imported_runs.imported_run import plain_name

    return plain_name(path.stem)


def gate_id(*parts: str) -> str:
    """A gate's id from words of another tool."""
    from harness.commands.imported_runs.imported_run import plain_name

    return plain_name("-".join(parts))

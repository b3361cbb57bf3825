"""A policy: what an organization asks of every suite, whatever the suite says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from harness.core.digests import bytes_digest
from harness.core.errors import Problems, SuiteError, unknown
from harness.gates.parse_rules import collect_gates, raw_rules
from harness.gates.strictness import Floors
from harness.schema.results.number_format import plural
from harness.schema.results.results_file import PolicyResult
from harness.schema.run_info import StoredPolicy
from harness.schema.suite.gate_rules import GateSet
from harness.schema.suite.policy_file import REQUIRED_SECTIONS, PolicySections
from harness.schema.validation import in_words, validate
from harness.suite.yaml.located_document import Document, decode, parse, read_bytes

Given = Literal["suite", "command"]
"""Who names a policy: the suite (`policy:`), or the command (`--policy`, HARNESS_POLICY)."""
GATES = "gates"
_FLOORS = ("min_n", "min_coverage", "max_alpha")
_OWN_GATES = ("defaults", "rules")


@dataclass(frozen=True)
class PolicyText:
    """A policy file as it was read."""

    file: str
    content: bytes
    given: Given

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the file, as `sha256sum` gives it."""
        return bytes_digest(self.content)


@dataclass(frozen=True)
class Policy:
    """A policy that was read and checked on its own.

    Attributes:
        gates: its rules.
        raw: rule id → the rule as plain data, with the policy's defaults.
    """

    source: PolicyText
    sections: PolicySections
    gates: GateSet
    raw: Mapping[str, dict[str, Any]]
    document: Document = field(repr=False, compare=False)

    @property
    def name(self) -> str:
        return self.sections.name

    @property
    def stored(self) -> StoredPolicy:
        """The policy as run.json keeps it."""
        return StoredPolicy(text=self.source.content.decode("utf-8"), **self._facts)

    @property
    def result(self) -> PolicyResult:
        """The policy as results.json names it."""
        return PolicyResult(**self._facts)

    @property
    def _facts(self) -> dict[str, Any]:
        source = self.source
        return {"name": self.name, "digest": source.digest, "file": Path(source.file).name, "given": source.given}

    @property
    def summary(self) -> str:
        """What the policy asks, in a line."""
        sections = self.sections
        asks = [f"{plural(len(self.gates.rules), 'gate')}"]
        asks += [f"{key} {value:g}" for key in _FLOORS if (value := getattr(sections, key)) is not None]
        if sections.waivers is not None:
            asks.append(f"waivers of at most {plural(sections.waivers.max_days, 'day')}")
        else:
            asks.append("no waivers of its gates")
        asks += [plural(len(sections.licenses), "license")] if sections.licenses is not None else []
        asks += [f"evaluations {', '.join(self.required_evaluations)}"] if self.required_evaluations else []
        return f"{self.source.file}: valid policy {self.name}: {'; '.join(asks)}. Its digest: {self.source.digest}"

    @property
    def floors(self) -> Floors:
        return Floors(self.sections.min_n, self.sections.min_coverage, self.sections.max_alpha)

    @property
    def required_evaluations(self) -> list[str]:
        """Names of the tasks and probes that every suite must have."""
        sections = (self.sections.require.get(section) or {} for section in ("tasks", "probes"))
        return [name for section in sections for name, content in section.items() if content is not None]


def read_policy(source: PolicyText) -> Policy:
    """Reads a policy.

    Raises:
        SuiteError: with every fault, each with file, line and column.
    """
    document = parse(decode(source.content, source.file), source.file)
    problems = Problems(document.where)
    value = document.value
    if not isinstance(value, dict):
        problems.add(f"expected a policy: a mapping with `name` and what it asks, found {in_words(value)}.")
        problems.raise_any()
    known = (GATES, *PolicySections.model_fields)
    foreign = [key for key in value if key not in known]
    for key in foreign:
        problems.add(unknown("key", key, known), key, key=True)
    plain = {key: part for key, part in value.items() if key != GATES and key not in foreign}
    sections = validate(PolicySections, plain, problems)
    gates = _gates(value.get(GATES), problems.below(GATES))
    if sections is not None:
        _check_sections(sections, gates, problems)
    problems.raise_any()
    assert sections is not None
    return Policy(source, sections, gates, raw_rules(value.get(GATES)), document)


def policy_at(path: Path, given: Given) -> PolicyText:
    """The text of a policy file.

    Raises:
        SuiteError: when it cannot be read.
    """
    return PolicyText(str(path), read_bytes(path), given)


def _gates(raw: Any, problems: Problems) -> GateSet:
    if isinstance(raw, dict):
        for key in raw:
            if key not in _OWN_GATES:
                problems.add(unknown("key", key, _OWN_GATES), key, key=True)
    return collect_gates(raw, problems)


def _check_sections(sections: PolicySections, gates: GateSet, problems: Problems) -> None:
    known = [rule.id for rule in gates.rules]
    for index, name in enumerate((sections.waivers.gates if sections.waivers is not None else None) or ()):
        if name not in known:
            problems.add(unknown("gate", name, known), "waivers", "gates", index)
    for key, content in sections.require.items():
        if key not in REQUIRED_SECTIONS:
            problems.add(unknown("section", key, REQUIRED_SECTIONS), "require", key, key=True)
        elif key not in ("seed", "texts") and not isinstance(content, dict):
            problems.add(f"expected a mapping, found {in_words(content)}.", "require", key)
    empty = not gates.rules and sections == PolicySections(name=sections.name, description=sections.description)
    if empty:
        problems.add("the policy asks for nothing.", hint="add `gates`, `require`, `min_n`, `licenses`, or `waivers`.")


def is_policy(value: Any) -> bool:
    """Whether the content of a YAML file is meant as a policy: it names no model and no evaluation of its own."""
    suite = {"models", "compare", "tasks", "probes", "data"}
    asks = {GATES, *PolicySections.model_fields} - {"name", "description"}
    return isinstance(value, dict) and not suite & set(value) and bool(asks & set(value))


def policy_file(name: str) -> Policy | None:
    """The policy in a file; None where the file is no policy.

    Raises:
        SuiteError: with every fault of the policy.
    """
    path = Path(name).expanduser()
    if not path.is_file():
        return None
    source = policy_at(path, "command")
    try:
        value = parse(decode(source.content, path), path).value
    except SuiteError:
        return None
    return read_policy(source) if is_policy(value) else None


def unreadable(why: str, hint: str) -> SuiteError:
    """A policy that was asked for and is not there: nothing is judged without it."""
    return SuiteError(f"{why}; nothing is judged without it.", hint=hint)

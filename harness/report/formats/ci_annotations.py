"""What CI systems show beside the gate's own line in the suite: GitHub workflow commands, GitLab code quality."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from harness.core.digests import text_digest
from harness.report.formats.gate_locations import line_of, suite_file
from harness.report.wording.safe_text import one_line, plural
from harness.schema.results.results_file import Results
from harness.schema.results.verdicts import GateResult
from harness.schema.run_info import RunInfo

MOST = 10
"""GitHub shows ten annotations of a step; what comes after them is lost."""

_LONGEST = 1000
_ORDER = {"error": 0, "fail": 1, "inconclusive": 2, "pass": 3}


def github_annotations(results: Results, info: RunInfo | None, root: Path) -> list[str]:
    """GitHub workflow commands, `::error file=…,line=…::…`: at most ten, worst first.

    Gates that block are errors; those that did not pass and do not block, and expired waivers, are
    warnings. Every text is escaped, so that none can begin a command of its own.

    Args:
        root: the checkout; a suite outside it gets annotations without a place.
    """
    chosen = noteworthy(results)
    file = suite_file(info, root)
    if not results.gates:
        return [f"::warning title=harness::{_data(one_line(results.verdict.sentence, _LONGEST))}"]
    shown = chosen if len(chosen) <= MOST else chosen[: MOST - 1]
    lines = [_command(gate, file) for gate in shown]
    rest = len(chosen) - len(shown)
    if rest:
        level = "error" if any(blocks(gate) for gate in chosen[len(shown) :]) else "warning"
        lines.append(f"::{level} title=harness::{plural(rest, 'more gate')} in the job summary")
    return lines


def gitlab_code_quality(results: Results, info: RunInfo | None, root: Path) -> str:
    """GitLab's code quality report: the same gates, shown in the merge request at their lines."""
    file = suite_file(info, root)
    entries: list[dict[str, Any]] = []
    for gate in noteworthy(results):
        name = _name(gate)
        entries.append(
            {
                "description": one_line(f"{name}: {gate.sentence}", _LONGEST),
                "check_name": f"gate.{gate.verdict}",
                "fingerprint": text_digest(results.suite, gate.id, gate.model or "", gate.slice or "", gate.verdict),
                "severity": ("critical" if gate.verdict == "error" else "major") if gate.blocking else "minor",
                "location": {
                    "path": file or one_line((gate.where or results.suite).rpartition(":")[0] or results.suite),
                    "lines": {"begin": line_of(gate) or 1},
                },
            }
        )
    return json.dumps(entries, indent=1, ensure_ascii=False) + "\n"


def noteworthy(results: Results) -> list[GateResult]:
    """Gates that did not pass and those with an expired waiver; those that block first, worst first."""
    chosen = [gate for gate in results.gates if gate.verdict != "pass" or gate.waiver_holds is False]
    return sorted(chosen, key=lambda gate: (not blocks(gate), _ORDER[gate.verdict]))


def blocks(gate: GateResult) -> bool:
    return gate.blocking and gate.verdict != "pass"


def _command(gate: GateResult, file: str | None) -> str:
    level = "error" if blocks(gate) else "warning"
    properties = {}
    line = line_of(gate)
    if file is not None:
        properties["file"] = file
        if line is not None:
            properties["line"] = str(line)
    properties["title"] = f"gate {_name(gate)}: {gate.verdict}"
    given = ",".join(f"{key}={_property(value)}" for key, value in properties.items())
    waiver = f" [{gate.waiver}]" if gate.waiver else ""
    return f"::{level} {given}::{_data(one_line(gate.sentence + waiver, _LONGEST))}"


def _name(gate: GateResult) -> str:
    parts = [gate.model or "", f"on {gate.slice}" if gate.slice else ""]
    about = " ".join(part for part in parts if part)
    return one_line(f"{gate.id} ({about})" if about else gate.id, 120)


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(one_line(text)).replace(":", "%3A").replace(",", "%2C")

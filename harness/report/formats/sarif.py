"""SARIF 2.1.0: the gates that did not pass, as code scanning shows them beside their lines in the suite."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from harness.core.digests import text_digest
from harness.core.distribution import DISTRIBUTION
from harness.report.formats.ci_annotations import blocks, noteworthy
from harness.report.formats.gate_locations import line_of, suite_file
from harness.report.wording.safe_text import one_line
from harness.schema.results.results_file import Results
from harness.schema.results.verdicts import GateResult
from harness.schema.run_info import RunInfo

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
_LONGEST = 1000
_RULES = {
    "fail": "The gate failed.",
    "inconclusive": "The data cannot decide the gate.",
    "error": "The gate could not be judged.",
    "pass": "The gate passed, but its waiver has expired.",
}


def sarif(results: Results, info: RunInfo | None, root: Path) -> str:
    """One result per gate that did not pass or whose waiver has expired, those that block as errors.

    Args:
        root: the checkout; gates of a suite outside it have no place in a file.
    """
    file = suite_file(info, root)
    chosen = noteworthy(results)
    driver = {
        "name": "harness",
        "fullName": DISTRIBUTION,
        "rules": [
            {"id": f"gate.{verdict}", "shortDescription": {"text": text}}
            for verdict, text in _RULES.items()
            if any(gate.verdict == verdict for gate in chosen)
        ],
    }
    run = {"tool": {"driver": driver}, "results": [_result(results.suite, gate, file) for gate in chosen]}
    page = {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}
    return json.dumps(page, indent=1, ensure_ascii=False) + "\n"


def _result(suite: str, gate: GateResult, file: str | None) -> dict[str, Any]:
    named = " ".join([gate.id, *([f"on {gate.slice}"] if gate.slice else [])])
    identity = (suite, gate.id, gate.model or "", gate.slice or "")
    result: dict[str, Any] = {
        "ruleId": f"gate.{gate.verdict}",
        "level": "error" if blocks(gate) else "warning",
        "message": {"text": one_line(f"gate {named}: {gate.sentence}", _LONGEST)},
        "partialFingerprints": {"gate/v1": text_digest(*identity)},
    }
    if file is not None:
        region = {"startLine": line_of(gate) or 1}
        result["locations"] = [{"physicalLocation": {"artifactLocation": {"uri": file}, "region": region}}]
    return result

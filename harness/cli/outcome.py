"""Prints the outcome of a run: the verdict, its gates, and the path of the report."""

from __future__ import annotations

import shutil
import sys
from typing import Any

from harness.cli.run_argument import earlier_json
from harness.cli.terminal import joined, say, say_json, styled
from harness.report.formats.terminal import outcome_lines
from harness.report.wording.safe_text import clean_line
from harness.schema.results.absences import absences, class_balance
from harness.schema.results.results_file import Results
from harness.schema.run_info import RunInfo
from harness.storage.run_dir import RunDir

MARKS = {"none": "–", "pass": "✓", "fail": "✗", "inconclusive": "?", "error": "!", "warn": "~"}
_MOST = 40
"""Lines about what is missing, at the end of a run."""
COLOURS = {"none": "yellow", "pass": "green", "fail": "red", "inconclusive": "yellow", "error": "red", "warn": "yellow"}


def show_outcome(run: RunDir, results: Results, *, as_json: bool, info: RunInfo | None = None) -> int:
    """Prints the verdict and returns the exit code; what is missing or could not be judged is named on stderr."""
    report = run.path / "report.html"
    verdict = results.verdict
    lines = list(absences(results))
    for line in lines[:_MOST]:
        say(clean_line(line), err=True)
    if len(lines) > _MOST:
        say(f"and {len(lines) - _MOST} more in the report", err=True)
    for gate in results.gates:
        if gate.verdict == "error":
            about = f" ({clean_line(gate.model)})" if gate.model else ""
            say(f"gate {clean_line(gate.id)}{about}: {clean_line(gate.sentence)}", err=True)
    if as_json:
        say_json(
            {
                "run_dir": str(run.path),
                "report": str(report),
                "verdict": verdict.overall,
                "exit_code": verdict.exit_code,
                **earlier_json(run),
            }
        )
        return verdict.exit_code
    say()
    for evaluation in results.evaluations:
        balance = class_balance(evaluation)
        if balance and evaluation.role == "task":
            say(clean_line(f"class balance of {evaluation.name}: {balance}"))
    say_verdicts(results, info)
    if info is not None and info.lock is not None:
        from harness.schema.run_info import attempt_sentence

        say(clean_line(attempt_sentence(info.lock)))
    say(f"report: {report}")
    return verdict.exit_code


def say_verdicts(results: Results, info: RunInfo | None) -> None:
    """Prints what decides, gate by gate, and the verdict."""
    verdict = results.verdict
    for text, kind in outcome_lines(results, info, MARKS, _width()):
        say(joined(styled(text[:1], color=COLOURS[kind]), text[1:]) if kind else text)
    mark = styled(f"{MARKS[verdict.overall]} {verdict.overall}", color=COLOURS[verdict.overall], bold=True)
    say(joined("\n", mark, f": {clean_line(verdict.sentence)}"))


def verdict_json(results: Results) -> dict[str, Any]:
    """The verdict and every gate, for `--json`."""
    gates = [gate.model_dump(mode="json") for gate in results.gates]
    return {"verdict": results.verdict.overall, "exit_code": results.verdict.exit_code, "gates": gates}


def _width() -> int | None:
    """Columns of the terminal; None where stdout is a file or a pipe, whose lines are left whole."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None

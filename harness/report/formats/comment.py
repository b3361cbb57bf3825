"""comment.md: the body of one comment that a pipeline keeps up to date on a pull or merge request."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from harness.report.formats.summary import ICONS, summary_markdown
from harness.report.wording.safe_text import markdown as md
from harness.report.wording.safe_text import plural
from harness.schema.results.results_file import Results
from harness.schema.results.verdicts import GateResult
from harness.schema.run_info import RunInfo

MAX_BYTES = 64_000
"""GitHub refuses comments of 65,536 characters or more."""

_RESERVE = 400


def marker(suite: str) -> str:
    """The first line of the comment: by it the next run finds the comment to replace."""
    return f"<!-- harness: {suite.replace('--', '- -').replace('>', '')} -->"


def comment_markdown(results: Results, info: RunInfo | None) -> str:
    """The summary, then every gate with its sentence and its members, folded; at most 64,000 bytes.

    What does not fit is left out whole line by whole line, and counted.
    """
    head = f"{marker(results.suite)}\n{summary_markdown(results, info)}"
    if not results.gates:
        return head
    opening = f"\n<details><summary>All {plural(len(results.gates), 'verdict')}</summary>\n\n"
    closing = "\n</details>\n"
    room = MAX_BYTES - len((head + opening + closing).encode("utf-8")) - _RESERVE
    kept: list[str] = []
    lines = list(_lines(results.gates, ""))
    for line in lines:
        room -= len(line.encode("utf-8")) + 1
        if room < 0:
            break
        kept.append(line)
    left = len(lines) - len(kept)
    note = f"\n{plural(left, 'more line')} in report.html.\n" if left else ""
    return f"{head}{opening}{chr(10).join(kept)}\n{note}{closing}"


def _lines(gates: Sequence[GateResult], indent: str) -> Iterator[str]:
    for gate in gates:
        place = f" on {md(gate.slice, 60)}" if gate.slice else ""
        model = f" ({md(gate.model, 60)})" if gate.model and not indent else ""
        quiet = "" if gate.blocking or indent or gate.verdict == "pass" else ", non-blocking"
        waiver = f" *{md(gate.waiver, 120)}*" if gate.waiver else ""
        yield (
            f"{indent}- {ICONS[gate.verdict]} **{md(gate.id, 60)}**{model}{place} {gate.verdict}{quiet}: "
            f"{md(gate.sentence, 600)}{waiver}"
        )
        yield from _lines(gate.members, indent + "  ")

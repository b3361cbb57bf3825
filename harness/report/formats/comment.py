"""comment.md: the body of one comment that a pipeline keeps up to date on a pull or merge request.

What decides stands first: the verdict, at most five gates, four lines, a link to the artifacts. The rest is folded.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from harness.report.formats.summary import (
    ICONS,
    card_lines,
    delta_lines,
    gate_table_lines,
    limit_lines,
    origin_line,
    story_lines,
    verdict_lines,
)
from harness.report.sections.summary.decision import lead_pair, true_warnings
from harness.report.sections.summary.gate_rows import gate_rows
from harness.report.view.run_view import RunView
from harness.report.wording.safe_text import markdown as md
from harness.report.wording.safe_text import plural
from harness.schema.results.results_file import Results
from harness.schema.results.verdicts import GateResult
from harness.schema.run_info import RunInfo, attempt_sentence, earlier_sentence

MAX_BYTES = 64_000
"""GitHub refuses comments of 65,536 characters or more."""

_RESERVE = 400
_GATES, _DELTAS = 5, 40
_ADDRESS = re.compile(r"https?://[\w.:-]+(/[\w./%+~-]*)?\Z")


def marker(suite: str) -> str:
    """The first line of the comment: by it the next run finds the comment to replace."""
    return f"<!-- harness: {suite.replace('--', '- -').replace('>', '')} -->"


def artifact_link(environment: Mapping[str, str]) -> str:
    """Where the CI system shows this job's artifacts, by its variables; empty where they name none."""
    server, repository, run = (
        environment.get(name, "") for name in ("GITHUB_SERVER_URL", "GITHUB_REPOSITORY", "GITHUB_RUN_ID")
    )
    address = f"{server}/{repository}/actions/runs/{run}" if server and repository and run else ""
    if not address and environment.get("CI_JOB_URL"):
        address = f"{environment['CI_JOB_URL']}/artifacts/browse"
    return address if _ADDRESS.match(address) else ""


def comment_markdown(results: Results, info: RunInfo | None, link: str = "") -> str:
    """The comment; at most 64,000 bytes. What does not fit is left out whole line by whole line, and counted.

    Args:
        link: the address of the artifacts; see `artifact_link`.
    """
    view = RunView(results, info)
    rows = gate_rows(view)
    ranked = sorted(rows, key=lambda row: ("error", "fail", "inconclusive", "pass").index(row.gate.verdict))
    ranked.sort(key=lambda row: row.gate.verdict == "pass" or not row.gate.blocking)
    warned = true_warnings(view)
    lines = [
        marker(results.suite),
        *verdict_lines(view, rows),
        *_earlier_lines(info),
        *gate_table_lines(view, ranked[:_GATES]),
        *card_lines(view),
        *([f"[Open the report]({link}) among the artifacts of this job.", ""] if link else []),
    ]
    words = [*(f"- ⚠️ {md(text, 300)}" for text in warned), "", *story_lines(view), *limit_lines(view)]
    pair = lead_pair(view)
    words += delta_lines(view, pair, _DELTAS) if pair is not None else []
    lines += ["<details><summary>Words, limits and differences</summary>", "", *words, "</details>", ""]
    if info is not None and info.lock is not None:
        lines += [md(attempt_sentence(info.lock), 300), ""]
    head = "\n".join([*lines, origin_line(view)]) + "\n"
    return head + _verdicts(results.gates, head) if results.gates else head


def _earlier_lines(info: RunInfo | None) -> list[str]:
    earlier = earlier_sentence(info) if info is not None else None
    return [] if earlier is None else [f"⚠️ {md(earlier, 300)}", ""]


def _verdicts(gates: Sequence[GateResult], head: str) -> str:
    """Every gate with its sentence and its members, folded."""
    opening = f"\n<details><summary>All {plural(len(gates), 'verdict')}</summary>\n\n"
    closing = "\n</details>\n"
    room = MAX_BYTES - len((head + opening + closing).encode("utf-8")) - _RESERVE
    kept: list[str] = []
    lines = list(_lines(gates, ""))
    for line in lines:
        room -= len(line.encode("utf-8")) + 1
        if room < 0:
            break
        kept.append(line)
    left = len(lines) - len(kept)
    note = f"\n{plural(left, 'more line')} in report.html.\n" if left else ""
    return f"{opening}{chr(10).join(kept)}\n{note}{closing}"


def _lines(gates: Sequence[GateResult], indent: str) -> Iterator[str]:
    for gate in gates:
        place = f" on {md(gate.slice, 60)}" if gate.slice else ""
        model = f" ({md(gate.model, 60)})" if gate.model and not indent else ""
        policy = f", policy {md(gate.policy, 60)}" if gate.policy is not None else ""
        quiet = policy + ("" if gate.blocking or indent or gate.verdict == "pass" else ", non-blocking")
        waiver = f" *{md(gate.waiver, 120)}*" if gate.waiver else ""
        yield (
            f"{indent}- {ICONS[gate.verdict]} **{md(gate.id, 60)}**{model}{place} {gate.verdict}{quiet}: "
            f"{md(gate.sentence, 600)}{waiver}"
        )
        yield from _lines(gate.members, indent + "  ")

"""summary.md: what the report's first screen says, in at most sixty lines, for a pull request or a terminal."""

from __future__ import annotations

from harness.report.formats.series_lines import series_lines
from harness.report.sections.summary.decision import decision, lead_pair, true_warnings
from harness.report.sections.summary.evidence_limits import evidence_limits
from harness.report.sections.summary.gate_rows import GateRow, gate_rows
from harness.report.sections.summary.gate_table import at_once, missing_behind
from harness.report.sections.summary.summary_cards import cards
from harness.report.view.comparison_reading import WORDS, classify_change
from harness.report.view.run_view import ModelPair, RunView
from harness.report.wording.executive_summary import brief
from harness.report.wording.glossary import VERDICTS
from harness.report.wording.safe_text import markdown as md
from harness.report.wording.safe_text import plural
from harness.schema.results import number_format
from harness.schema.results.absences import behind_comparison, class_balance
from harness.schema.results.metrics import ComparisonResult
from harness.schema.results.results_file import Results
from harness.schema.run_info import RunInfo, attempt_sentence, earlier_sentence

MAX_LINES = 60
_GATES, _DELTAS, _STORIES = 12, 14, 3
ICONS = {"none": "➖", "pass": "✅", "warn": "⚠️", "inconclusive": "❔", "fail": "❌", "error": "🛑"}


def summary_markdown(results: Results, info: RunInfo | None) -> str:
    """The summary; everything that comes from data, models or the suite is escaped."""
    view = RunView(results, info)
    rows = gate_rows(view)
    lines = [
        *verdict_lines(view, rows),
        *_warning_lines(view),
        *_gate_lines(view, [row for row in rows if at_once(row.gate)], len(rows), _GATES),
        *card_lines(view),
        *story_lines(view),
        *series_lines(view),
        *_balance_lines(view),
        *_lock_lines(info),
    ]
    if results.selftest is not None:
        lines += [f"Self-test: {md(results.selftest.sentence, 600)}", ""]
    pair = lead_pair(view)
    room = MAX_LINES - len(lines) - 1
    lines += delta_lines(view, pair, room) if pair is not None else []
    return "\n".join([*lines[: MAX_LINES - 1], origin_line(view)]) + "\n"


def verdict_lines(view: RunView, rows: list[GateRow]) -> list[str]:
    """The verdict in a word, the sentence of the report's first screen, and the count of the verdicts."""
    verdict, title = view.results.verdict, md(view.results.title, 120)
    return [
        f"## {ICONS[verdict.overall]} {VERDICTS[verdict.overall]}: {title}",
        "",
        md(decision(view, rows).sentence, 400),
        "",
        md(verdict.sentence, 1200),
        "",
    ]


def _warning_lines(view: RunView) -> list[str]:
    """What would mislead, and what was left out."""
    texts = true_warnings(view)
    left_out = [
        f"{data.name}, {split}: {count:,}" for data in view.results.data for split, count in data.left_out.items()
    ]
    if left_out:
        texts.append(f"Rows left out because a compared model was trained on them: {'; '.join(left_out)}.")
    earlier = earlier_sentence(view.info) if view.info is not None else None
    texts += [earlier] if earlier is not None else []
    return [*(f"- ⚠️ {md(text, 400)}" for text in texts), ""] if texts else []


def _gate_lines(view: RunView, shown: list[GateRow], total: int, most: int) -> list[str]:
    lines = gate_table_lines(view, shown[:most])
    rest, quiet = len(shown) - most, total - len(shown)
    notes = [f"{plural(rest, 'more gate')} in report.html."] if rest > 0 else []
    notes += [f"{plural(quiet, 'non-blocking gate')} passed."] if quiet else []
    return [*lines, *([" ".join(notes), ""] if notes else [])]


def gate_table_lines(view: RunView, rows: list[GateRow]) -> list[str]:
    """A table of gates with the figures of the report's first screen."""
    if not rows:
        return []
    head = ["| gate | verdict | what | base → candidate | limit | effective n |", "|---|---|---|--:|--:|--:|"]
    return [*head, *(_gate_line(view, row) for row in rows), ""]


def _gate_line(view: RunView, row: GateRow) -> str:
    gate = row.gate
    verdict = f"{ICONS[gate.verdict]} {gate.verdict}" + ("" if gate.blocking else " (non-blocking)")
    waiver = f" ({md(gate.waiver, 120)})" if gate.waiver else ""
    needs = f" (needs about {gate.required_n:,})" if gate.required_n else ""
    missing = missing_behind(view, gate)
    policy = f" (policy {md(gate.policy, 60)})" if gate.policy is not None else ""
    cells = [
        md(row.name, 80) + policy,
        verdict + waiver,
        md(row.what, 120),
        md(" → ".join(text for text in row.levels if text) or "–", 60),
        md(row.limit or "–", 40),
        row.n + needs + (f" ({md(missing, 120)})" if missing else ""),
    ]
    return "| " + " | ".join(cells) + " |"


def card_lines(view: RunView, pair: ModelPair | None = None) -> list[str]:
    """Gained, forgotten, bias and cost of a pair, one line each; of the release where none is named."""
    pair = pair or lead_pair(view)
    if pair is None:
        return []
    return [*(f"- **{card.title}**: {md(card.one_line, 300)}" for card in cards(view, pair)), ""]


def story_lines(view: RunView) -> list[str]:
    """The same in sentences, for each release model."""
    release = [pair for pair in view.contests if pair.release]
    lines = []
    for pair in release[:_STORIES]:
        lines += [f"**{md(pair.candidate, 60)}**: {md(brief(view, pair), 1800)}", ""]
    others = len(release) - _STORIES
    return [*lines, *([f"{plural(others, 'further release model')} in report.html.", ""] if others > 0 else [])]


def limit_lines(view: RunView) -> list[str]:
    return [*(f"- {md(line, 300)}" for line in evidence_limits(view)), ""]


def _balance_lines(view: RunView) -> list[str]:
    """The class balance of the first tasks with labels, one line each."""
    texts = [
        f"Class balance of {md(evaluation.name, 60)}: {md(balance, 300)}."
        for evaluation in view.results.evaluations
        if evaluation.role == "task" and (balance := class_balance(evaluation))
    ]
    return [*(f"{line}  " for line in texts[:_STORIES]), ""] if texts else []


def _lock_lines(info: RunInfo | None) -> list[str]:
    texts = []
    if info is not None and info.lock is not None:
        texts.append(attempt_sentence(info.lock))
    if info is not None and (info.ci_attempt or 0) > 1:
        texts.append(f"The CI job ran {info.ci_attempt} times on this commit.")
    return [md(" ".join(texts), 400), ""] if texts else []


def origin_line(view: RunView) -> str:
    results, info = view.results, view.info
    digest = md(results.suite_digest[:12])
    run = f", run {md(info.run_id, 80)}" if info else ""
    origin = f"Suite {md(results.suite, 80)} ({digest}){run}, seed {results.seed}."
    held = "; ".join(policy.sentence for policy in results.policies)
    policies = (
        f" Held to {'the policy' if len(results.policies) == 1 else 'the policies'} {md(held, 400)}." if held else ""
    )
    values = ", ".join(f"{key}={value}" for key, value in results.changed.items())
    changed = f" Set by the command line: {md(values, 300)}." if values else ""
    return f"{origin}{policies}{changed} Full report: report.html."


def delta_lines(view: RunView, pair: ModelPair, room: int) -> list[str]:
    """All differences of a pair, folded, in at most `room` lines; nothing where there is no room for any."""
    rows = view.comparisons(pair)
    kept = min(_DELTAS, room - 9)
    if not rows or kept < 1:
        return []
    title = f"All differences for {md(pair.candidate, 60)} ({plural(len(rows), 'comparison')})"
    lines = [
        f"<details><summary>{title}</summary>",
        "",
        "| metric | baseline | candidate | δ | interval | reading | n |",
        "|---|--:|--:|--:|--:|---|--:|",
    ]
    lines += [_delta_line(view, row) for row in rows[:kept]]
    rest = len(rows) - kept
    more = [f"{plural(rest, 'more comparison')} in report.html.", ""] if rest > 0 else []
    return [*lines, "", *more, "</details>", ""]


def _delta_line(view: RunView, row: ComparisonResult) -> str:
    missing = behind_comparison(row, view.evaluations)
    values = [
        number_format.level(value, row.unit, row.delta.low, row.delta.high)
        for value in (row.baseline_value, row.candidate_value)
    ]
    change = number_format.difference(row.delta.value, row.unit, row.delta.low, row.delta.high)
    cells = [
        md(row.id, 80),
        *values,
        change if row.delta.value is None else f"{change} {md(number_format.shown_unit(row.unit), 20)}",
        number_format.interval(row.delta.low, row.delta.high, row.unit),
        WORDS[classify_change(row)],
        number_format.sample_size(row.n, row.n_eff) + (f" ({md(missing, 120)})" if missing else ""),
    ]
    return "| " + " | ".join(cells) + " |"

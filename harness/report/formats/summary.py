"""summary.md: the verdict in at most sixty lines, for a pull request or a terminal."""

from __future__ import annotations

from harness.report.sections import gate_table
from harness.report.sections.checkpoint_series import series_tables
from harness.report.view.run_view import WORDS, ModelPair, RunView, classify_change
from harness.report.wording.executive_summary import brief
from harness.report.wording.safe_text import markdown as md
from harness.report.wording.safe_text import plural
from harness.schema.results import number_format
from harness.schema.results.absences import behind_comparison, class_balance
from harness.schema.results.metrics import ComparisonResult
from harness.schema.results.results_file import Results
from harness.schema.results.verdicts import GateResult
from harness.schema.run_info import RunInfo, attempt_sentence, earlier_sentence

MAX_LINES = 60
_GATES, _DELTAS, _STORIES, _STEPS = 14, 16, 3, 12
ICONS = {"none": "➖", "pass": "✅", "warn": "⚠️", "inconclusive": "❔", "fail": "❌", "error": "🛑"}


def summary_markdown(results: Results, info: RunInfo | None) -> str:
    """The summary; everything that comes from data, models or the suite is escaped."""
    view = RunView(results, info)
    verdict = results.verdict
    lines = [
        f"## {ICONS[verdict.overall]} {verdict.overall.upper()}: {md(results.title, 120)}",
        "",
        md(verdict.sentence, 1200),
        "",
    ]
    release = [contest for contest in view.contests if contest.release]
    for contest in release[:_STORIES]:
        lines += _story_lines(view, contest)
    lines += _balance_lines(view)
    lines += _gate_lines(view)
    for contest in release[:1]:
        lines += _delta_lines(view, contest)
    lines += _series_lines(view)
    others = len(release) - _STORIES
    if others > 0:
        lines += [f"{plural(others, 'further release model')} in report.html.", ""]
    if results.limit is not None:
        lines += [
            f"Limited to {plural(results.limit, 'item')} per evaluation: a trial run, not a release decision.",
            "",
        ]
    left_out = [f"{data.name}, {split}: {count:,}" for data in results.data for split, count in data.left_out.items()]
    if left_out:
        lines += [md(f"Rows left out because a compared model was trained on them: {'; '.join(left_out)}.", 400), ""]
    digest = md(results.suite_digest[:12])
    earlier = earlier_sentence(info) if info is not None else None
    if earlier is not None:
        lines += [md(earlier, 200), ""]
    lines += _lock_lines(info)
    if results.selftest is not None:
        lines += [f"Self-test: {md(results.selftest.sentence, 600)}", ""]
    run = f", run {md(info.run_id, 80)}" if info else ""
    lines.append(f"Suite {md(results.suite, 80)} ({digest}){run}, seed {results.seed}. Full report: report.html.")
    return "\n".join(lines[:MAX_LINES]) + "\n"


def _series_lines(view: RunView) -> list[str]:
    """What each checkpoint of a training gained and lost, with intervals."""
    lines: list[str] = []
    for table in series_tables(view.results):
        heads = " | ".join(md(column, 60) for column in table.columns)
        lines += [
            f"| {md(table.name, 40)}: step | {heads} | failed gates |",
            "|--:" * (len(table.columns) + 1) + "|---|",
        ]
        for step, differences, failed in table.rows[:_STEPS]:
            cells = [_interval_cell(row) for row in differences]
            lines.append(f"| {' | '.join([str(step), *cells, md(', '.join(failed), 200) or '–'])} |")
        rest = len(table.rows) - _STEPS
        lines += [f"{plural(rest, 'further checkpoint')} in comparisons.csv." if rest > 0 else "", ""]
    said = [note for note in view.results.notes if note.partition(":")[0] in {s.name for s in view.results.series}]
    return [*lines, *(f"{md(note, 400)}  " for note in said), ""] if lines else []


def _interval_cell(row: ComparisonResult | None) -> str:
    """A difference with its interval."""
    if row is None:
        return "–"
    change = number_format.difference(row.delta.value, row.unit, row.delta.low, row.delta.high)
    return f"{change} {number_format.interval(row.delta.low, row.delta.high, row.unit)}"


def _balance_lines(view: RunView) -> list[str]:
    """The class balance of the first tasks with labels, one line each."""
    said = [
        f"Class balance of {md(evaluation.name, 60)}: {md(balance, 300)}."
        for evaluation in view.results.evaluations
        if evaluation.role == "task" and (balance := class_balance(evaluation))
    ]
    return [*(f"{line}  " for line in said[:_STORIES]), ""] if said else []


def _lock_lines(info: RunInfo | None) -> list[str]:
    said = []
    if info is not None and info.lock is not None:
        said.append(attempt_sentence(info.lock))
    if info is not None and (info.ci_attempt or 0) > 1:
        said.append(f"The CI job ran {info.ci_attempt} times on this commit.")
    return [md(" ".join(said), 400), ""] if said else []


def _gate_lines(view: RunView) -> list[str]:
    gates = gate_table.gates(view)
    if not gates:
        return []
    shown = [gate for gate in gates if gate_table.at_once(gate)]
    lines = ["| gate | verdict | metric | observed | bound | margin | n |", "|---|---|---|--:|--:|--:|--:|"]
    lines += [_gate_line(view, gate) for gate in shown[:_GATES]]
    rest, quiet = len(shown) - _GATES, len(gates) - len(shown)
    if not shown:
        lines = []
    if rest > 0:
        lines += ["", f"{plural(rest, 'more gate')} in report.html."]
    if quiet:
        lines += ["", f"{plural(quiet, 'non-blocking gate')} passed."]
    return [*lines, ""]


def _gate_line(view: RunView, gate: GateResult) -> str:
    verdict = f"{ICONS[gate.verdict]} {gate.verdict}" + ("" if gate.blocking else " (non-blocking)")
    waiver = f" ({md(gate.waiver, 120)})" if gate.waiver else ""
    place = f" on {md(gate.slice, 60)}" if gate.slice else ""
    needs = f" (needs about {gate.required_n:,})" if gate.required_n else ""
    model = f" of {md(gate.model, 40)}" if gate.model else ""
    missing = gate_table.missing_behind(view, gate)
    cells = [
        md(gate.id, 60) + place,
        verdict + waiver,
        md(gate.metric, 80) + model,
        gate_table.gate_figure(view, gate, gate.observed),
        gate_table.gate_figure(view, gate, gate.bound),
        md(gate_table.gate_margin(view, gate), 40),
        (f"{gate.n:,}" if gate.n is not None else "–") + needs + (f" ({md(missing, 120)})" if missing else ""),
    ]
    return "| " + " | ".join(cells) + " |"


def _story_lines(view: RunView, contest: ModelPair) -> list[str]:
    return [f"**{md(contest.candidate, 60)}**: {md(brief(view, contest), 1800)}", ""]


def _delta_lines(view: RunView, contest: ModelPair) -> list[str]:
    rows = view.comparisons(contest)
    if not rows:
        return []
    title = f"All differences for {md(contest.candidate, 60)} ({plural(len(rows), 'comparison')})"
    lines = [
        f"<details><summary>{title}</summary>",
        "",
        "| metric | baseline | candidate | δ | interval | reading | n |",
        "|---|--:|--:|--:|--:|---|--:|",
    ]
    lines += [_delta_line(view, row) for row in rows[:_DELTAS]]
    rest = len(rows) - _DELTAS
    return [
        *lines,
        "",
        *([f"{plural(rest, 'more comparison')} in report.html.", ""] if rest > 0 else []),
        "</details>",
        "",
    ]


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
        f"{change} {md(number_format.shown_unit(row.unit), 20)}",
        number_format.interval(row.delta.low, row.delta.high, row.unit),
        WORDS[classify_change(row)],
        number_format.sample_size(row.n, row.n_eff) + (f" ({md(missing, 120)})" if missing else ""),
    ]
    return "| " + " | ".join(cells) + " |"

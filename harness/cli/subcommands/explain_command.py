"""`harness explain [GATE]`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from harness.cli.options import OUT, policy_option
from harness.cli.run_argument import run_folder, say_earlier_version
from harness.cli.terminal import joined, say, say_json, styled

if TYPE_CHECKING:
    from harness.commands.stored_runs.explain import Explained
    from harness.gates.explanation import Explanation

WIDTH = 16


@click.command("explain")
@click.argument("gate", required=False)
@click.option("--run", "run", default=OUT, help="Run directory or suite name. Defaults to the newest finished run.")
@policy_option
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object to stdout.")
def command(gate: str | None, run: str, as_json: bool) -> int:
    """Explain in plain words why GATE got its verdict, with the numbers, and what would change it.

    Without GATE, explain every gate that did not pass. Name a member of a composition as gate/member. No
    model is run; the exit code is 0 regardless of the verdict.
    """
    from harness.cli.console import make_reporter
    from harness.cli.run_argument import earlier_json
    from harness.commands.stored_runs.explain import explain_run
    from harness.storage.run_folders import find_newest

    stored = find_newest(run_folder(run))
    say_earlier_version(stored)
    explained = explain_run(stored, gate, make_reporter(quiet=True))
    if as_json:
        say_json(
            {
                "run_dir": str(stored.path),
                "gates": [explained_gate.to_json() for explained_gate in explained],
                **earlier_json(stored),
            }
        )
        return 0
    say(f"run: {stored.path}")
    if not explained:
        say("Every gate passed. `harness explain GATE` shows how a gate was decided.")
    for explained_gate in explained:
        say()
        for line in _lines(explained_gate):
            say(line)
    return 0


def _lines(gate: Explained) -> Iterator[str]:
    from harness.report.wording.safe_text import clean_line

    yield from _explanation(gate.explanation, "")
    if gate.stored is not None:
        yield _labeled(
            "", "note", f"results.json says {gate.stored}: it was judged on another day or under other gates"
        )
    if gate.counts:
        yield _labeled("", "items", ", ".join(f"{name.replace('_', ' ')} {n:,}" for name, n in gate.counts.items()))
    for item in gate.moved:
        right = f", correct: {clean_line(item.target, 40)}" if item.target is not None else ""
        change = f"{clean_line(item.before or '–', 40)} → {clean_line(item.after or '–', 40)}"
        yield _labeled("", f"  {item.kind}", f"{clean_line(item.text, 90)} ({change}{right})")


def _explanation(part: Explanation, indent: str) -> Iterator[str]:
    from harness.cli.outcome import COLOURS, MARKS
    from harness.report.wording.safe_text import clean_line

    mark = styled(MARKS[part.verdict], color=COLOURS[part.verdict])
    yield joined(indent, mark, " ", styled(clean_line(part.title), bold=True))
    for label, text in part.lines:
        yield _labeled(indent, label, clean_line(text))
    for member in part.members:
        yield from _explanation(member, indent + "    ")


def _labeled(indent: str, label: str, text: str) -> str:
    """A label and its text, wrapped below each other."""
    import shutil
    import textwrap

    head = f"{indent}  {label:<{WIDTH}} "
    columns = max(60, min(shutil.get_terminal_size((100, 24)).columns, 120))
    wrapped = textwrap.wrap(text, columns - len(head), break_long_words=False, break_on_hyphens=False) or [""]
    return "\n".join([head + wrapped[0], *(" " * len(head) + line for line in wrapped[1:])])

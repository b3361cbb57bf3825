"""`harness compare RUN RUN`."""

from __future__ import annotations

import click

from harness.cli.options import output_options, policy_option
from harness.cli.run_argument import run_folder
from harness.cli.terminal import say, say_json


@click.command("compare")
@click.argument("baseline_run", metavar="RUN_A")
@click.argument("candidate_run", metavar="RUN_B")
@click.option("--model", "models", multiple=True, metavar="A=B", help="Compare model A of RUN_A with model B of RUN_B.")
@click.option(
    "--suite", "suite_name", help="Judge RUN_B's released models by this suite's gates, with RUN_A as baseline."
)
@click.option(
    "--allow-protocol-difference",
    is_flag=True,
    help="Compare runs that asked differently (prompt, template, words, stop rules, filters, scorer), and label it.",
)
@policy_option
@output_options
def command(
    baseline_run: str,
    candidate_run: str,
    models: tuple[str, ...],
    suite_name: str | None,
    allow_protocol_difference: bool,
    as_json: bool,
    quiet: bool,
) -> int:
    """Compare two stored runs: RUN_B minus RUN_A, item by item, with intervals.

    Models with the same name are compared on every evaluation that both runs contain. Models and evaluations without a
    partner are named. Runs that asked differently are refused. With --suite, the exit code is the verdict.
    """
    from harness.cli.comparison_lines import comparison_lines
    from harness.cli.console import make_reporter
    from harness.cli.outcome import say_verdicts, verdict_json
    from harness.cli.run_argument import earlier_json, say_earlier_version
    from harness.commands.stored_runs.compare_runs import both_sides, compare_runs
    from harness.commands.stored_runs.judge_pair import judge_pair
    from harness.report.wording.safe_text import clean_line
    from harness.storage.run_folders import find

    pairs = []
    for text in models:
        old, equals, new = text.partition("=")
        if not equals or not old or not new:
            raise click.BadParameter(f"expected A=B, got {text!r}.", param_hint="--model")
        pairs.append((old, new))
    first, second = find(run_folder(baseline_run)), find(run_folder(candidate_run))
    say_earlier_version(first, second)
    reporter = make_reporter(quiet=quiet)
    compared = compare_runs(first, second, pairs, reporter, allow_protocol_difference=allow_protocol_difference)
    for sentence in compared.unpaired:
        reporter.warn(clean_line(sentence))
    judged = None
    if suite_name is not None:
        judged = judge_pair(
            first, second, pairs, suite_name, reporter, allow_protocol_difference=allow_protocol_difference
        )
    if as_json:
        comparisons = [entry.model_dump(mode="json") for entry in compared.comparisons]
        verdict = {} if judged is None else verdict_json(judged)
        say_json({"comparisons": comparisons, "unpaired": compared.unpaired, **verdict, **earlier_json(first, second)})
    else:
        for line in comparison_lines(compared.comparisons, both_sides(first, second)):
            say(line)
        if judged is not None:
            say()
            say_verdicts(judged, None)
    return 0 if judged is None else judged.verdict.exit_code

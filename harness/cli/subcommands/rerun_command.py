"""`harness rerun RUN`."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from harness.cli.options import AllowedCode, code_options, device_option, out_option, output_options, policy_option
from harness.cli.run_argument import run_folder
from harness.cli.terminal import say, say_json

MOST = 40
"""Figures that are named; the rest is counted."""


@click.command("rerun")
@click.argument("run")
@out_option
@device_option
@click.option(
    "--resume/--fresh",
    default=False,
    show_default=True,
    help="Reuse cached work, which checks only what is computed from it; or recompute everything.",
)
@code_options
@policy_option
@output_options
def command(
    run: str,
    out: Path,
    device: str,
    resume: bool,
    allowed: AllowedCode,
    as_json: bool,
    quiet: bool,
) -> int:
    """Run the suite of RUN again and name every figure that differs.

    Suite, data, seeds, overrides, and limit are those of RUN, as far as they are at hand; what has changed since is
    named. The exit code is 0 if every figure is within the tolerance and every verdict the same, 10 if not. Timings
    (`inference_cost`) are measured anew and not compared, nor are gates on them.
    """
    from harness.cli.console import make_reporter
    from harness.cli.options import open_store
    from harness.commands.stored_runs.rerun import TOLERANCE, rerun
    from harness.core.errors import EXIT_GATE_FAILED, EXIT_OK
    from harness.pipeline.run_suite import Settings
    from harness.report.wording.safe_text import clean_line
    from harness.storage.run_folders import find

    reporter = make_reporter(quiet=quiet)
    settings = Settings(
        out=out,
        device=device,
        resume=resume,
        command=["harness", *sys.argv[1:]],
        metric_code=allowed.metric,
        generated_code=allowed.generated,
    )
    made = rerun(find(run_folder(run)), open_store(reporter, fresh=not resume), reporter, settings)
    if as_json:
        say_json(
            {
                "run_dir": str(made.run.path),
                "reproduced": made.reproduced,
                "sentence": made.sentence,
                "tolerance": TOLERANCE,
                "figures": made.figures,
                "timings": list(made.timings),
                "inputs": made.inputs,
                "verdicts": made.verdicts,
                "changed": [
                    {"figure": entry.name, "before": entry.before, "after": entry.after, "within": entry.within}
                    for entry in made.changed
                ],
            }
        )
    else:
        for line in (*made.inputs, *made.verdicts):
            say(clean_line(line))
        for entry in sorted(made.changed, key=lambda entry: entry.within)[:MOST]:
            say(clean_line(entry.sentence))
        if len(made.changed) > MOST:
            say(f"and {len(made.changed) - MOST} more (--json names all)")
        say(clean_line(f"run: {made.run.path}"))
        say(clean_line(made.sentence))
    return EXIT_OK if made.reproduced else EXIT_GATE_FAILED

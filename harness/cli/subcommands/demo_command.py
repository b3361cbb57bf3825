"""`harness demo`."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from harness.cli.options import out_option
from harness.cli.terminal import say

SUITE = "demo"


@click.command("demo")
@out_option
@click.option("--quiet", "-q", is_flag=True, help="Print only warnings and the result.")
def command(out: Path, quiet: bool) -> int:
    """Run the bundled suite `demo` and write its report: a tiny model is trained and compared; nothing is fetched.

    The exit code is 0 whatever the verdict; `harness run demo` exits with the verdict.
    """
    from harness.cli.console import make_reporter
    from harness.cli.options import open_store
    from harness.cli.outcome import show_outcome
    from harness.pipeline.run_suite import Settings, run_suite
    from harness.suite.load_suite import load_suite

    reporter = make_reporter(quiet=quiet)
    suite = load_suite(SUITE)
    settings = Settings(out=out, command=["harness", *sys.argv[1:]])
    finished = run_suite(suite, open_store(reporter), reporter, settings)
    code = show_outcome(finished.run, finished.results, as_json=False)
    say(
        f"the suite: {suite.path}\nas a release gate (`harness run {SUITE}`) this run would exit with {code}; for your "
        "own data: `harness init DATA --base A --finetuned B`"
    )
    return 0

"""`harness watch DIR`."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from harness.cli.options import device_option, follow_links_option, out_option, policy_option
from harness.cli.terminal import say, say_json

if TYPE_CHECKING:
    from harness.commands.checkpoint_runs import CheckpointRun


@click.command("watch")
@click.argument("folder", metavar="DIR", type=click.Path(file_okay=False, path_type=Path))
@click.option("--suite", required=True, help="Suite (a file, or a bundled suite's name) to run on every checkpoint.")
@click.option("--model", required=True, help="Model of the suite that each checkpoint replaces.")
@out_option
@device_option
@click.option("--limit", type=click.IntRange(min=1), help="Evaluate at most this many items per evaluation.")
@click.option(
    "--interval", default=30.0, show_default=True, type=click.FloatRange(min=0.1), help="Seconds between looks."
)
@click.option("--once", is_flag=True, help="Run on the checkpoints that exist now, and exit.")
@click.option(
    "--idle", type=click.FloatRange(min=0), help="Exit when no new checkpoint has appeared for this many minutes."
)
@click.option("--stop-at-failed-gate", is_flag=True, help="Exit with code 10 at the first blocking gate that fails.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object per checkpoint to stdout.")
@click.option("--quiet", "-q", is_flag=True, help="No progress.")
@follow_links_option
@policy_option
def command(
    folder: Path,
    suite: str,
    model: str,
    out: Path,
    device: str,
    limit: int | None,
    interval: float,
    once: bool,
    idle: float | None,
    stop_at_failed_gate: bool,
    as_json: bool,
    quiet: bool,
) -> int:
    """Run a suite on every checkpoint that a training writes below DIR, as it comes.

    Only checkpoints that are whole are read: those with a trainer_state.json, which trainers write last. The base is
    asked once. The training is not touched: end it where a gate fails, by the exit code or in the trainer itself with
    `harness.SuiteCallback`.
    """
    from harness.cli.console import make_reporter
    from harness.cli.options import open_store
    from harness.commands.checkpoint_runs import CheckpointRunner, is_whole, new_checkpoints
    from harness.core.errors import EXIT_GATE_FAILED, EXIT_OK, DataError, HarnessError, Where
    from harness.pipeline.run_suite import Settings

    if not folder.is_dir():
        raise DataError(
            "expected a folder, found nothing.",
            where=Where(folder),
            hint="give a trainer's output folder; create it if training has not started.",
        )
    reporter = make_reporter(quiet=quiet)
    settings = Settings(out=out, limit=limit, device=device)
    runner = CheckpointRunner(suite, model, open_store(reporter), reporter, settings)
    done: dict[int, int] = {}
    newest = time.monotonic()
    while True:
        for step, path in new_checkpoints(folder, done):
            try:
                made = runner.run(step, path)
            except (HarnessError, OSError):
                if is_whole(path):
                    raise
                reporter.warn(f"step {step}: its checkpoint was removed while it was read; it is skipped")
                continue
            _show(made, as_json=as_json)
            newest = time.monotonic()
            if made.failed and stop_at_failed_gate:
                return EXIT_GATE_FAILED
        if once or (idle is not None and time.monotonic() - newest > idle * 60):
            ended = "" if once else f"; no other one came for {idle:g} minutes"
            reporter.info(f"{len(done)} checkpoint{'s' * (len(done) != 1)} in {folder}{ended}")
            return EXIT_OK
        time.sleep(interval)


def _show(made: CheckpointRun, *, as_json: bool) -> None:
    from harness.report.wording.safe_text import clean

    failed = [gate.id for gate in made.failed]
    if as_json:
        say_json({"step": made.step, "run": str(made.run), "figures": dict(made.figures), "failed_gates": failed})
        return
    figures = ", ".join(f"{name} {value:.4g}" for name, value in made.figures.items())
    say(clean(f"step {made.step}: {figures or 'no figures'}"))
    judged = f"failed gates: {', '.join(failed)}" if failed else "no blocking gate fails"
    say(clean(f"  {judged}; {made.run}"))

"""`harness import`: `lm-eval`, and whatever is registered as an importer."""

from __future__ import annotations

from pathlib import Path

import click

from harness.cli.options import OUT, output_options
from harness.cli.terminal import say, say_json


class _Importers(click.Group):
    """`lm-eval` is read across models; every other tool by its importer (entry points `harness.importers`)."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        from harness.core import registry

        return sorted({*super().list_commands(ctx), *registry.names("importers")})

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        from harness.core.errors import unknown

        if args and not args[0].startswith("-") and args[0] not in self.list_commands(ctx):
            ctx.fail(unknown("format", args[0], self.list_commands(ctx)))
        return super().resolve_command(ctx, args)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        from harness.core import registry

        known = super().get_command(ctx, cmd_name)
        return known or (_of_importer(cmd_name) if cmd_name in registry.names("importers") else None)


@click.group("import", cls=_Importers)
def command() -> None:
    """Make a run of what another tool logged."""


def _of_importer(name: str) -> click.Command:
    from harness.commands.imported_runs.import_logs import importer

    reads = importer(name)
    told = "".join(f"\n\n{key}: {about}" for key, about in reads.options.items())
    text = f"{reads.summary}\n\nThe first model is the baseline. LOG#MODEL takes one model of several in a log."

    @click.command(
        name, short_help=reads.summary, help=text + (f"\n\nOptions (--option KEY=VALUE):{told}" if told else "")
    )
    @click.argument("logs", nargs=-1, required=True, metavar="[NAME=]LOG[#MODEL]...")
    @click.option("--option", "options", multiple=True, metavar="KEY=VALUE", help="An option of this format; repeat.")
    @click.option("--suite", default=name, show_default=True, help="Suite name; names the run's folder.")
    @click.option(
        "--out", default=OUT, show_default=True, type=click.Path(path_type=Path), help="Folder for run directories."
    )
    @output_options
    def read(logs: tuple[str, ...], options: tuple[str, ...], suite: str, out: Path, as_json: bool, quiet: bool) -> int:
        from harness.cli.console import make_reporter
        from harness.commands.imported_runs.import_logs import LogSource, import_logs

        sources = [LogSource.of(text) for text in logs]
        reporter = make_reporter(quiet=quiet)
        run = import_logs(name, sources, _given(options), suite=suite, out=out, reporter=reporter)
        return _told(run.path, as_json)

    return read


def _given(options: tuple[str, ...]) -> dict[str, str]:
    given: dict[str, str] = {}
    for text in options:
        key, equals, value = text.partition("=")
        if not equals:
            raise click.BadParameter(f"expected KEY=VALUE, got {text!r}.", param_hint="--option")
        given[key] = value
    return given


def _told(run: Path, as_json: bool) -> int:

    if as_json:
        say_json({"run_dir": str(run), "report": str(run / "report.html")})
    else:
        say(f"report: {run / 'report.html'}")
    return 0


@command.command(
    "lm-eval", short_help="lm-evaluation-harness: the folder of `lm_eval … --log_samples --output_path DIR`."
)
@click.argument("logs", nargs=-1, required=True, metavar="[NAME=]LOG...")
@click.option("--suite", default="lm-eval", show_default=True, help="Suite name; names the run's folder.")
@click.option(
    "--out", default=OUT, show_default=True, type=click.Path(path_type=Path), help="Folder for run directories."
)
@click.option("--filter", "chosen", metavar="NAME", help="Filter of the generation tasks. Defaults to the first.")
@output_options
def lm_eval(logs: tuple[str, ...], suite: str, out: Path, chosen: str | None, as_json: bool, quiet: bool) -> int:
    """Import the samples that lm-evaluation-harness logged (--log_samples) for two or more models as a run.

    LOG is an lm-eval --output_path, or one samples file. The first model is the baseline. The result
    is an ordinary run: `harness report`, `compare`, and `gate RUN --suite GATES` work on it.
    """
    from harness.cli.console import make_reporter
    from harness.commands.imported_runs.import_lm_eval import import_lm_eval, named

    run = import_lm_eval(named(logs), suite=suite, out=out, reporter=make_reporter(quiet=quiet), chosen_filter=chosen)
    return _told(run.path, as_json)

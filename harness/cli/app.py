"""`harness`: finds a command's module by name, runs it, and turns errors into exit codes."""

from __future__ import annotations

import importlib
import os
import sys
import warnings
from collections.abc import Sequence

import click

COMMANDS = {
    "run": "Run a suite: train or load its models, ask, compare, gate, report.",
    "train": "Run only the training stages of a suite.",
    "audit": "Compare two checkpoints without a suite file.",
    "plan": "Say what a run would do, what is cached, and what each gate could detect.",
    "validate": "Check a suite file.",
    "lock": "Pin a suite, its gates, data and baseline in a lock file.",
    "compare": "Compare two stored runs on identical items.",
    "import-lm-eval": "Make a run of what lm-evaluation-harness logged of two or more models.",
    "gate": "Judge a stored run again, also under another suite's gates.",
    "explain": "Say in plain words why a gate got its verdict, and what would change it.",
    "selftest": "Test the tests on a stored run: false alarms, and the noise floor.",
    "report": "Render the reports of a stored run again.",
    "serve": "Show a run's report on this machine, with every item read on demand.",
    "index": "Write a page over all runs: verdicts, and every gate's figure over time.",
    "export": "Copy a trained checkpoint to a folder that from_pretrained loads.",
    "init": "Write a commented suite for your own data and models.",
    "list": "List tasks, probes, metrics, data and suites.",
    "data": "List, show, fetch and verify data sets.",
    "doctor": "Show versions, devices, cache, and what is missing.",
    "schema": "Print the JSON Schema of suite files.",
}


class LazyGroup(click.Group):
    """Commands are modules `harness.cli.subcommands.<name>_command` with a click command `command`."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"harness.cli.subcommands.{cmd_name.replace('-', '_')}_command")
        command = module.command
        if not isinstance(command, click.Command):
            raise TypeError(f"{module.__name__}.command is not a click command")
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            from harness.core.errors import unknown

            ctx.fail(unknown("command", args[0], COMMANDS))
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="harness", prog_name="harness")
def harness() -> None:
    """Compare a base language model with its fine-tuned specializations.

    What did it gain, what did it forget, what did it cost, whom does it hurt, and is the
    difference real? Start with `harness run sentiment`.

    Exit codes: 0 every blocking gate passed; 2 usage, suite or data is wrong; 10 a blocking gate
    failed; 11 inconclusive; 12 error or incomplete (run again to go on); 13 lock mismatch;
    70 internal error; 130 interrupted.
    """


def main(arguments: Sequence[str] | None = None) -> None:
    """The console script: runs a command and exits with the documented code."""
    sys.exit(invoke(list(sys.argv[1:] if arguments is None else arguments)))


def invoke(arguments: list[str]) -> int:
    """Runs a command line and returns its exit code; prints errors to stderr, never a traceback."""
    from harness.cli.process_settings import ProcessSettings
    from harness.core.errors import EXIT_INTERNAL, EXIT_INTERRUPTED, EXIT_USAGE, HarnessError

    ProcessSettings.apply()
    if not os.environ.get("HARNESS_DEBUG"):
        # Deprecations inside libraries are nothing that a user of harness can act on.
        warnings.filterwarnings("ignore", category=FutureWarning, module=r"(transformers|peft|accelerate|datasets)\b")
    try:
        code = harness.main(args=arguments, prog_name="harness", standalone_mode=False)
    except click.exceptions.Abort:
        return _interrupted(EXIT_INTERRUPTED)
    except KeyboardInterrupt:
        return _interrupted(EXIT_INTERRUPTED)
    except click.ClickException as error:
        error.show()
        return EXIT_USAGE
    except HarnessError as error:
        click.echo(f"error: {error}", err=True)
        return error.exit_code
    except BrokenPipeError:
        # The reader of our output went away (`harness list | head`); nothing is wrong with the work.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:
        return _internal(error, EXIT_INTERNAL)
    return code if isinstance(code, int) else 0


def _interrupted(code: int) -> int:
    click.echo("interrupted. Finished work is kept: the same command goes on where this one stopped.", err=True)
    return code


def _internal(error: Exception, code: int) -> int:
    if os.environ.get("HARNESS_DEBUG"):
        import traceback

        traceback.print_exception(error)
    click.echo(
        f"internal error: {type(error).__name__}: {error}\n"
        "next: this is a defect of harness; run again with HARNESS_DEBUG=1 and report what it prints.",
        err=True,
    )
    return code

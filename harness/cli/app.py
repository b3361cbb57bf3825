"""`harness`: finds a command's module by name, runs it, and turns errors into exit codes."""

from __future__ import annotations

import errno
import importlib
import os
import sys
import warnings
from collections.abc import Sequence

import click

from harness.cli.stop_signals import Terminated, stoppable
from harness.cli.terminal import say
from harness.core.distribution import explained, installed_version

_NAMES = frozenset({errno.ENAMETOOLONG, errno.ELOOP, errno.ENOTDIR, errno.EISDIR, errno.EACCES, errno.EPERM})
"""Names that the system does not take: wrong usage."""
_RESOURCES = frozenset(
    {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO, errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EFBIG}
)
"""What the machine lacks: rerun to resume."""
_SHOWN = 80

COMMANDS = {
    "demo": "Run a whole small suite in seconds, with nothing to fetch, and write its report.",
    "run": "Run a suite: train or load its models, evaluate, compare, gate, and report.",
    "watch": "Run a suite on every checkpoint that a training writes.",
    "train": "Run only the training stages of a suite.",
    "audit": "Compare two checkpoints without a suite file.",
    "plan": "Show what a run would do, what is cached, and what each gate could detect.",
    "validate": "Check suite and policy files for errors.",
    "migrate": "Bring other tools' gates, or a suite of 0.1.0, to this version.",
    "lock": "Pin a suite, its policies, data, and baseline in a lock file.",
    "compare": "Compare two stored runs on identical items, and judge by a suite's gates.",
    "bless": "Bless a stored run under a tag, to compare later runs with it.",
    "items": "List the items of a stored run, those with a doubtful label first.",
    "relabel": "Make a new run from a stored one with corrected labels, and judge it again.",
    "rerun": "Run the suite of a stored run again, and name every figure that differs.",
    "import": "Import the logs of another tool (lm-evaluation-harness) as a run.",
    "gate": "Re-evaluate the gates of a stored run, or apply another suite's gates to it.",
    "explain": "Explain why a gate got its verdict, and what would change it.",
    "selftest": "Check the statistical tests on a stored run: false alarm rates and the noise floor.",
    "report": "Render the reports of a stored run again.",
    "serve": "Serve a run's report locally and load every item on demand.",
    "index": "Write an overview page of all runs: verdicts, and every gate's value over time.",
    "export": "Copy a trained checkpoint to a folder that from_pretrained can load.",
    "init": "Write a suite for your own data and models, ready to run.",
    "list": "List the available tasks, probes, metrics, data, and suites.",
    "data": "List, show, fetch, verify, and audit datasets.",
    "cache": "Show, check, or clear the cache of data, checkpoints, and answers.",
    "doctor": "Show versions, devices, the cache, and anything missing.",
    "schema": "Print the JSON Schema of suite or policy files.",
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
            from harness.schema.renames import COMMANDS as RENAMED

            if args[0] in RENAMED:
                ctx.fail(f"the command {args[0]!r} is called {RENAMED[args[0]]!r} now.")
            ctx.fail(unknown("command", args[0], COMMANDS))
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


def _show_version(context: click.Context, _: click.Parameter, wanted: bool) -> None:
    if wanted and not context.resilient_parsing:
        say(f"harness, version {installed_version()}")
        context.exit()


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.option(
    "--version", is_flag=True, is_eager=True, expose_value=False, callback=_show_version, help="Show the version."
)
def harness() -> None:
    """Compare a base language model with its fine-tuned specializations.

    What did the model gain, what did it forget, what did it cost, whom does it harm, and is
    the difference real? Start with `harness run sentiment`.

    Exit codes: 0 every blocking gate passed; 2 invalid usage, suite, or data; 10 a blocking gate
    failed; 11 inconclusive; 12 error or incomplete (rerun to resume); 13 lock mismatch;
    70 internal error; 130 interrupted (Ctrl-C); 143 terminated (SIGTERM).

    Which files, ids, exit codes, and Python names later versions keep: docs/stability.md.
    """


def main(arguments: Sequence[str] | None = None) -> None:
    """The console script: runs a command and exits with the documented code."""
    from harness.cli.output_streams import OutputStreams
    from harness.core.errors import EXIT_INCOMPLETE

    streams = OutputStreams.install()
    code = invoke(list(sys.argv[1:] if arguments is None else arguments))
    fault = streams.close()
    if fault is not None:
        _tell(f"error: the output cannot be written: {fault.strerror}.\nnext: free some space, or write it elsewhere.")
        code = code or EXIT_INCOMPLETE
    sys.exit(code)


def invoke(arguments: list[str]) -> int:
    """Runs a command line and returns its exit code; prints errors to stderr, never a traceback."""
    from harness.cli.process_settings import ProcessSettings
    from harness.core.errors import EXIT_INTERNAL, EXIT_USAGE, HarnessError

    if not os.environ.get("HARNESS_DEBUG"):
        # A user of harness cannot act on deprecations inside libraries.
        warnings.filterwarnings("ignore", category=FutureWarning, module=r"(transformers|peft|accelerate|datasets)\b")
    try:
        with stoppable(), explained():
            ProcessSettings.apply()
            code = harness.main(args=arguments, prog_name="harness", standalone_mode=False)
    except (click.exceptions.Abort, KeyboardInterrupt) as stop:
        return _interrupted(stop)
    except click.UsageError as error:
        usage = f"{error.ctx.get_usage()}\n" if error.ctx is not None else ""
        _tell(f"{usage}Error: {error.format_message()}")
        return EXIT_USAGE
    except click.ClickException as error:
        _tell(f"Error: {error.format_message()}")
        return EXIT_USAGE
    except HarnessError as error:
        _tell(f"error: {error}")
        return error.exit_code
    except OSError as error:
        return _system(error)
    except Exception as error:
        return _foreign(error, EXIT_INTERNAL)
    return code if isinstance(code, int) else 0


def _tell(text: str) -> None:
    """A message on stderr; what it quotes of files and arguments never drives the terminal."""
    from harness.report.wording.safe_text import clean

    say(clean(text), err=True)


def _system(error: OSError) -> int:
    """What the system refuses for a reason that the user can mend is an error of the user's; the rest is ours."""
    from harness.core.errors import EXIT_INCOMPLETE, EXIT_INTERNAL, EXIT_USAGE

    code = EXIT_USAGE if error.errno in _NAMES else EXIT_INCOMPLETE if error.errno in _RESOURCES else None
    if code is None or os.environ.get("HARNESS_DEBUG"):
        return _internal(error, EXIT_INTERNAL if code is None else code)
    name = str(error.filename) if error.filename is not None else ""
    shown = name if len(name) <= _SHOWN else f"{name[:_SHOWN]}… ({len(name)} characters)"
    place = f"{shown}: " if name else ""
    _tell(f"error: {place}{error.strerror}.\nnext: check the name and the permissions, and that there is free space.")
    return code


def _foreign(error: Exception, code: int) -> int:
    """What a library raises where the system ran out of something; everything else is a fault of ours."""
    from harness.core.errors import EXIT_INCOMPLETE
    from harness.storage.atomic import exhausted

    lacking = exhausted(error)
    if lacking is None or os.environ.get("HARNESS_DEBUG"):
        return _internal(error, code if lacking is None else EXIT_INCOMPLETE)
    _tell(f"error: {lacking}.\nnext: free some space or raise the limit (`ulimit`), then rerun; finished work is kept.")
    return EXIT_INCOMPLETE


def _interrupted(stop: BaseException) -> int:
    from harness.core.errors import EXIT_INTERRUPTED, EXIT_TERMINATED

    terminated = isinstance(stop, Terminated) or isinstance(stop.__context__, Terminated)
    word = "terminated" if terminated else "interrupted"
    say(f"{word}. Finished work is kept; rerun the command to resume.", err=True)
    return EXIT_TERMINATED if terminated else EXIT_INTERRUPTED


def _internal(error: Exception, code: int) -> int:
    if os.environ.get("HARNESS_DEBUG"):
        import traceback

        traceback.print_exception(error)
    _tell(
        f"internal error: {type(error).__name__}: {error}\n"
        "next: this is a bug in harness; rerun with HARNESS_DEBUG=1 and report the output."
    )
    return code

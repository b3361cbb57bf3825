"""Options that several commands share."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from harness.cli.suite_argument import SuiteChanges

if TYPE_CHECKING:
    from harness.core.reporter import Reporter
    from harness.storage.store import Store

F = TypeVar("F", bound=Callable[..., Any])

OUT = "reports"
_DELIMITERS = {"tab": "\t", "\\t": "\t", "semicolon": ";", "comma": ","}
FORMATS = ("csv", "tsv", "jsonl", "json", "parquet", "txt", "conll")


def suite_changes(command: Callable[..., int]) -> Callable[..., int]:
    """`--model`, `--only`, `--seed`, `--set`: change the suite before anything runs; `--policy` and `--follow-links`.

    The command gets the changes as `changes`.
    """

    @functools.wraps(command)
    def wrapped(
        *,
        models: tuple[str, ...],
        trained_on: tuple[str, ...],
        only: tuple[str, ...],
        seed: int | None,
        sets: tuple[str, ...],
        **rest: Any,
    ) -> int:
        return command(changes=SuiteChanges(models, trained_on, only, seed, sets), **rest)

    for option in reversed(
        [
            click.option(
                "--model",
                "models",
                multiple=True,
                metavar="NAME=PATH",
                help="Replace one of the suite's models with your checkpoint (a folder, or hub-id@revision).",
            ),
            click.option(
                "--trained-on",
                "trained_on",
                multiple=True,
                metavar="NAME=FILE",
                help="A file that a loaded or served model learned from; evaluated rows that occur in it are left out. "
                "Repeat for more.",
            ),
            click.option(
                "--only",
                multiple=True,
                metavar="NAME",
                help="Run only these models, tasks, and probes, plus what they need. Repeat, or separate with commas.",
            ),
            click.option("--seed", type=int, help="Override the suite's seed."),
            click.option(
                "--set",
                "sets",
                multiple=True,
                metavar="KEY=VALUE",
                help="Set a value of the suite, such as models.finetuned.finetune.epochs=3. Repeat for more.",
            ),
            policy_option,
            follow_links_option,
        ]
    ):
        wrapped = option(wrapped)
    return wrapped


def policy_option(function: F) -> F:
    """`--policy`: adds to what HARNESS_POLICY names, and takes nothing away from it."""

    def apply(context: click.Context, _: click.Parameter, files: tuple[str, ...]) -> None:
        from harness.suite.policies_in_force import VARIABLE

        if files and not context.resilient_parsing:
            for file in files:
                if not file or os.pathsep in file:
                    raise click.BadParameter(
                        f"expected the path of a policy file, got {file!r}.", param_hint="--policy"
                    )
            before = os.environ.get(VARIABLE)
            _for_command(context, VARIABLE, os.pathsep.join([*([] if before is None else [before]), *files]))

    return click.option(
        "--policy",
        multiple=True,
        metavar="FILE",
        expose_value=False,
        callback=apply,
        help="Hold the suite to this policy, beside those of the suite and of HARNESS_POLICY. Repeat for more.",
    )(function)


def _for_command(context: click.Context, variable: str, value: str) -> None:
    """Sets an environment variable until the command ends."""
    before = os.environ.get(variable)
    os.environ[variable] = value
    context.call_on_close(lambda: os.environ.pop(variable) if before is None else os.environ.update({variable: before}))


def device_option(function: F) -> F:
    """`--device`."""
    return click.option(
        "--device", default="auto", show_default=True, help="auto, cpu, cuda, cuda:1, cuda:auto (all), mps."
    )(function)


def out_option(function: F) -> F:
    """`--out`, a folder of runs."""
    return click.option(
        "--out",
        type=click.Path(file_okay=False, path_type=Path),
        default=OUT,
        show_default=True,
        help="Folder for run directories.",
    )(function)


def follow_links_option(function: F) -> F:
    """`--follow-links`."""

    def apply(context: click.Context, _: click.Parameter, wanted: bool) -> None:
        from harness.storage.plain_files import FOLLOW_LINKS

        if wanted and not context.resilient_parsing:
            _for_command(context, FOLLOW_LINKS, "1")

    return click.option(
        "--follow-links",
        is_flag=True,
        expose_value=False,
        callback=apply,
        help="Follow links in model folders that lead out of them.",
    )(function)


def output_options(function: F) -> F:
    """`--json`, `--quiet`."""
    for option in reversed(
        [
            click.option(
                "--json", "as_json", is_flag=True, help="Print one JSON object to stdout, everything else to stderr."
            ),
            click.option("--quiet", "-q", is_flag=True, help="Print only warnings and the result."),
        ]
    ):
        function = option(function)
    return function


@dataclass(frozen=True, slots=True)
class AllowedCode:
    """What code the user lets a run execute."""

    metric: bool
    generated: bool


def code_options(command: Callable[..., int]) -> Callable[..., int]:
    """`--allow-metric-code`, `--allow-generated-code`; the command gets them as `allowed`."""

    @functools.wraps(command)
    def wrapped(*, metric_code: bool, generated_code: bool, **rest: Any) -> int:
        return command(allowed=AllowedCode(metric_code, generated_code), **rest)

    for option in reversed(
        [
            click.option(
                "--allow-metric-code",
                "metric_code",
                is_flag=True,
                help="Run the code of the suite's `evaluate:` metrics, each pinned by digest. Allow only code you have "
                "reviewed.",
            ),
            click.option(
                "--allow-generated-code",
                "generated_code",
                is_flag=True,
                help="Run programs that models write (`program_synthesis`) in locked-down processes; else only parse "
                "them.",
            ),
        ]
    ):
        wrapped = option(wrapped)
    return wrapped


def lock_option(function: F) -> F:
    """`--lock`."""
    return click.option(
        "--lock",
        type=click.Path(dir_okay=False, path_type=Path),
        help="Lock file. Defaults to <suite>.lock next to the suite (current folder for bundled suites).",
    )(function)


def open_store(reporter: Reporter, *, fresh: bool = False) -> Store:
    from harness.storage.store import Store

    return Store(reporter=reporter, fresh=fresh)


def file_options(command: Callable[..., int]) -> Callable[..., int]:
    """The options that say how the user's file is written; the command gets those that are given as `read_as`."""

    @functools.wraps(command)
    def wrapped(*, file_format: str | None, delimiter: str | None, encoding: str | None, **rest: Any) -> int:
        given = {"format": file_format, "delimiter": _DELIMITERS.get(str(delimiter), delimiter), "encoding": encoding}
        return command(read_as={key: value for key, value in given.items() if value is not None}, **rest)

    for option in (
        click.option("--encoding", help="The file's encoding, such as utf-8 or cp1252. Found by default."),
        click.option("--delimiter", help="What is between the cells of a csv file; `tab` for tabs. Found by default."),
        click.option("--format", "file_format", type=click.Choice(FORMATS), help="Defaults to the file's extension."),
    ):
        wrapped = option(wrapped)
    return wrapped

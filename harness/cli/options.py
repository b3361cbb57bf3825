"""Options that several commands share."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from harness.cli.terminal import say, say_json

if TYPE_CHECKING:
    from harness.core.reporter import Reporter
    from harness.storage.run_dir import RunDir
    from harness.storage.store import Store
    from harness.suite.checks.metric_code_checks import MetricCode
    from harness.suite.suite import Suite

F = TypeVar("F", bound=Callable[..., Any])

OUT = "reports"


@dataclass(frozen=True)
class SuiteChanges:
    """What the command line changes of a suite.

    Attributes:
        models, trained_on: `NAME=PATH`, as typed.
        sets: `KEY=VALUE`, as typed.
        baseline_run: `run` and maybe `model`.
    """

    models: tuple[str, ...] = ()
    trained_on: tuple[str, ...] = ()
    only: tuple[str, ...] = ()
    seed: int | None = None
    sets: tuple[str, ...] = ()
    baseline_run: Mapping[str, str] | None = None
    no_texts: bool = False


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
            os.environ[VARIABLE] = os.pathsep.join([*([] if before is None else [before]), *files])
            context.call_on_close(
                lambda: os.environ.pop(VARIABLE) if before is None else os.environ.update({VARIABLE: before})
            )

    return click.option(
        "--policy",
        multiple=True,
        metavar="FILE",
        expose_value=False,
        callback=apply,
        help="Hold the suite to this policy, beside those of the suite and of HARNESS_POLICY. Repeat for more.",
    )(function)


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
            before = os.environ.get(FOLLOW_LINKS)
            os.environ[FOLLOW_LINKS] = "1"
            context.call_on_close(
                lambda: os.environ.pop(FOLLOW_LINKS) if before is None else os.environ.update({FOLLOW_LINKS: before})
            )

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


def lock_option(function: F) -> F:
    """`--lock`."""
    return click.option(
        "--lock",
        type=click.Path(dir_okay=False, path_type=Path),
        help="Lock file. Defaults to <suite>.lock next to the suite (current folder for bundled suites).",
    )(function)


def lock_file(name: str, suite: Suite) -> Path:
    """Returns the lock file of a suite given by path or name."""
    from harness.pipeline.suite_lock import lock_path

    return lock_path(suite, shipped=not Path(name).expanduser().is_file())


def changed_suite(name: str, changes: SuiteChanges) -> tuple[Suite, dict[str, Any]]:
    """Loads a suite and applies the command line's changes; also returns them for run.json."""
    from harness.calibration.load_calibration import load_any_suite
    from harness.suite.override import override
    from harness.suite.set_values import assignments, read_typed

    suite, values = read_typed(assignments(changes.sets), lambda values: load_any_suite(name, values))
    replaced = dict(_assignment(text) for text in changes.models)
    learned: dict[str, list[str]] = {}
    for text in changes.trained_on:
        model, file = _assignment(text, "NAME=FILE", "--trained-on")
        learned.setdefault(model, []).append(str(Path(file).expanduser().absolute()))
    _refuse_twice(changes, replaced, values)
    overrides = {
        "models": replaced,
        "only": sorted(part for text in changes.only for part in text.split(",") if part),
        "seed": changes.seed,
        "trained_on": learned,
        "baseline_run": dict(changes.baseline_run or {}),
        "texts": "none" if changes.no_texts else None,
    }
    given: dict[str, Any] = {key: value for key, value in overrides.items() if value or value == 0}
    suite = override(suite, **given) if given else suite
    return suite, {**given, **({"set": values} if values else {})}


def _refuse_twice(changes: SuiteChanges, replaced: Mapping[str, str], values: Mapping[str, Any]) -> None:
    """Refuses a value that `--set` and another option both say."""
    others = {"seed": "--seed"} if changes.seed is not None else {}
    others |= {"texts": "--no-texts"} if changes.no_texts else {}
    others |= {f"models.{name}": f"--model {name}=…" for name in replaced}
    others |= {"compare.baseline": "--baseline-run"} if changes.baseline_run else {}
    for key in values:
        for start, option in others.items():
            if f"{key}.".startswith(f"{start}.") or f"{start}.".startswith(f"{key}."):
                raise click.UsageError(f"--set {key}=… and {option} say the same thing; give one of them.")


def stored_baseline(run: str | None, model: str | None) -> dict[str, str] | None:
    """What `--baseline-run` and `--baseline-model` say; a folder of the current directory as an absolute path."""
    if run is None:
        if model is not None:
            raise click.UsageError("--baseline-model names a model of --baseline-run, which is missing.")
        return None
    from harness.storage.blessed_runs import stored_run
    from harness.storage.remote_run import is_url

    stored = None if is_url(run) else stored_run(run, Path())
    place = run if stored is None or stored.tag is not None else str(stored.run.path.absolute())
    return {"run": place} if model is None else {"run": place, "model": model}


def _assignment(text: str, form: str = "NAME=PATH", option: str = "--model") -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name or not value:
        raise click.BadParameter(f"expected {form}, got {text!r}.", param_hint=option)
    return name, value


def say_unknown_training(suite: Suite) -> None:
    """Says on stderr which words have another name now, and where rows may have been trained on."""
    from harness.report.wording.safe_text import clean_line
    from harness.suite.unknown_training import warnings_of

    for sentence in (*suite.deprecated, *warnings_of(suite)):
        say(clean_line(f"warning: {sentence}", 1000), err=True)


def open_store(reporter: Reporter, *, fresh: bool = False) -> Store:
    from harness.storage.store import Store

    return Store(reporter=reporter, fresh=fresh)


def run_folder(path: str) -> Path:
    """A run given as a folder, as a URL, by the tag it was blessed with, or as a suite with runs below ./reports."""
    from harness.storage.blessed_runs import REGISTRY, read_registry, stored_run
    from harness.storage.remote_run import is_url, run_at

    if is_url(path):
        return run_at(path)
    folder = Path(path)
    if not folder.exists() and path in read_registry(Path(REGISTRY)).runs:
        return stored_run(path, Path()).run.path
    below = Path(OUT) / path
    return folder if folder.exists() or not below.is_dir() else below


def say_earlier_version(*runs: RunDir) -> None:
    """Says on stderr of every run which version made it, where that had other names."""
    from harness.report.wording.safe_text import clean_line
    from harness.schema.run_info import earlier_sentence

    for run in runs:
        sentence = earlier_sentence(run.read_info())
        if sentence is not None:
            say(clean_line(f"{run.path}: {sentence}", 400), err=True)


def earlier_json(*runs: RunDir) -> dict[str, Any]:
    """The same for the JSON object of a command: empty for runs of this version."""
    from harness.schema.run_info import earlier_mark

    marks = {str(run.path): mark for run in runs if (mark := earlier_mark(run.read_info())) is not None}
    return {"unsealed": marks} if marks else {}


def newest_run(suite: str) -> RunDir | None:
    """The newest finished run of a suite below ./reports, or None."""
    from harness.core.errors import DataError
    from harness.storage.run_folders import find

    try:
        return find(Path(OUT) / suite)
    except DataError:
        return None


def say_metric_code(code: Sequence[MetricCode]) -> None:
    """Lists every metric whose code comes from a file, and states that the code was not loaded."""
    from harness.report.wording.safe_text import clean_line

    for module in code:
        say(clean_line(module.sentence, 400))


def emit_json(value: Any) -> None:
    """Writes one JSON object to stdout."""

    say_json(value)


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


_DELIMITERS = {"tab": "\t", "\\t": "\t", "semicolon": ";", "comma": ","}
FORMATS = ("csv", "tsv", "jsonl", "json", "parquet", "txt", "conll")

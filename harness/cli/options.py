"""Options that several commands share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from harness.core.reporter import Reporter
    from harness.storage.run_dir import RunDir
    from harness.storage.store import Store
    from harness.suite.checks.metric_code_checks import MetricCode
    from harness.suite.suite import Suite

F = TypeVar("F", bound=Callable[..., Any])

OUT = "reports"


def suite_changes(function: F) -> F:
    """`--model`, `--only`, `--seed`: change the suite before anything runs."""
    for option in reversed(
        [
            click.option(
                "--model",
                "models",
                multiple=True,
                metavar="NAME=PATH",
                help="Put your own checkpoint (a folder, or hub-id@revision) in place of a model of the suite.",
            ),
            click.option(
                "--only",
                multiple=True,
                metavar="NAME",
                help="Only these models, tasks and probes, and what they need. Repeat, or separate by commas.",
            ),
            click.option("--seed", type=int, help="Another seed than the suite's."),
        ]
    ):
        function = option(function)
    return function


def output_options(function: F) -> F:
    """`--json`, `--quiet`."""
    for option in reversed(
        [
            click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout; all else on stderr."),
            click.option("--quiet", "-q", is_flag=True, help="Say nothing but warnings and the result."),
        ]
    ):
        function = option(function)
    return function


def lock_option(function: F) -> F:
    """`--lock`."""
    return click.option(
        "--lock",
        type=click.Path(dir_okay=False, path_type=Path),
        help="The lock file; <suite>.lock beside the suite when left out (of a ready suite: in this folder).",
    )(function)


def lock_file(name: str, suite: Suite) -> Path:
    """The lock file of a suite that was given by path or name."""
    from harness.pipeline.suite_lock import lock_path

    return lock_path(suite, shipped=not Path(name).expanduser().is_file())


def changed_suite(
    name: str, models: tuple[str, ...], only: tuple[str, ...], seed: int | None
) -> tuple[Suite, dict[str, Any]]:
    """Loads a suite and applies the command line's changes; also returns them for run.json."""
    from harness.calibration.load_calibration import load_any_suite
    from harness.suite.override import override

    suite = load_any_suite(name)
    replaced = dict(_assignment(text) for text in models)
    wanted = [part for text in only for part in text.split(",") if part]
    if replaced or wanted or seed is not None:
        suite = override(suite, models=replaced, only=wanted or None, seed=seed)
    overrides: dict[str, Any] = {}
    if replaced:
        overrides["models"] = replaced
    if wanted:
        overrides["only"] = sorted(wanted)
    if seed is not None:
        overrides["seed"] = seed
    return suite, overrides


def _assignment(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name or not value:
        raise click.BadParameter(f"expected NAME=PATH, found {text!r}.", param_hint="--model")
    return name, value


def open_store(reporter: Reporter, *, fresh: bool = False) -> Store:
    from harness.storage.store import Store

    return Store(reporter=reporter, fresh=fresh)


def run_folder(path: str) -> Path:
    """A run given as a folder, or as the name of a suite with runs below ./reports."""
    folder = Path(path)
    below = Path(OUT) / path
    return folder if folder.exists() or not below.is_dir() else below


def newest_run(suite: str) -> RunDir | None:
    """The newest finished run of a suite below ./reports, or None."""
    from harness.core.errors import DataError
    from harness.storage.run_folders import find

    try:
        return find(Path(OUT) / suite)
    except DataError:
        return None


def say_metric_code(code: Sequence[MetricCode]) -> None:
    """Says of every metric that is code of a file which one it is, and that it was not loaded."""
    from harness.report.wording.safe_text import clean_line

    for one in code:
        click.echo(clean_line(one.sentence, 400))


def emit_json(value: Any) -> None:
    """Writes one JSON object to stdout."""
    import json

    click.echo(json.dumps(value, ensure_ascii=False, allow_nan=False))

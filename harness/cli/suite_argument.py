"""What a command makes of the suite that it is given, and of the options that change it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from harness.cli.terminal import say

if TYPE_CHECKING:
    from harness.suite.checks.metric_code_checks import MetricCode
    from harness.suite.suite import Suite


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


def say_metric_code(code: Sequence[MetricCode]) -> None:
    """Lists every metric whose code comes from a file, and states that the code was not loaded."""
    from harness.report.wording.safe_text import clean_line

    for module in code:
        say(clean_line(module.sentence, 400))

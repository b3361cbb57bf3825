"""`load: {series: "out/checkpoint-*"}`: one entry of a suite → a model for each checkpoint of a training, by step."""

from __future__ import annotations

import glob
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.core.errors import Problems

_NUMBER = re.compile(r"\d+")
_MOST = 500
_WHERE = ("load", "adapter")
_LISTS = ("candidates", "release")


@dataclass(frozen=True, slots=True)
class SeriesStep:
    """A checkpoint of a series: its training step, the model that it is in the suite, and where it is."""

    step: int
    model: str
    folder: str


Series = Mapping[str, tuple[SeriesStep, ...]]
Folders = Mapping[str, Mapping[int, str]]
"""Series → step → folder."""


def with_series(value: Any, folder: Path, problems: Problems, known: Folders | None = None) -> tuple[Any, Series]:
    """A suite's content with a model `NAME-STEP` for each checkpoint of a series, and the series by name.

    Lists of `compare` that name a series name its models.

    Args:
        folder: what patterns are relative to.
        problems: gets series that match nothing, or folders without a step.
        known: the checkpoints of a stored run, whose folders may have changed or gone since.
    """
    models = value.get("models") if isinstance(value, dict) else None
    if not isinstance(models, dict):
        return value, {}
    made: dict[str, Any] = {}
    series: dict[str, tuple[SeriesStep, ...]] = {}
    for name, entry in models.items():
        key = _series_key(entry)
        if key is None:
            made[name] = entry
            continue
        steps = (known or {}).get(name) or _steps(entry[key]["series"], folder, problems.below("models", name, key))
        series[name] = tuple(SeriesStep(step, f"{name}-{step}", path) for step, path in steps.items())
        for step, path in steps.items():
            made[f"{name}-{step}"] = {**entry, key: path}
    if not series:
        return value, {}
    return {**value, "models": made, **_compare(value.get("compare"), series)}, series


def last_steps(release: tuple[str, ...], series: Series) -> tuple[str, ...]:
    """The models to be released where a suite names none: of a series the last checkpoint."""
    last = {step.model: steps[-1].model for steps in series.values() for step in steps}
    return tuple(dict.fromkeys(last.get(model, model) for model in release))


def _series_key(entry: Any) -> str | None:
    """Which key of an entry holds a series."""
    if not isinstance(entry, dict):
        return None
    return next((key for key in _WHERE if isinstance(entry.get(key), dict) and "series" in entry[key]), None)


def _steps(pattern: Any, folder: Path, problems: Problems) -> dict[int, str]:
    """Step → folder, in the order of training."""
    if not isinstance(pattern, str) or not pattern:
        problems.add('expected a pattern of folders, such as "out/checkpoint-*".', "series")
        return {}
    there = sorted(path for path in glob.glob(pattern, root_dir=folder) if (folder / path).is_dir())  # noqa: PTH207 (absolute patterns)
    if not there or len(there) > _MOST:
        problems.add(
            f"expected checkpoints at {pattern!r} (relative to {folder}), found "
            f"{f'{len(there)}, more than {_MOST}' if there else 'no folder'}.",
            "series",
        )
        return {}
    steps: dict[int, str] = {}
    for path in there:
        numbers = _NUMBER.findall(Path(path).name)
        if not numbers:
            problems.add(f"the folder {path!r} has no step in its name; expected one such as checkpoint-100.", "series")
        elif int(numbers[-1]) in steps:
            problems.add(f"two folders are of step {int(numbers[-1])}: {steps[int(numbers[-1])]} and {path}.", "series")
        else:
            steps[int(numbers[-1])] = path
    return dict(sorted(steps.items()))


def _compare(compare: Any, series: Series) -> dict[str, Any]:
    """The section `compare` with the models of a series in place of its name; nothing where there is none."""
    if not isinstance(compare, dict):
        return {}
    changed = dict(compare)
    for key in _LISTS:
        if isinstance(compare.get(key), list):
            changed[key] = [
                model
                for name in compare[key]
                for model in ([step.model for step in series[name]] if name in series else [name])
            ]
    return {"compare": changed}

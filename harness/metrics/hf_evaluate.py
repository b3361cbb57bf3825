"""Metrics of the Hugging Face `evaluate` library, and our own as modules of it.

`metrics: [evaluate:./my_metric@sha256:…]` names a module in a folder beside the suite, pinned by the digest of its
files. A module is code that runs: only `outside_code` loads it, which `harness run --allow-metric-code` calls; a name
alone makes a stand-in that knows what the metric is called and reads. A module gets all readable predictions and
targets, labels as numbers where its features ask for numbers, and is computed again on every resample, which is slow.
Of several figures the first counts; `evaluate:./my_metric@sha256:…#key` names another.
"""

from __future__ import annotations

import inspect
import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.core.errors import DataError, SuiteError
from harness.core.metric import Direction, Metric, MetricContext, MetricKind, RecomputedMetric
from harness.core.records import Records
from harness.metrics.pinned_module import ModuleFiles, imported, read_module
from harness.schema.results.inputs import EvaluationResult

PREFIX = "evaluate:"
FLAG = "--allow-metric-code"

_PIN = "@sha256:"
_COMMIT = re.compile(r"@[0-9a-f]{40}\Z")
_SHA256 = re.compile(r"[0-9a-f]{64}\Z")
_LONGEST = 80


@dataclass(frozen=True, slots=True)
class OutsideName:
    """What a name says.

    Attributes:
        place: the path as it is written.
        sha256: the pinned digest; None where there is no pin.
        key: which of the module's figures; None for the first.
    """

    place: str
    sha256: str | None
    key: str | None

    @classmethod
    def of(cls, name: str) -> OutsideName:
        """The parts of `evaluate:PLACE[@sha256:DIGEST][#KEY]`."""
        path, _, key = name.removeprefix(PREFIX).partition("#")
        place, pin, sha256 = path.rpartition(_PIN)
        return cls(place, sha256, key or None) if pin else cls(path, None, key or None)

    @property
    def shown(self) -> str:
        """The id of the metric: without the path's folders and the pin (of version 0.1.0: a commit of the hub)."""
        return f"{PREFIX}{_COMMIT.sub('', Path(self.place).name)}" + (f"#{self.key}" if self.key else "")

    def pinned(self, sha256: str) -> str:
        """The whole name with a pin."""
        return f"{PREFIX}{self.place}{_PIN}{sha256}" + (f"#{self.key}" if self.key else "")


def is_outside(name: str) -> bool:
    """Whether a name or an id is that of a metric of an outside module."""
    return name.startswith(PREFIX)


def outside_files(name: str, base: Path) -> ModuleFiles:
    """The files that a name pins, as they are now; reads them and runs nothing.

    Args:
        base: the folder of the suite, which relative paths start from.

    Raises:
        SuiteError: when the name has no path or no pin, the files cannot be pinned, or they changed since.
    """
    parts = OutsideName.of(name)
    if not parts.place.startswith((".", "/", "~")) or "@" in Path(parts.place).name:
        raise SuiteError(
            f"expected the path of a module on this disk in {_short(name)!r}; no metric code is fetched.",
            hint=f"save the module in a folder next to the suite and use {PREFIX}./folder.",
        )
    path = base / Path(parts.place).expanduser()
    if not path.name or path.name == "..":
        raise SuiteError(f"expected a path that ends in the module's name, found {_short(parts.place)!r}.")
    module = read_module(path)
    if parts.sha256 is None:
        raise SuiteError(
            f"the metric {_short(name)!r} refers to code without a pin.",
            hint=f'review the code, then pin it: metrics: ["{parts.pinned(module.digest)}"]',
        )
    if not _SHA256.match(parts.sha256):
        raise SuiteError(
            f"expected 64 hexadecimal digits after {_PIN!r}, found {_short(parts.sha256)!r}.",
            hint=f"remove the pin to see the digest of {_short(parts.place)!r}.",
        )
    if module.digest != parts.sha256:
        raise SuiteError(
            f"the code of {parts.shown!r} changed since it was pinned: SHA-256 {module.digest[:12]}…, the suite says "
            f"{parts.sha256[:12]}….",
            hint=f'restore it; or review the change, then pin it: "{parts.pinned(module.digest)}"',
        )
    return module


@contextmanager
def outside_code(files: Mapping[str, ModuleFiles]) -> Iterator[Mapping[str, Any]]:
    """Loads the modules of names, from the bytes that were checked. This runs their code.

    Args:
        files: name → what `outside_files` gave for it.

    Raises:
        SuiteError: when a module cannot be imported, or holds no metric.
    """
    if not files:
        yield {}
        return
    distinct = {(module_files.digest, module_files.main): module_files for module_files in files.values()}
    with ExitStack() as stack:
        try:
            modules = stack.enter_context(imported([*distinct.values()]))
        except Exception as error:  # code of others may raise anything
            raise SuiteError(
                f"the metric code {', '.join(map(_short, files))} cannot be loaded: {type(error).__name__}: {error}",
                hint="the folder needs a module with the same name: my_metric/my_metric.py with an evaluate.Metric.",
            ) from error
        by_module = dict(zip(distinct, modules, strict=True))
        yield {
            name: _instance(by_module[module_files.digest, module_files.main], name)
            for name, module_files in files.items()
        }


def _instance(module: Any, name: str) -> Any:
    import evaluate

    for value in vars(module).values():
        own = isinstance(value, type) and value.__module__ == module.__name__
        if own and issubclass(value, evaluate.EvaluationModule) and not inspect.isabstract(value):
            try:
                made = value(hash=OutsideName.of(name).sha256)
                made.download_and_prepare()
            except Exception as error:  # code of others may raise anything
                raise SuiteError(
                    f"the metric {_short(name)!r} cannot be loaded: {type(error).__name__}: {error}",
                    hint="its module must work standalone with `evaluate`.",
                ) from error
            return made
    raise SuiteError(f"the module of {_short(name)!r} has no evaluate.Metric.", hint="define a class that inherits it.")


def outside_note(evaluations: Iterable[EvaluationResult]) -> str | None:
    """One line on the figures of a run that outside code computed; None where there are none."""
    modules: dict[str, None] = {}
    for evaluation in evaluations:
        for name in filter(is_outside, evaluation.metrics):
            parts = OutsideName.of(name)
            pin = f" (SHA-256 {parts.sha256[:12]}…)" if parts.sha256 is not None else " (not pinned)"
            modules[f"{evaluation.name}.{_short(parts.shown)}{pin}"] = None
    if not modules:
        return None
    return f"External code computed {', '.join(modules)} during the run; the stored values are used."


def left_out_note(evaluations: Iterable[EvaluationResult], doing: str) -> str | None:
    """One line on the metrics that are left out where they would have to be computed; None where there are none."""
    evaluations = list(evaluations)
    names = dict.fromkeys(
        f"{evaluation.name}.{_short(OutsideName.of(name).shown)}"
        for evaluation in evaluations
        for name in evaluation.metrics
        if is_outside(name)
    )
    return f"skipping {', '.join(names)}: {doing} runs no metric code." if names else None


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


@dataclass(slots=True, kw_only=True)
class OutsideMetric(RecomputedMetric):
    """A figure that an outside module computes from predictions and targets.

    `module` is None in a stand-in, which cannot be computed.
    """

    id: str
    module: Any
    key: str | None
    labels: tuple[str, ...]
    cluster_unit: str
    unit: str = "value"
    direction: Direction = "higher"
    ideal: float | None = None
    kind: MetricKind = "recompute"

    def recompute(self, records: Records) -> float:
        """The module's figure on these records; NaN when none is readable.

        Raises:
            SuiteError: when the module is not loaded.
            DataError: when the module does not give a number.
        """
        if self.module is None:
            raise SuiteError(
                f"the metric {self.id!r} is code from a file, which this command does not load.",
                hint=f"run the suite with {FLAG} if you trust that code.",
            )
        pairs = [
            (prediction, target)
            for prediction, target, ok in zip(
                records.texts("prediction"), records.texts("target"), records.ok.tolist(), strict=True
            )
            if ok and prediction is not None and target is not None
        ]
        if not pairs:
            return math.nan
        try:
            values = self.module.compute(
                predictions=[self._value(prediction, "predictions") for prediction, _ in pairs],
                references=[self._value(other, "references") for _, other in pairs],
            )
            return float(next(iter(values.values())) if self.key is None else values[self.key])
        except Exception as error:  # an outside module may raise anything
            raise DataError(
                f"the metric {self.id!r} could not be computed: {type(error).__name__}: {error}",
                hint="its module must take lists `predictions` and `references` and return numbers by name.",
            ) from error

    def _value(self, text: str, column: str) -> Any:
        feature = self.module.features[column] if column in (self.module.features or {}) else None
        if str(getattr(feature, "dtype", "string")).startswith(("int", "uint")) and text in self.labels:
            return self.labels.index(text)
        return text


class Outside:
    """Makes the metric that `evaluate:…` names."""

    needs: tuple[str, ...] = ("target", "prediction")
    packages: tuple[str, ...] = ("evaluate",)
    summary: str = "A metric of the `evaluate` library, recomputed on every resample."

    def __call__(self, name: str, context: MetricContext) -> Sequence[Metric]:
        parts = OutsideName.of(name)
        if not Path(parts.place).name:
            raise SuiteError(f"expected the path of a module in {_short(name)!r}.", hint=f"write {PREFIX}./folder.")
        return [
            OutsideMetric(
                id=parts.shown,
                module=context.code.get(name),
                key=parts.key,
                labels=context.labels,
                cluster_unit=context.cluster_unit,
            )
        ]

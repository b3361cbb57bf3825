"""Metrics that are code of a file: found in a suite, held to their pins by reading, never loaded here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from harness.core.errors import Key, Problems, SuiteError
from harness.metrics.hf_evaluate import is_outside, outside_files

if TYPE_CHECKING:
    from harness.metrics.pinned_module import ModuleFiles
    from harness.suite.suite import Suite


@dataclass(frozen=True, slots=True)
class MetricCode:
    """The module of one metric name.

    Attributes:
        evaluation, metric: where the suite names it, and the id of the metric.
        files: what it consists of, as pinned.
    """

    name: str
    evaluation: str
    metric: str
    files: ModuleFiles

    @property
    def sentence(self) -> str:
        """One line for people."""
        count = len(self.files.files)
        files = "1 file" if count == 1 else f"{count} files"
        return (
            f"metric code: not loaded: {self.evaluation}.{self.metric}, {files} in {self.files.path}, "
            f"SHA-256 {self.files.digest} as pinned"
        )

    def to_json(self) -> dict[str, Any]:
        return {
            "evaluation": self.evaluation,
            "metric": self.metric,
            "path": str(self.files.path),
            "sha256": self.files.digest,
            "loaded": False,
        }


def metric_code(suite: Suite) -> list[MetricCode]:
    """The modules that the asked tasks and probes name, each held to its pin. Reads files and runs nothing.

    Raises:
        SuiteError: with every name that has no pin, and every module that is missing, cannot be pinned or changed.
    """
    from harness.metrics.hf_evaluate import OutsideName

    problems = Problems(suite.document.where)
    code: list[MetricCode] = []
    shown: dict[tuple[str, str], str] = {}
    for keys, evaluation, name in _names(suite):
        metric = OutsideName.of(name).shown
        if shown.setdefault((evaluation, metric), name) != name:
            problems.add(
                f"two metrics of {evaluation} have the name {metric!r}.", *keys, hint="rename one of the folders."
            )
            continue
        try:
            code.append(MetricCode(name, evaluation, metric, outside_files(name, suite.folder)))
        except SuiteError as error:
            place = f" ({error.where})" if error.where is not None else ""
            problems.add(error.message + place, *keys, hint=error.hint)
    problems.raise_any()
    return code


def allowed_code(suite: Suite, *, allowed: bool) -> Mapping[str, ModuleFiles]:
    """Name → files of the modules that a run of the suite loads.

    Raises:
        SuiteError: as `metric_code`, or when there are any and the user did not allow them.
    """
    from harness.metrics.hf_evaluate import FLAG

    code = metric_code(suite)
    if code and not allowed:
        names = ", ".join(dict.fromkeys(f"{module.evaluation}.{module.metric}" for module in code))
        keys = next(iter(_names(suite)))[0]
        raise SuiteError(
            f"{names} would run code from a file, and metric code is not allowed; nothing ran.",
            where=suite.where(*keys),
            hint=f"review the code; then rerun with {FLAG} if you trust it, or remove the metric from the suite.",
            notes=[f"  {module.files.path}: SHA-256 {module.files.digest} as pinned" for module in code],
        )
    return {module.name: module.files for module in code}


def _names(suite: Suite) -> Iterator[tuple[tuple[Key, ...], str, str]]:
    for spec in suite.evaluations.values():
        if spec.name in suite.evaluated:
            for index, name in enumerate(spec.options.metrics or ()):
                if is_outside(name):
                    yield (f"{spec.role}s", spec.name, spec.kind, "metrics", index), spec.name, name

"""Metrics of the Hugging Face `evaluate` library, and our own as modules of it.

`metrics: [evaluate:./my_metric]` loads a module from a folder (relative to where the command runs),
`evaluate:name@<commit>` one of the hub at a pinned commit. A module is code that runs: name only what you trust. It
gets all readable predictions and targets, labels as numbers where its features ask for numbers, and is computed
again on every resample, which is slow. Of several figures the first counts; `evaluate:./my_metric#key` names
another.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from harness.core.errors import DataError, SuiteError
from harness.core.interfaces import Direction, Metric, MetricContext, MetricKind
from harness.core.records import FloatArray, Record, Records, RecordsHead
from harness.metrics.answers import answer_f1_of, exact_match_of
from harness.metrics.means import PARENT
from harness.metrics.rouge import rouge_statistics
from harness.metrics.translation import translation_statistics
from harness.metrics.writing import edit_similarity_of

PREFIX = "evaluate:"
_COMMIT = re.compile(r"[0-9a-f]{40}\Z")


@dataclass(slots=True, kw_only=True)
class OutsideMetric:
    """A figure that an outside module computes from predictions and targets."""

    id: str
    module: Any
    key: str | None
    labels: tuple[str, ...]
    unit: str = "value"
    direction: Direction = "higher"
    ideal: float | None = None
    kind: MetricKind = "recompute"
    cluster: str | None = PARENT

    def recompute(self, records: Records) -> float:
        """The module's figure on these records; NaN when none is readable.

        Raises:
            DataError: when the module does not give a number.
        """
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
            found = self.module.compute(
                predictions=[self._value(one, "predictions") for one, _ in pairs],
                references=[self._value(other, "references") for _, other in pairs],
            )
            return float(next(iter(found.values())) if self.key is None else found[self.key])
        except Exception as error:  # an outside module may raise anything
            raise DataError(
                f"the metric {self.id!r} could not be computed: {type(error).__name__}: {error}",
                hint="its module must take lists `predictions` and `references` and return numbers by name.",
            ) from error

    def stats(self, records: Records) -> FloatArray:
        """Nothing: the metric has no sufficient statistics."""
        return np.empty((len(records), 0))

    def value(self, sums: FloatArray, n: npt.NDArray[Any] | float) -> FloatArray:
        """Undefined: see `recompute`."""
        return np.full(np.shape(n), np.nan)

    def _value(self, text: str, column: str) -> Any:
        feature = self.module.features[column] if column in (self.module.features or {}) else None
        if str(getattr(feature, "dtype", "string")).startswith(("int", "uint")) and text in self.labels:
            return self.labels.index(text)
        return text


class Outside:
    """Makes the metric that `evaluate:…` names."""

    needs: ClassVar[tuple[str, ...]] = ("target", "prediction")
    summary: ClassVar[str] = "A metric of the `evaluate` library, computed again on every resample."

    def __call__(self, name: str, context: MetricContext) -> Sequence[Metric]:
        path, _, key = name.removeprefix(PREFIX).partition("#")
        place, _, commit = path.partition("@")
        local = place.startswith((".", "/", "~")) or Path(place).exists()
        if not local and not _COMMIT.match(commit):
            raise SuiteError(
                f"the metric {name!r} would fetch code without a pinned commit.",
                hint="write evaluate:./folder for a module on this disk, or evaluate:name@<40 digits of its commit>.",
            )
        shown = f"{PREFIX}{Path(place).name}" + (f"#{key}" if key else "")
        return [
            OutsideMetric(id=shown, module=_load(place, commit or None, name), key=key or None, labels=context.labels)
        ]


def _load(place: str, commit: str | None, name: str) -> Any:
    import evaluate

    try:
        return evaluate.load(str(Path(place).expanduser()) if commit is None else place, revision=commit)
    except Exception as error:  # the loader raises many kinds
        raise SuiteError(
            f"the metric {name!r} cannot be loaded: {type(error).__name__}: {error}",
            hint="the folder needs a module of its own name: my_metric/my_metric.py with an evaluate.Metric.",
        ) from error


MEASURES: Mapping[str, Callable[[str, Sequence[str]], dict[str, float]]] = {
    "exact_match": lambda text, golds: {"exact_match": exact_match_of(text, golds)},
    "answer_f1": lambda text, golds: {"answer_f1": answer_f1_of(text, golds)},
    "bleu": lambda text, golds: translation_statistics(text, golds, ["bleu"]),
    "chrf": lambda text, golds: translation_statistics(text, golds, ["chrf"]),
    "ter": lambda text, golds: translation_statistics(text, golds, ["ter"]),
    "edit_similarity": lambda text, golds: {"edit_similarity": max(edit_similarity_of(text, g) for g in golds)},
    **dict.fromkeys(("rouge1", "rouge2", "rougeL", "rougeLsum"), rouge_statistics),
}
"""Our metrics of a text and its references, by name."""


def as_evaluate_module(name: str) -> Any:
    """One of `MEASURES` as a module of the `evaluate` library: `compute(predictions=[…], references=[[…], …])`.

    Raises:
        SuiteError: for another name.
    """
    import datasets
    import evaluate

    from harness.metrics.build import build_metrics

    if name not in MEASURES:
        raise SuiteError(
            f"{name!r} is no metric of a text and its references.", hint=f"take one of: {', '.join(MEASURES)}."
        )
    (metric,) = build_metrics([name], MetricContext())

    class Module(evaluate.Metric):  # type: ignore[misc]  # the library has no types
        def _info(self) -> Any:
            features = {
                "predictions": datasets.Value("string"),
                "references": datasets.Sequence(datasets.Value("string")),
            }
            return evaluate.MetricInfo(
                description=name, citation="", inputs_description="", features=datasets.Features(features)
            )

        def _compute(self, predictions: Sequence[str], references: Sequence[Sequence[str]]) -> dict[str, float]:
            rows = [
                Record(f"{place:09}", "", stats=MEASURES[name](text, golds))
                for place, (text, golds) in enumerate(zip(predictions, references, strict=True))
            ]
            stats = metric.stats(Records.of(RecordsHead(name, "", ""), rows))
            return {name: float(metric.value(stats.sum(axis=0), float(len(rows))))}

    return Module()

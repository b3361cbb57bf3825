"""`harness.compare`: two tables of results, paired by id, with intervals."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from numbers import Integral
from typing import Literal

from harness.api.comparisons import Comparisons
from harness.api.measures import Measure, Ratio, build, default_measures, listed, resolve
from harness.api.table_columns import Columns, Table, columns_of
from harness.api.table_records import Layout, check_pairs, records_of
from harness.core.errors import DataError
from harness.core.labels import label_text


class UnknownTrainingWarning(UserWarning):
    """The compared models may have been trained on the rows."""


def compare(
    base_records: Table,
    candidate_records: Table,
    metrics: Sequence[Measure] | Measure | None = None,
    *,
    id: str = "id",
    target: str = "target",
    prediction: str = "prediction",
    cluster: str | None = None,
    slices: str | Sequence[str] = (),
    text: str | Sequence[str] = (),
    labels: Sequence[str] | None = None,
    missing: Literal["error", "drop"] = "error",
    baseline: str = "base",
    candidate: str = "candidate",
    name: str = "table",
    confidence: float = 0.95,
    seed: int = 0,
    resamples: int = 10_000,
    held_out: bool = False,
) -> Comparisons:
    """Compares two sets of results item by item: candidate minus baseline, with interval, test and what could be found.

    Args:
        base_records, candidate_records: pandas frames, Arrow tables, lists of mappings, mappings of
            columns, or paths to csv, jsonl or parquet files; one row for each item.
        metrics: names of registered metrics of `target` and `prediction` (`accuracy`, `f1_macro`,
            `f1_per_class`, …), names of numeric columns (their mean, higher is better), `Mean` and
            `Ratio`. Left out: accuracy and macro F1, or the column `score`.
        id: column (or named index of a frame) with the item's id; rows are paired by it, never by their order.
        target, prediction: columns with the right and the given answer.
        cluster: column whose equal values belong together (document, author, template); it must be
            the same on both sides.
        slices: columns that become slices `column=value`, the same on both sides.
        text: columns with what was asked; equal ids must then have equal texts.
        labels: the labels, in order; all that targets and predictions hold when left out.
        missing: `drop` compares the items that both sides hold, and says how many are left out.
        baseline, candidate, name: what the two sides and the table are called in results and gates.
        seed, resamples: of bootstrap and randomization tests.
        held_out: your word that neither side learned from these rows; without it, a warning says that they may have
            been trained on.

    Warns:
        UnknownTrainingWarning: unless `held_out`.

    Raises:
        DataError: ids that are missing, repeated or of one side only; other texts or targets under one
            id; missing or non-finite scores; unknown columns or metrics; options out of their range.
    """
    _options(baseline, candidate, confidence, seed, resamples, missing)
    if not held_out:
        warnings.warn(
            f"rows may have been trained on: nothing says what {baseline} and {candidate} learned from. If neither "
            "learned from these rows, pass held_out=True.",
            UnknownTrainingWarning,
            stacklevel=2,
        )
    sides = (columns_of(base_records, baseline, id), columns_of(candidate_records, candidate, id))
    labeled = all(target in columns and prediction in columns for columns in sides)
    names = [one for one in sides[0] if one in sides[1]]
    measures = resolve(listed(metrics) if metrics is not None else default_measures(names, labeled), names, labeled)
    texts = (text,) if isinstance(text, str) else tuple(text)
    layout = Layout(
        id=id,
        target=target if target in names else None,
        prediction=prediction if labeled else None,
        cluster=cluster,
        slices=(slices,) if isinstance(slices, str) else tuple(slices),
        text=texts,
        numbers=tuple(
            dict.fromkeys(one for measure in measures if not isinstance(measure, str) for one in measure.columns)
        ),
    )
    made = [records_of(columns, layout, name, side) for columns, side in zip(sides, (baseline, candidate), strict=True)]
    check_pairs(made[0], made[1], missing=missing)
    _positive(sides, measures)
    seen = {str(value) for one in made for part in ("target", "prediction") for value in one.texts(part)}
    known = [label_text(one) for one in labels] if labels is not None else sorted(seen) if labeled else []
    return Comparisons.make(
        made[0],
        made[1],
        build(measures, known, cluster is not None),
        name=name,
        baseline=baseline,
        candidate=candidate,
        confidence=confidence,
        seed=seed,
        resamples=resamples,
    )


def _positive(sides: Sequence[Columns], measures: Sequence[Measure]) -> None:
    for measure in measures:
        if isinstance(measure, Ratio) and any(
            float(value) < 0 for columns in sides for value in columns[measure.below]
        ):
            raise DataError(f"the column {measure.below!r} stands below a ratio and has negative values.")


def _options(baseline: str, candidate: str, confidence: float, seed: int, resamples: int, missing: str) -> None:
    if missing not in ("error", "drop"):
        raise DataError(f"expected missing='error' or 'drop', found {missing!r}.")
    if baseline == candidate:
        raise DataError(
            f"both sides have the name {baseline!r}, so gates cannot distinguish them.",
            hint="pass different names as baseline=… and candidate=….",
        )
    if not 0 < confidence < 1:
        raise DataError(f"expected a confidence between 0 and 1, found {confidence!r}.", hint="95% is 0.95.")
    for name, value, least in (("seed", seed, 0), ("resamples", resamples, 1)):
        if isinstance(value, bool) or not isinstance(value, Integral) or value < least:
            raise DataError(f"expected {name} to be a whole number of at least {least}, found {value!r}.")

"""`harness.compare`: two tables of results, paired by id, with intervals."""

from __future__ import annotations

import re
import warnings
from collections.abc import Sequence
from dataclasses import replace
from numbers import Integral
from typing import Literal, get_args

from harness.api.comparisons import ALPHAS, Comparisons
from harness.api.measures import Measure, Ratio, build, default_measures, listed, resolve
from harness.api.table_columns import Table, read_table
from harness.api.table_records import Layout, check_pairs, records_of, spelling_notes
from harness.comparisons.join import Pair
from harness.core.errors import DataError
from harness.core.labels import Normalization, label_text, normalized_label
from harness.core.records import Records
from harness.data.read_rows import TableFormat
from harness.schema.suite.types import NAME_PATTERN
from harness.statistics.inference_settings import InferenceSettings

_SHOWN = 8


class UnknownTrainingWarning(UserWarning):
    """The compared models may have been trained on the rows."""


def compare(  # noqa: PLR0913  # keywords of the public API
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
    missing_cluster: Literal["error", "own"] = "error",
    normalize: Sequence[Normalization] = (),
    delimiter: str | None = None,
    encoding: str | None = None,
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
            columns, or paths to files of any format that suites read (csv, tsv, jsonl, json, parquet, …); one row
            for each item. A row without a target is left out, one without a prediction is wrong; both are counted.
        metrics: names of registered metrics of `target` and `prediction` (`accuracy`, `f1_macro`,
            `f1_per_class`, …), names of numeric columns (their mean, higher is better), `Mean` and
            `Ratio`. Left out: accuracy and macro F1 (accuracy alone for open answers: more than 200 different
            targets, or more than 20 that are over half of the items), or the column `score`.
        id: column (or named index of a frame) with the item's id; rows are paired by it, never by their order.
        target, prediction: columns with the right and the given answer.
        cluster: column whose equal values belong together (document, author, template); it must be
            the same on both sides.
        slices: columns that become slices `column=value`, the same on both sides.
        text: columns with what was asked; equal ids must then have equal texts.
        labels: the labels, in order; all that targets and predictions hold when left out.
        missing_cluster: `own` lets a row without a value in `cluster` be a cluster of its own.
        normalize: what is done to labels before they are compared: `strip` (white space and invisible characters at
            both ends), `casefold`, `nfc` (always done).
        delimiter, encoding: of the files, where tables are files; found when left out.
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
    _options(baseline, candidate, confidence, seed, resamples)
    _chosen(name, missing, missing_cluster, normalize)
    if not held_out:
        warnings.warn(
            f"rows may have been trained on: nothing says what {baseline} and {candidate} learned from. If neither "
            "learned from these rows, pass held_out=True.",
            UnknownTrainingWarning,
            stacklevel=2,
        )
    table_format = TableFormat(None, delimiter, encoding)
    sides = (
        read_table(base_records, baseline, id, table_format),
        read_table(candidate_records, candidate, id, table_format),
    )
    for column in {target, prediction} - {"target", "prediction"}:
        for side in sides:
            side.column(column)
    labeled = all(target in side.columns and prediction in side.columns for side in sides)
    names = [column for column in sides[0].columns if column in sides[1].columns]
    targets = [label_text(value) for value in sides[0].columns[target]] if labeled else None
    measures = resolve(listed(metrics) if metrics is not None else default_measures(names, targets), names, labeled)
    texts = (text,) if isinstance(text, str) else tuple(text)
    layout = Layout(
        id=id,
        target=target if target in names else None,
        prediction=prediction if labeled else None,
        cluster=cluster,
        slices=(slices,) if isinstance(slices, str) else tuple(slices),
        text=texts,
        numbers=tuple(
            dict.fromkeys(column for measure in measures if not isinstance(measure, str) for column in measure.columns)
        ),
        judged=any(isinstance(measure, str) for measure in measures),
        missing_cluster=missing_cluster,
        normalize=tuple(normalize),
    )
    made = [records_of(side, layout, name) for side in sides]
    base, other = (records.records for records in made)
    check_pairs(base, other, missing=missing)
    _positive((base, other), measures)
    seen = {
        value for records in (base, other) for part in ("target", "prediction") for value in records.texts(part)
    } - {None}
    known = sorted(map(str, seen)) if labeled else []
    if labels is not None:
        known = _declared(labels, known, layout)
    compared = Comparisons.make(
        Pair(name, baseline, candidate),
        base,
        other,
        build(measures, known, cluster is not None),
        InferenceSettings(confidence, ALPHAS, resamples, seed),
    )
    notes = dict.fromkeys(note for table in made for note in table.notes)
    return replace(compared, notes=(*notes, *spelling_notes(sides, layout)))


def _positive(sides: Sequence[Records], measures: Sequence[Measure]) -> None:
    for measure in measures:
        if isinstance(measure, Ratio) and any((table.stat(measure.below) < 0).any() for table in sides):
            raise DataError(f"the column {measure.below!r} stands below a ratio and has negative values.")


def _declared(labels: Sequence[str], seen: Sequence[str], layout: Layout) -> list[str]:
    """The caller's labels; every label of the tables that is none of them is named in one message."""
    known = [normalized_label(label_text(label), layout.normalize) for label in labels]
    strange = [label for label in seen if label not in known]
    if strange:
        raise DataError(
            f"{len(strange)} labels in the tables are not among labels=…: {', '.join(map(repr, strange[:_SHOWN]))}"
            f"{', …' if len(strange) > _SHOWN else ''}.",
            hint="add them to `labels`, or correct the rows.",
        )
    return known


def _chosen(name: str, missing: str, missing_cluster: str, normalize: Sequence[str]) -> None:
    if missing not in ("error", "drop"):
        raise DataError(f"expected missing='error' or 'drop', found {missing!r}.")
    if missing_cluster not in ("error", "own"):
        raise DataError(f"expected missing_cluster='error' or 'own', found {missing_cluster!r}.")
    strange = [name for name in normalize if name not in get_args(Normalization)]
    if isinstance(normalize, str) or strange:
        raise DataError(f"normalize: expected a list of {', '.join(get_args(Normalization))}, found {normalize!r}.")
    if re.fullmatch(NAME_PATTERN[1:-1], name) is None:
        raise DataError(
            f"expected a name of small letters, digits, `-` and `_` (at most 64), found name={name!r}.",
            hint="gates call the table by this name.",
        )


def _options(baseline: str, candidate: str, confidence: float, seed: int, resamples: int) -> None:
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

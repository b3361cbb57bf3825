"""`harness.adjusted_mean`: costly values of some items, cheap ones of all of them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from harness.api.table_columns import ReadTable, Table, read_table
from harness.core.errors import DataError
from harness.statistics.control_variates import AdjustedMean
from harness.statistics.control_variates import adjusted_mean as adjusted
from harness.statistics.inference_settings import InferenceSettings


def adjusted_mean(
    table: Table,
    value: str,
    cheap: str | Sequence[str],
    *,
    cluster: str | None = None,
    confidence: float = 0.95,
    alphas: Sequence[float] = (0.05,),
) -> AdjustedMean:
    """The mean of a column that few rows have, made surer by columns that all rows have.

    Args:
        table: as `harness.compare` takes them; one row per item.
        value: the costly column, such as a person's label, or candidate minus baseline where the candidate was asked
            about few items; rows without a cell are those without it. Chance must have chosen them.
        cheap: columns that every row has: the baseline's correctness, its confidence, the length, a cheap score.
        cluster: the column that says which rows belong together.

    Raises:
        DataError: for a missing column, a cell that is no number, or too few rows with a value.
    """
    read = read_table(table, "the table")
    columns = [cheap] if isinstance(cheap, str) else list(cheap)
    if not columns or value in columns:
        raise DataError(f"expected at least one column beside {value!r} as `cheap`, found {columns}.")
    values = np.array([_number(read, value, row, cell, missing=True) for row, cell in enumerate(read.column(value))])
    known = np.array(
        [[_number(read, name, row, cell) for row, cell in enumerate(read.column(name))] for name in columns]
    ).T
    groups = None if cluster is None else [str(cell) for cell in read.column(cluster)]
    least = len(columns) + 3
    if int((~np.isnan(values)).sum()) < least:
        raise DataError(f"the table: expected at least {least} rows with {value!r} for {len(columns)} cheap columns.")
    return adjusted(values, known, groups, settings=InferenceSettings(confidence, tuple(alphas)))


def _number(table: ReadTable, name: str, row: int, cell: Any, *, missing: bool = False) -> float:
    if cell is None or cell == "" or (isinstance(cell, float) and math.isnan(cell)):
        if missing:
            return math.nan
        raise DataError(
            f"the table, row {row + 1}: the column {name!r} is empty.", where=table.place(row),
            hint="cheap values are known of every row; leave the row out, or the column.",
        )  # fmt: skip
    try:
        number = float(cell)
    except (TypeError, ValueError):
        number = math.nan
    if not math.isfinite(number):
        raise DataError(
            f"the table, row {row + 1}: expected a finite number in the column {name!r}, found {str(cell)[:40]!r}.",
            where=table.place(row),
        )
    return number

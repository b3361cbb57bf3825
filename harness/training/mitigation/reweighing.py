"""Reweighing (Kamiran and Calders 2012): rows count so that groups and labels are independent.

w(g, y) = P(g)·P(y)/P(g, y), the shares being those of the training rows. Weighed so, every group has
the label rates of all rows together.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from harness.core.errors import DataError, SuiteError
from harness.core.examples import LabeledText
from harness.core.records import FloatArray
from harness.schema.suite.mitigation import ReweighSpec
from harness.text.lexicons.group_words import GroupWords, own_gender_words

NO_GROUP = "(none)"


def reweigh(
    examples: Sequence[Any], labels: Sequence[str], spec: ReweighSpec, column: Sequence[str] = ()
) -> tuple[FloatArray, dict[str, object]]:
    """float64[n] weights of labeled texts, and a table of groups and labels.

    A text that speaks of several groups is of the cell that they make together, one that speaks of none of a cell
    of its own, so that each row has one group. Cells without a row cannot be weighed; they are counted.

    Args:
        column: each row's group, where a column of the data names it.

    Raises:
        SuiteError: when the examples do not have one label each.
        DataError: when a group has no row, or all rows are of one group.
    """
    for example in examples:
        if not isinstance(example, LabeledText) or example.independent:
            raise SuiteError(
                "reweighing needs rows with one label each; the task has different examples.",
                hint="remove `reweigh` for this task, or use `augment`.",
            )
    groups = _by_column(column, spec, len(examples)) if spec.column is not None else _by_words(examples, spec)
    places = [example.places[0] for example in examples]
    cells, of_group, of_label = Counter(zip(groups, places, strict=True)), Counter(groups), Counter(places)
    n = len(examples)
    weight = {(g, y): of_group[g] * of_label[y] / (n * count) for (g, y), count in cells.items()}
    table = [
        {"group": g, "label": labels[y], "rows": cells[g, y], "weight": round(weight[g, y], 6)}
        for g in sorted(of_group)
        for y in sorted(of_label)
        if (g, y) in cells
    ]
    facts = {"cells": table, "empty_cell_rate": len(of_group) * len(of_label) - len(cells)}
    return np.array([weight[cell] for cell in zip(groups, places, strict=True)]), facts


def _by_column(column: Sequence[str], spec: ReweighSpec, rows: int) -> list[str]:
    if len(column) != rows:
        raise DataError(
            f"the column {spec.column!r} gives {len(column)} groups for {rows} training examples.",
            hint="use a column of the task's own data, with one value per row.",
        )
    groups = [value.strip() or NO_GROUP for value in column]
    if len(set(groups)) < 2:
        raise DataError(
            f"every training row has the group {groups[0]!r} in the column {spec.column!r}; at least two are required.",
            hint="use a different column, or remove `reweigh`.",
        )
    return groups


def _by_words(examples: Sequence[LabeledText], spec: ReweighSpec) -> list[str]:
    words = GroupWords({group: tuple(listed) for group, listed in spec.groups.items()})
    words = words if spec.groups else own_gender_words()
    groups_of_row = [tuple(sorted(words.found(" \n".join(example.inputs())))) for example in examples]
    present = {group for groups in groups_of_row for group in groups}
    missing = [group for group in words.groups if group not in present]
    if missing:
        raise DataError(
            f"no training row mentions the group {missing[0]!r}, so it cannot be reweighed.",
            hint="define `groups` with words that occur in the rows, or remove `reweigh`.",
        )
    return ["+".join(groups) or NO_GROUP for groups in groups_of_row]

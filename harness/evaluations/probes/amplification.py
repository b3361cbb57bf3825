"""Amplification of a classifier: are labels tied to groups more closely in predictions than in training data?"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
from pydantic import Field

from harness.core.dataset import Dataset
from harness.core.errors import DataError
from harness.core.evaluation import Item
from harness.core.records import Record
from harness.core.requests import Failure, Request, Response
from harness.evaluations.on_task import read_answers
from harness.evaluations.probe_base import OnTaskProbe
from harness.evaluations.probe_groups import words_of_options
from harness.evaluations.record_builders import failed, outcome, truncated_tokens
from harness.evaluations.subsample import choose
from harness.metrics.bias.bias_amplification import DIRECTED, shares, signs
from harness.metrics.bias.group_fairness import MEMBER
from harness.metrics.metric_shapes import divide
from harness.schema.suite.data_refs import DataName
from harness.schema.suite.evaluation_options import OnTaskOptions
from harness.text.lexicons.group_words import GroupWords


class AmplificationOptions(OnTaskOptions):
    """The YAML of an amplification probe."""

    on: str = Field(description="Classification task whose data has a training split.")
    train: str = Field("train", description="Split of the data to count.")
    groups: dict[str, list[str]] = Field(
        default_factory=dict,
        description="Words for each group. Defaults to the built-in female and male words.",
    )
    words: DataName | None = Field(None, description="Dataset with the columns group and word, for long lists.")


class Amplification(OnTaskProbe[AmplificationOptions]):
    """Asks for the labels of texts that speak of a group, and compares with the training data's labels.

    The training data are those of the task, also for models that learned from others. Cells (group, label)
    in which the training data have no text are counted in `empty_cell_rate`.
    """

    Options = AmplificationOptions
    kind: ClassVar[str] = "bias_amplification"
    summary: ClassVar[str] = (
        "Whether predictions associate labels with groups more strongly than the training data does."
    )
    cluster_unit: ClassVar[str] = "parent"
    provides: ClassVar[tuple[str, ...]] = ("target", "prediction", "correct", "directed", "empty")
    default_metrics: tuple[str, ...] = (
        "bias_amplification",
        "bias_amp_attribute_to_task",
        "empty_cell_rate",
        "accuracy",
    )
    caveats: ClassVar[tuple[str, ...]] = (
        (
            "The metric compares predictions on test data with labels of training data, so differences between the two "
            "splits affect it."
        ),
    )

    @classmethod
    def data_names(cls, options: AmplificationOptions) -> tuple[DataName, ...]:
        return () if options.words is None else (options.words,)

    def settings(self) -> Mapping[str, Any]:
        options = self.options
        return {
            "train": options.train,
            "groups": {name: list(words) for name, words in options.groups.items()},
            "words": options.words is not None,
        }

    def items(self, data: Sequence[Dataset], split: str) -> Iterator[Item]:
        """The task's items that speak of a group, with what the training data say of each group.

        Raises:
            DataError: what the task's data lacks, or that no text of either split mentions a group.
        """
        own = len(self.task.data_refs)
        words = words_of_options(self.options.groups, data[own] if len(data) > own else None)
        trained = self._trained(data[:own], words)
        items = []
        for item in self.task.every_item(data[:own], split):
            groups = sorted(group for group in words.found(item.payload["text"]) if group in trained["known"])
            if groups:
                slices = tuple(dict.fromkeys([*item.slices, *(f"group={group}" for group in groups)]))
                payload = {**item.payload, "groups": groups, **trained}
                items.append(Item(item.id, payload, item.texts, item.target, item.clusters, slices))
        if not items:
            raise DataError(
                f"probe {self.name!r}: no text (split {split!r}) mentions a group.",
                hint="define `groups` with words that occur in the texts.",
            )
        yield from choose(items, self.options.limit, self.cluster_unit)

    def warnings(self, data: Sequence[Dataset], split: str) -> list[str]:
        """English words on texts in another language."""
        own = not self.options.groups and self.options.words is None
        return self.foreign_texts(data, split, "the built-in group words") if own else []

    def remarks(self, data: Sequence[Dataset], split: str) -> list[str]:
        """Texts in which a listed word may be a name or an ordinary word."""
        own = len(self.task.data_refs)
        words = words_of_options(self.options.groups, data[own] if len(data) > own else None)
        return words.unclear_notes(item.payload["text"] for item in self.task.every_item(data[:own], split))

    def requests(self, item: Item, protocol: str) -> Sequence[Request]:
        return self.task.requests_for(item.payload["text"], protocol)

    def record(self, item: Item, protocol: str, responses: Sequence[Response]) -> Record:
        truncated = truncated_tokens(responses)
        answers = read_answers(self.task, responses, 1, protocol, item.id)
        if isinstance(answers, Failure):
            return failed(item, answers, truncated=truncated)
        (answer,) = answers
        stats = {
            "correct": float(answer.label == item.target),
            "empty": item.payload["empty"],
            "directed": math.fsum(item.payload["cells"][group][answer.label] for group in item.payload["groups"]),
        }
        for group in item.payload["known"]:
            inside = group in item.payload["groups"]
            stats[MEMBER + group] = float(inside)
            # A member adds its label's sign less what the training data would give: the mean is the group's.
            stats[DIRECTED + group] = item.payload["cells"][group][answer.label] if inside else 0.0
        stats.update(item.payload["b_train"])
        return outcome(
            item,
            prediction=answer.label,
            tied=answer.tied,
            truncated=truncated,
            response={"log_p": dict(answer.log_p)},
            stats=stats,
        )

    def _trained(self, data: Sequence[Dataset], words: GroupWords) -> dict[str, Any]:
        labels, groups = list(self.task.values), list(words.groups)
        joint: Counter[tuple[str, str]] = Counter()
        totals = dict.fromkeys(labels, 0.0)
        for item in self.task.every_item(data, self.options.train):
            totals[str(item.target)] += 1.0
            joint.update((str(item.target), group) for group in words.found(item.payload["text"]))
        table = np.array([[joint[label, group] for group in groups] for label in labels], dtype=np.float64)
        known = [group for place, group in enumerate(groups) if table[:, place].sum() > 0]
        if len(known) < 2:
            names = ", ".join(known) or "none"
            raise DataError(
                f"probe {self.name!r}: the training texts mention fewer than two groups ({names}).",
                hint="define `groups` with words that occur in the texts.",
            )
        sign = signs(joint, totals, groups)
        given = divide(table, table.sum(axis=0, keepdims=True) * np.ones_like(table))
        b_train = shares(joint, labels, groups)
        cells = {
            group: {
                label: float(sign[row, place] - (sign[:, place] * given[:, place]).sum()) / len(labels)
                for row, label in enumerate(labels)
            }
            for place, group in enumerate(groups)
            if group in known
        }
        return {
            "known": known,
            "cells": cells,
            "empty": float(np.mean(table == 0)),
            "b_train": {
                f"b_train.{label}|{group}": -1.0 if np.isnan(b_train[row, place]) else float(b_train[row, place])
                for row, label in enumerate(labels)
                for place, group in enumerate(groups)
                if group in known
            },
        }

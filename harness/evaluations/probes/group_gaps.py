"""Group gaps: does a classifier do alike for the groups that its texts speak of?"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from typing import Any, ClassVar

from pydantic import Field

from harness.core.dataset import Dataset
from harness.core.errors import DataError, SuiteError, unknown
from harness.core.evaluation import EvaluationContext, Item, ItemMeasure
from harness.core.records import Record
from harness.core.requests import Failure, Request, Response
from harness.evaluations.item_measures import MARGIN_OF_CORRECT
from harness.evaluations.on_task import read_answers
from harness.evaluations.probe_base import OnTaskProbe
from harness.evaluations.probe_groups import words_of_options
from harness.evaluations.record_builders import failed, outcome, truncated_tokens
from harness.evaluations.subsample import choose
from harness.metrics.bias.group_fairness import MEMBER
from harness.schema.suite.data_refs import DataName
from harness.schema.suite.evaluation_options import OnTaskOptions
from harness.text.lexicons.group_words import GroupWords

_CROSS = " & "


class GroupGapsOptions(OnTaskOptions):
    """The YAML of a group-gaps probe."""

    positive: str = Field(description="Label that counts as selected (positive); it has no default.")
    groups: dict[str, list[str]] = Field(
        default_factory=dict,
        description="Words for each group. Defaults to the built-in female and male words.",
    )
    words: DataName | None = Field(None, description="Dataset with the columns group and word, for long lists.")
    columns: list[str] = Field(
        default_factory=list, description="Data columns whose values also define groups (`source`: groups source=…)."
    )
    cross: bool = Field(
        False, description="Compare crossed groups: each combination of a group of words and of each column's value."
    )


class GroupGaps(OnTaskProbe[GroupGapsOptions]):
    """Asks a task's question about its labeled texts, and tells whom each text speaks of.

    A text belongs to every group that it has a word of, and to the slices named in `columns`; a text of no
    group has a part in the overall figures and in the background of the subgroup figures only.
    """

    Options = GroupGapsOptions
    kind: ClassVar[str] = "group_fairness"
    summary: ClassVar[str] = "Whether a classifier performs equally for the groups that texts mention."
    cluster_unit: ClassVar[str] = "parent"
    item_measures: ClassVar[tuple[ItemMeasure, ...]] = (MARGIN_OF_CORRECT,)
    provides: ClassVar[tuple[str, ...]] = ("target", "prediction", "correct", "selected", "positive", "score")
    default_metrics: tuple[str, ...] = (
        "equalized_odds_difference",
        "equalized_odds_difference_mean",
        "demographic_parity_difference",
        "true_positive_rate",
        "false_positive_rate",
        "selection_rate",
        "auc",
        "accuracy",
    )
    caveats: ClassVar[tuple[str, ...]] = (
        (
            "Groups are detected by words in the text; gaps mix the model's behavior with what the texts say about "
            "each "
            "group."
        ),
        "Demographic parity is an ideal only if the groups have similar gold labels; see the data audit.",
    )

    def __init__(self, name: str, options: GroupGapsOptions, context: EvaluationContext) -> None:
        super().__init__(name, options, context)
        dimensions = bool(options.groups or options.words) + len(options.columns)
        if options.cross and dimensions < 2:
            raise SuiteError(
                f"probe {name!r}: `cross` needs two dimensions or more, found {dimensions}.",
                hint="give `groups` (or `words`) and `columns`, or two columns.",
            )
        groups = (
            ()
            if options.cross
            else tuple(options.groups) or (() if options.words or options.columns else ("female", "male"))
        )
        aucs = [f"{kind}[{group}]" for kind in ("subgroup_auc", "bpsn_auc", "bnsp_auc") for group in groups]
        self.default_metrics = (*type(self).default_metrics, *aucs)

    @classmethod
    def data_names(cls, options: GroupGapsOptions) -> tuple[DataName, ...]:
        return () if options.words is None else (options.words,)

    @property
    def positive(self) -> str:
        """The label that counts as selected.

        Raises:
            SuiteError: when it is none of the task's.
        """
        labels = list(self.task.values)
        wanted = self.options.positive
        if wanted not in labels:
            raise SuiteError(f"probe {self.name!r}, positive: {unknown('label of the task', wanted, labels)}")
        return wanted

    def settings(self) -> Mapping[str, Any]:
        options = self.options
        return {
            "positive": options.positive,
            "groups": {name: list(words) for name, words in options.groups.items()},
            "words": options.words is not None,
            "columns": list(options.columns),
            **({"cross": True} if options.cross else {}),
        }

    def items(self, data: Sequence[Dataset], split: str) -> Iterator[Item]:
        """The task's items with the groups of each.

        Raises:
            DataError: what the task's data lacks, or fewer than two groups that any text belongs to.
        """
        own = len(self.task.data_refs)
        words = self._words(data)
        made: list[tuple[Item, list[str]]] = []
        for item in self.task.every_item(data[:own], split):
            made.append((item, self._groups(item, words)))
        known = self._known(made, words)
        if len({group for _, groups in made for group in groups}) < 2:
            raise DataError(
                f"probe {self.name!r}: the texts (split {split!r}) speak of fewer than two of the groups {known}.",
                hint="give `groups` with words that the texts have, or `columns` of the data.",
            )
        groups_of_item = {item.id: groups for item, groups in made}
        for item in choose((item for item, _ in made), self.options.limit, self.cluster_unit):
            groups = groups_of_item[item.id]
            named = (label if "=" in label and not self.options.cross else f"group={label}" for label in groups)
            yield Item(
                id=item.id,
                payload={**item.payload, "groups": groups, "known": known},
                texts=item.texts,
                target=item.target,
                clusters=item.clusters,
                slices=tuple(dict.fromkeys([*item.slices, *named])),
            )

    def _groups(self, item: Item, words: GroupWords | None) -> list[str]:
        """The groups of a text; crossed, one of each dimension in each."""
        spoken_of = sorted(words.found(item.payload["text"])) if words is not None else []
        by_column = [[name for name in item.slices if _is_group(name, [column])] for column in self.options.columns]
        if not self.options.cross:
            return [*spoken_of, *(name for names in by_column for name in names)]
        dimensions = [*([spoken_of] if words is not None else []), *by_column]
        return [_CROSS.join(cell) for cell in product(*dimensions)]

    def _known(self, made: Sequence[tuple[Item, Sequence[str]]], words: GroupWords | None) -> list[str]:
        """All groups; crossed, every cell of the dimensions' groups, those without a text too."""
        group_names = {group for _, groups in made for group in groups}
        listed = words.groups if words is not None else ()
        if not self.options.cross:
            return sorted({*listed, *group_names})
        values = [
            sorted({name for item, _ in made for name in item.slices if _is_group(name, [column])})
            for column in self.options.columns
        ]
        dimensions = [*([sorted(listed)] if words is not None else []), *values]
        return sorted(_CROSS.join(cell) for cell in product(*dimensions))

    def _cells(self, data: Sequence[Dataset], split: str, words: GroupWords | None) -> str:
        """How many texts every crossed cell has."""
        own = len(self.task.data_refs)
        made = [(item, self._groups(item, words)) for item in self.task.every_item(data[:own], split)]
        counts = Counter(group for _, groups in made for group in groups)
        return f"Texts per cell: {', '.join(f'{cell} {counts[cell]}' for cell in self._known(made, words))}."

    def warnings(self, data: Sequence[Dataset], split: str) -> list[str]:
        """English words on texts in another language."""
        if self.options.groups or self.options.words or self.options.columns:
            return []
        return self.foreign_texts(data, split, "the built-in group words")

    def remarks(self, data: Sequence[Dataset], split: str) -> list[str]:
        """What counts as selected, the texts of each crossed cell, and what is known of the words."""
        words = self._words(data)
        remarks = [f"The label {self.positive!r} counts as selected."]
        if self.options.cross:
            remarks.append(self._cells(data, split, words))
        return remarks if words is None else [*remarks, *self._word_remarks(data, split, words)]

    def _word_remarks(self, data: Sequence[Dataset], split: str, words: GroupWords) -> list[str]:
        """Which groups no text speaks of (a gap over them is undefined), words that never occur or may name nobody."""
        seen: dict[str, set[str]] = {}
        texts = [item.payload["text"] for item in self.task.every_item(data[: len(self.task.data_refs)], split)]
        for text in texts:
            for group, own_words in words.found(text).items():
                seen.setdefault(group, set()).update(own_words)
        said = words.unclear_notes(texts)
        empty = [group for group in words.groups if group not in seen]
        if empty:
            said.append(f"No text speaks of {', '.join(empty)}: a gap over all groups is undefined.")
        listed = sum(len({word.casefold() for word in own}) for own in words.words.values())
        met = sum(len(words) for words in seen.values())
        if met < listed and (self.options.groups or self.options.words):
            said.append(f"{met:,} of {listed:,} words that name a group occur in the texts.")
        return said

    def _words(self, data: Sequence[Dataset]) -> GroupWords | None:
        own = len(self.task.data_refs)
        listed = self.options.groups or self.options.words or not self.options.columns
        return words_of_options(self.options.groups, data[own] if len(data) > own else None) if listed else None

    def requests(self, item: Item, protocol: str) -> Sequence[Request]:
        return self.task.requests_for(item.payload["text"], protocol)

    def record(self, item: Item, protocol: str, responses: Sequence[Response]) -> Record:
        truncated = truncated_tokens(responses)
        answers = read_answers(self.task, responses, 1, protocol, item.id)
        if isinstance(answers, Failure):
            return failed(item, answers, truncated=truncated)
        (answer,) = answers
        positive = self.positive
        groups = item.payload["groups"]
        return outcome(
            item,
            prediction=answer.label,
            margin=answer.log_p[item.target] - max(v for k, v in answer.log_p.items() if k != item.target)
            if item.target is not None
            else None,
            tied=answer.tied,
            truncated=truncated,
            response={"log_p": dict(answer.log_p)},
            stats={
                "correct": float(answer.label == item.target),
                "selected": float(answer.label == positive),
                "positive": float(item.target == positive),
                "score": math.exp(answer.log_p[positive]),
                **{MEMBER + group: float(group in groups) for group in item.payload["known"]},
            },
        )


def _is_group(name: str, columns: Sequence[str]) -> bool:
    """Whether a slice is a group: its column is named, and it is not the slice of rows without a value."""
    column, _, value = name.partition("=")
    return column in columns and bool(value)

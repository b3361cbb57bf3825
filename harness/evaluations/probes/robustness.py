"""Robustness: does an answer survive slips of the keyboard, and does it notice a negation?"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import Any, ClassVar, Literal, get_args

from pydantic import Field

from harness.core.dataset import Dataset, Row
from harness.core.digests import digest
from harness.core.errors import DataError
from harness.core.evaluation import Item, ItemMeasure
from harness.core.records import Record
from harness.core.requests import Failure, Request, Response
from harness.data.generators.sentiment_templates import sentences
from harness.evaluations.columns import joined_slices, text_of
from harness.evaluations.on_task import read_answers
from harness.evaluations.probe_base import OnTaskProbe
from harness.evaluations.probe_guards import alike, same_text, told_apart
from harness.evaluations.record_builders import failed, outcome, truncated_tokens
from harness.evaluations.subsample import choose
from harness.schema.suite.data_refs import DataName
from harness.schema.suite.evaluation_options import OnTaskOptions
from harness.text.perturbations.contractions import contract
from harness.text.perturbations.negation import negate
from harness.text.perturbations.surface import change_case, misspell, repunctuate

Kind = Literal["typos", "case", "punctuation", "contractions", "negation", "paraphrase"]
_CHANGES: Mapping[str, Callable[[str], Iterator[str]]] = {
    "typos": misspell,
    "case": change_case,
    "punctuation": repunctuate,
    "contractions": contract,
}
TOLERANCE = 0.1
"""A negation fails when the expected score moves the wrong way by more (CheckList's tolerance)."""


class RobustnessOptions(OnTaskOptions):
    """The YAML of a robustness probe."""

    kinds: list[Kind] = Field(
        default_factory=lambda: list(get_args(Kind)),
        description="Perturbations: typos, case, punctuation, contractions, paraphrase (the answer should not "
        "change), and negation (the expected score should move to the other side).",
    )
    paraphrases: DataName | None = Field(
        None, description="Your own dataset with the columns text and paraphrase. Defaults to the built-in templates."
    )


class Robustness(OnTaskProbe[RobustnessOptions]):
    """Asks a task's question about texts and about changed ones.

    One item is one text and one kind of change. Typing errors, case, punctuation, contractions and
    paraphrases are invariance tests: an item fails by the share of its variants that get another label.
    Negation is a directional test, for texts whose label has a value above or below the middle of the
    task's values: it fails when the expected score does not go toward the other side by more than 0.1
    the wrong way. Paraphrases are the wordings of our own templates, or yours.
    """

    Options = RobustnessOptions
    kind: ClassVar[str] = "robustness"
    summary: ClassVar[str] = "Whether answers are robust to small perturbations and respond to negation."
    cluster_unit: ClassVar[str] = "original"
    item_measures: ClassVar[tuple[ItemMeasure, ...]] = (
        ItemMeasure("shift_abs", "mean change of the score when the text is changed", better="lower"),
    )
    provides: ClassVar[tuple[str, ...]] = ("target", "prediction", "correct", "test_failed", "shift_abs", "shift")
    default_metrics: tuple[str, ...] = ("failure_rate", "score_shift_abs", "accuracy")
    caveats: ClassVar[tuple[str, ...]] = (
        (
            "Rules generate the perturbations: a typo can form another word, and a negation does not always reverse "
            "the sentiment. Read the change between two models rather than the level."
        ),
    )

    @classmethod
    def data_names(cls, options: RobustnessOptions) -> tuple[DataName, ...]:
        return () if options.paraphrases is None else (options.paraphrases,)

    def settings(self) -> Mapping[str, Any]:
        options = self.options
        return {
            "kinds": list(options.kinds),
            "own_paraphrases": options.paraphrases is not None,
            "templates": _wordings_digest() if "paraphrase" in options.kinds else None,
        }

    def items(self, data: Sequence[Dataset], split: str) -> Iterator[Item]:
        """One item a text and kind of change, in the order of texts.

        Raises:
            DataError: what the task's data lacks; or that no text can be changed.
        """
        own = len(self.task.data_refs)
        cases = [
            item
            for original in self.task.every_item(data[:own], split)
            for kind in self.options.kinds
            for item in self._changed(original, kind)
        ]
        if "paraphrase" in self.options.kinds:
            cases += _given(data[own], split) if len(data) > own else list(_wordings())
        once = {item.id: item for item in cases}
        if not once:
            raise DataError(
                f"probe {self.name!r}: no text (split {split!r}) can be changed in the ways {self.options.kinds}.",
                hint="add further `kinds`.",
            )
        yield from choose(once.values(), self.options.limit, self.cluster_unit)

    def requests(self, item: Item, protocol: str) -> Sequence[Request]:
        texts = [item.payload["text"], *item.payload["variants"]]
        return [request for text in texts for request in self.task.requests_for(text, protocol)]

    def record(self, item: Item, protocol: str, responses: Sequence[Response]) -> Record:
        truncated = truncated_tokens(responses)
        answers = read_answers(self.task, responses, 1 + len(item.payload["variants"]), protocol, item.id)
        if isinstance(answers, Failure):
            return failed(item, answers, truncated=truncated)
        apart = told_apart(responses, [item.payload["text"], *item.payload["variants"]], unknown_only=True)
        if not any(apart):
            return failed(item, alike(), truncated=truncated)
        first, rest = answers[0], [answer for answer, own in zip(answers[1:], apart, strict=True) if own]
        shifts = [answer.score - first.score for answer in rest]
        toward = item.payload["toward"]
        if toward:
            failures = [float(shift * toward < -TOLERANCE) for shift in shifts]
        else:
            failures = [float(answer.label != first.label) for answer in rest]
        stats = {
            "test_failed": math.fsum(failures) / len(failures),
            "shift_abs": math.fsum(abs(shift) for shift in shifts) / len(shifts),
        }
        if toward:
            stats["shift"] = math.fsum(shift * toward for shift in shifts) / len(shifts)
        if item.target is not None:
            stats["correct"] = float(first.label == item.target)
        return outcome(
            item,
            prediction=first.label,
            margin=-stats["shift_abs"],
            tied=any(answer.tied for answer in answers),
            truncated=truncated,
            response={"labels": [answer.label for answer in answers], "scores": [answer.score for answer in answers]},
            stats=stats,
        )

    def warnings(self, data: Sequence[Dataset], split: str) -> list[str]:
        """English rules on texts in another language; paraphrases that equal their text, which are left out."""
        own = len(self.task.data_refs)
        warnings = []
        if {"contractions", "negation"} & set(self.options.kinds):
            warnings += self.foreign_texts(data, split, "the built-in contractions and negations")
        if "paraphrase" in self.options.kinds and len(data) > own:
            rows = data[own].split(split)
            count = sum(_is_unchanged(row) for row in rows)
            if count:
                warnings.append(f"{count} of {len(rows)} paraphrases equal their text; they are left out.")
        return warnings

    def _changed(self, original: Item, kind: Kind) -> Iterator[Item]:
        text = original.payload["text"]
        toward = 0
        if kind == "negation":
            toward = self._away(original.target)
            turned = negate(text) if toward else None
            variants = [] if turned is None else [turned]
        elif kind == "paraphrase":
            return
        else:
            variants = [variant for variant in dict.fromkeys(_CHANGES[kind](text)) if variant != text]
        if variants:
            cluster = original.clusters[self.task.cluster_unit]
            yield replace(
                _item(original.id, text, variants, kind, cluster, toward, original.slices), target=original.target
            )

    def _away(self, target: str | None) -> int:
        """-1 when the label stands above the middle of the values, 1 below it, 0 on it or without one."""
        values = self.task.values
        if target is None or target not in values:
            return 0
        middle = (max(values.values()) + min(values.values())) / 2
        return (values[target] < middle) - (values[target] > middle)


def _item(
    key: str,
    text: str,
    variants: Sequence[str],
    kind: str,
    cluster: str,
    toward: int = 0,
    slices: Sequence[str] = (),
) -> Item:
    payload = {"key": key, "text": text, "variants": list(variants), "kind": kind, "toward": toward}
    shown = {f"changed_{place}": variant for place, variant in enumerate(variants, start=1)}
    return Item(
        id=digest(payload),
        payload=payload,
        texts={"original": text, **shown},
        clusters={"original": cluster},
        slices=tuple(dict.fromkeys([*slices, f"kind={kind}", f"expect={'direction' if toward else 'same'}"])),
    )


def _wordings() -> Iterator[Item]:
    """The wordings of one of our templates about one gender: the first one, and the others as variants."""
    groups: dict[tuple[str, str], list[str]] = {}
    for sentence in sentences():
        groups.setdefault((sentence.template_id, sentence.group), []).append(sentence.text)
    for (template, group), texts in groups.items():
        if len(texts) > 1:
            yield _item(f"{template}/{group}", texts[0], texts[1:], "paraphrase", template)


@cache
def _wordings_digest() -> str:
    return digest([item.id for item in _wordings()])


def _is_unchanged(row: Row) -> bool:
    return same_text(str(row.fields.get("text")), str(row.fields.get("paraphrase")))


def _given(dataset: Dataset, split: str) -> list[Item]:
    dataset.require("text")
    dataset.require("paraphrase")
    made = []
    for row in dataset.split(split):
        if _is_unchanged(row):
            continue
        text, other = (text_of(dataset, row, name, empty=False) for name in ("text", "paraphrase"))
        made.append(_item(row.id, text, [other], "paraphrase", row.cluster, slices=joined_slices(row)))
    return made

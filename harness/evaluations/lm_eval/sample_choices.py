"""Multiple-choice documents of a log of lm-eval: which choice is right, and what lm-eval's figures are of.

A log does not say whether `target` is an index or a text, nor where a choice begins within what was scored. Both are
settled once for all documents of a log: by the reading under which lm-eval's own figures come out.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from harness.core.errors import DataError, Where
from harness.core.evaluation import Item
from harness.core.records import Record
from harness.core.requests import Failure
from harness.evaluations.record_builders import failed, outcome
from harness.metrics.capability.choice_accuracy import choice_statistics

FIGURES = {
    "acc": "acc",
    "acc_norm": "acc_norm_chars",
    "acc_bytes": "acc_norm_bytes",
    "acc_mutual_info": "acc_mutual_info",
}
"""lm-eval's figure of a document → ours."""
_DELIMITERS = (" ", "")
"""What tasks put before a choice; lm-eval's default first."""
_LIST = re.compile(r"\[\d+(, *\d+)*\]")
_TOLERANCE = 1e-6

Reading = Callable[["ChoiceSample", Sequence[str]], "list[int] | None"]


@dataclass(frozen=True, slots=True)
class ChoiceSample:
    """One document with its choices.

    Attributes:
        values: the choices' log-likelihoods.
        alone: those without the question, where mutual information was asked for.
        contexts, continuations: what was scored after what.
        logged: lm-eval's figures of the document.
    """

    identity: str
    where: Where
    target: Any
    values: tuple[float, ...]
    alone: tuple[float, ...] | None
    contexts: tuple[str, ...]
    continuations: tuple[str, ...]
    logged: Mapping[str, float]

    @classmethod
    def of(
        cls, sample: Mapping[str, Any], identity: str, values: list[float], arguments: list[list[Any]], where: Where
    ) -> ChoiceSample:
        """The document of a line.

        Raises:
            ValueError, IndexError, TypeError: when the line does not hold one.
        """
        alone: tuple[float, ...] | None = None
        if "acc_mutual_info" in sample and len(values) % 2 == 0:
            half = len(values) // 2
            values, alone, arguments = values[:half], tuple(values[half:]), arguments[:half]
        if len(arguments) != len(values):
            raise ValueError(f"{len(values)} answers to {len(arguments)} questions")
        return cls(
            identity,
            where,
            sample["target"],
            tuple(values),
            alone,
            tuple(str(argument[0]) for argument in arguments),
            tuple(str(argument[1]) for argument in arguments),
            {name: float(sample[name]) for name in FIGURES if isinstance(sample.get(name), int | float)},
        )

    @property
    def one_context(self) -> bool:
        """Whether choices follow one context; else the contexts are the choices, as in Winogrande."""
        return len(set(self.contexts)) == 1

    @property
    def sound(self) -> bool:
        return all(map(math.isfinite, self.values))

    def choices(self, delimiter: str) -> list[str]:
        """The choices' texts; nothing of them is stripped but the delimiter."""
        if not self.one_context:
            return list(self.contexts)
        return [text.removeprefix(delimiter) for text in self.continuations]

    def figures(self, right: Sequence[int], choices: Sequence[str]) -> dict[str, float]:
        """Our figures by lm-eval's rule: the first of the best choices is the answer."""
        each = [choice_statistics(self.values, choices, place, self.alone, ties="first") for place in right]
        return {name: sum(figures[name] for figures in each) for name in each[0]}


def choice_records(
    samples: Sequence[ChoiceSample], delimiter: str | None
) -> tuple[list[tuple[Item, Record]], dict[str, str], list[str]]:
    """Items and records, ids of documents that cannot be read with the reason, and notes.

    Raises:
        DataError: when a logged figure and the logged likelihoods contradict each other, with both values.
    """
    delimiter = _delimiter(samples) if delimiter is None else delimiter
    reading = _reading(samples, delimiter)
    made: list[tuple[Item, Record]] = []
    failures: dict[str, str] = {}
    computed: list[tuple[ChoiceSample, dict[str, float]]] = []
    for sample in samples:
        choices = sample.choices(delimiter)
        right = reading(sample, choices)
        if right is None:
            failures[sample.identity] = f"{sample.where}: the target {sample.target!r} is not one of the choices"
            continue
        item = _item(sample, choices, right)
        if not sample.sound:
            made.append((item, failed(item, Failure("nan", f"a log-likelihood is {min(sample.values)}"))))
            continue
        figures = sample.figures(right, choices)
        computed.append((sample, figures))
        made.append((item, _record(sample, item, choices, right, figures)))
    lengths = _check(computed, delimiter)
    if lengths:
        return made, failures, []
    told = "acc_norm is left out: the log does not say what lm-eval took the length of."
    return [(item, _without_lengths(record)) for item, record in made], failures, [told]


def _without_lengths(record: Record) -> Record:
    return replace(record, stats={name: value for name, value in record.stats.items() if "_norm_" not in name})


def _item(sample: ChoiceSample, choices: Sequence[str], right: Sequence[int]) -> Item:
    return Item(
        sample.identity,
        {"choices": list(choices), "right": list(right)},
        {"text": sample.contexts[0] if sample.one_context else "", "choices": "\n".join(choices)},
        choices[right[0]],
        {"parent": sample.identity},
    )


def _record(
    sample: ChoiceSample, item: Item, choices: Sequence[str], right: Sequence[int], figures: Mapping[str, float]
) -> Record:
    values = sample.values
    best = max(values)
    others = [value for place, value in enumerate(values) if place not in right]
    return outcome(
        item,
        prediction=choices[values.index(best)],
        margin=max(values[place] for place in right) - max(others) if others else None,
        tied=values.count(best) > 1,
        response={"log_likelihoods": list(values)},
        stats={**figures, "correct": float(values.index(best) in right)},
    )


def _check(computed: Sequence[tuple[ChoiceSample, Mapping[str, float]]], delimiter: str) -> bool:
    """Compares every logged figure with the likelihoods.

    Returns:
        Whether figures by length can be computed: not of contexts, whose beginnings the log does not tell apart.

    Raises:
        DataError: when a figure disagrees, with both values over the documents.
    """
    for theirs, ours in FIGURES.items():
        pairs = [
            (sample, sample.logged[theirs], figures[ours])
            for sample, figures in computed
            if theirs in sample.logged and ours in figures
        ]
        wrong = [sample for sample, logged, value in pairs if abs(logged - value) > _TOLERANCE]
        if not wrong:
            continue
        if "_norm_" in ours and not wrong[0].one_context:
            return False
        logged = math.fsum(logged for _, logged, _ in pairs) / len(pairs)
        value = math.fsum(value for _, _, value in pairs) / len(pairs)
        raise DataError(
            f"lm-eval logged {theirs} {logged:.6g}, and the logged log-likelihoods give {value:.6g}: {len(wrong)} of "
            f"{len(pairs)} documents disagree.",
            where=wrong[0].where,
            hint="the log was changed, or written by another version; run the task again."
            + (f" Choices are taken to begin after {delimiter!r}." if "_norm_" in ours else ""),
        )
    return True


def _delimiter(samples: Sequence[ChoiceSample]) -> str:
    """The delimiter under which lm-eval's figures by length come out; its default where none tells."""
    fitting = [
        delimiter
        for delimiter in _DELIMITERS
        if all(text.startswith(delimiter) for sample in samples if sample.one_context for text in sample.continuations)
    ]
    return min(fitting, key=lambda delimiter: _length_faults(samples, delimiter))


def _length_faults(samples: Sequence[ChoiceSample], delimiter: str) -> int:
    reading = _reading(samples, delimiter)
    faults = 0
    for sample in samples:
        choices = sample.choices(delimiter)
        right = reading(sample, choices)
        if right is None or not sample.sound:
            continue
        figures = sample.figures(right, choices)
        named = [name for name in ("acc_norm", "acc_bytes") if name in sample.logged]
        faults += sum(abs(sample.logged[name] - figures[FIGURES[name]]) > _TOLERANCE for name in named)
    return faults


def _reading(samples: Sequence[ChoiceSample], delimiter: str) -> Reading:
    """What `target` is in all documents: an index, as lm-eval takes digits, unless its `acc` needs texts."""
    return min((_by_index, _by_text), key=lambda reading: _target_faults(samples, delimiter, reading))


def _target_faults(samples: Sequence[ChoiceSample], delimiter: str, reading: Reading) -> int:
    faults = 0
    for sample in samples:
        choices = sample.choices(delimiter)
        right = reading(sample, choices)
        if right is None:
            faults += 1
        elif sample.sound and "acc" in sample.logged:
            faults += abs(sample.figures(right, choices)["acc"] - sample.logged["acc"]) > _TOLERANCE
    return faults


def _by_index(sample: ChoiceSample, choices: Sequence[str]) -> list[int] | None:
    return _places(sample, choices, _index_place)


def _by_text(sample: ChoiceSample, choices: Sequence[str]) -> list[int] | None:
    return _places(sample, choices, _text_place)


def _places(
    sample: ChoiceSample, choices: Sequence[str], place_of: Callable[[Any, Sequence[str]], int | None]
) -> list[int] | None:
    """The right choices: one, or those of a list, which lm-eval writes as text; None where there is none."""
    target = sample.target
    if isinstance(target, str) and target not in choices and _LIST.fullmatch(target.strip()):
        target = json.loads(target)
    places = [place_of(part, choices) for part in (target if isinstance(target, list) else [target])]
    distinct = list(dict.fromkeys(place for place in places if place is not None))
    if distinct and None not in places:
        return distinct
    return None if sample.one_context else _by_hit(sample)


def _by_hit(sample: ChoiceSample) -> list[int] | None:
    """The right one of contexts: lm-eval logs the continuation, and whether the likeliest context was right."""
    said = sample.values.index(max(sample.values))
    if sample.logged.get("acc") == 1.0:
        return [said]
    return [1 - said] if len(sample.values) == 2 and "acc" in sample.logged else None


def _index_place(target: Any, choices: Sequence[str]) -> int | None:
    text = str(target).strip()
    if isinstance(target, bool) or not (text.isascii() and text.isdecimal()) or len(text) > 9:
        return _text_place(target, choices)
    return int(text) if int(text) < len(choices) else None


def _text_place(target: Any, choices: Sequence[str]) -> int | None:
    for text in (str(target), str(target).strip()):
        if text in choices:
            return choices.index(text)
    stripped = [choice.strip() for choice in choices]
    return stripped.index(str(target).strip()) if stripped.count(str(target).strip()) == 1 else None

"""Documents with choices of a log of lm-eval: their scores, where a choice begins, and which one is right.

A log does not say whether `target` is an index or a text, nor where a choice begins within what was scored. Both are
settled once for all documents of a log: by the reading under which lm-eval's own figures come out.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from harness.core.errors import Where
from harness.evaluations.lm_eval.logged_figures import Sample
from harness.evaluations.lm_eval.logged_task import is_number
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
        sample: as it was logged.
        values: the choices' log-likelihoods.
        greedy: whether greedy decoding writes the choice.
        alone: those without the question, where mutual information was asked for.
        contexts, continuations: what was scored after what.
        logged: lm-eval's figures of the document.
    """

    sample: Sample
    values: tuple[float, ...]
    alone: tuple[float, ...] | None
    greedy: tuple[bool, ...]
    contexts: tuple[str, ...]
    continuations: tuple[str, ...]
    logged: Mapping[str, float]

    @classmethod
    def of(cls, sample: Sample) -> ChoiceSample:
        """The document of a line.

        Raises:
            ValueError, IndexError, TypeError: when the line does not hold one.
        """
        arguments, values = sample.arguments, [float(reply[0]) for reply in sample.replies]
        greedy = [str(reply[1]) == "True" for reply in sample.replies]
        alone: tuple[float, ...] | None = None
        if "acc_mutual_info" in sample.raw and len(values) % 2 == 0:
            half = len(values) // 2
            values, alone, arguments = values[:half], tuple(values[half:]), arguments[:half]
        return cls(
            sample,
            tuple(values),
            alone,
            tuple(greedy[: len(values)]),
            tuple(str(argument[0]) for argument in arguments),
            tuple(str(argument[1]) for argument in arguments),
            {name: float(sample.raw[name]) for name in FIGURES if is_number(sample.raw.get(name))},
        )

    @property
    def identity(self) -> str:
        return self.sample.identity

    @property
    def where(self) -> Where:
        return self.sample.where

    @property
    def target(self) -> Any:
        return self.sample.target

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


def choice_delimiter(samples: Sequence[ChoiceSample]) -> str:
    """The delimiter under which lm-eval's figures by length come out; its default where none tells."""
    fitting = [
        delimiter
        for delimiter in _DELIMITERS
        if all(text.startswith(delimiter) for sample in samples if sample.one_context for text in sample.continuations)
    ]
    return min(fitting, key=lambda delimiter: _length_faults(samples, delimiter))


def _length_faults(samples: Sequence[ChoiceSample], delimiter: str) -> int:
    reading = target_reading(samples, delimiter)
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


def target_reading(samples: Sequence[ChoiceSample], delimiter: str) -> Reading:
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

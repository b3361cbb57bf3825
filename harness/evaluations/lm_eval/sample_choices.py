"""Multiple-choice documents of a log of lm-eval: which choice is right, and what lm-eval's figures are of.

A log does not say whether `target` is an index or a text, nor where a choice begins within what was scored. Both are
settled once for all documents of a log: by the reading under which lm-eval's own figures come out.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from harness.core.errors import DataError, Where
from harness.core.evaluation import Item
from harness.core.records import Record
from harness.core.requests import Failure
from harness.evaluations.lm_eval.logged_figures import Ours, ReadDocuments, Sample, agree, contradiction, settle
from harness.evaluations.lm_eval.logged_task import LoggedTask, is_number
from harness.evaluations.record_builders import failed, outcome
from harness.metrics.capability.choice_accuracy import brier_of, choice_statistics
from harness.metrics.capability.f1 import binary_f1_counts

_FIGURES = {
    "acc": "acc",
    "acc_norm": "acc_norm_chars",
    "acc_bytes": "acc_norm_bytes",
    "acc_mutual_info": "acc_mutual_info",
}
"""lm-eval's figure of a document → ours."""
_PAIRED = {"f1": Ours("f1_binary"), "brier_score": Ours("brier")}
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
            {name: float(sample.raw[name]) for name in _FIGURES if is_number(sample.raw.get(name))},
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


@dataclass(frozen=True, slots=True)
class _Scored:
    """A document with its right choices and our figures."""

    choice: ChoiceSample
    right: list[int]
    figures: dict[str, float]


def choice_records(samples: Sequence[Sample], task: LoggedTask) -> ReadDocuments:
    """Documents with choices.

    Raises:
        DataError: when a logged figure and the logged likelihoods contradict each other, with both values.
    """
    read = ReadDocuments()
    parsed: list[ChoiceSample] = []
    for sample in samples:
        try:
            parsed.append(ChoiceSample.of(sample))
        except (TypeError, ValueError, IndexError, KeyError) as error:
            read.failures[sample.identity] = f"{sample.where}: invalid sample: {error}"
    delimiter = _delimiter(parsed) if task.delimiter is None else task.delimiter
    reading = _reading(parsed, delimiter)
    scored: list[_Scored] = []
    for choice in parsed:
        choices = choice.choices(delimiter)
        right = reading(choice, choices)
        if right is None and task.code:
            # Which choice is right is known to the task's code alone.
            read.made.append(_without_right(choice, choices))
        elif right is None:
            read.failures[choice.identity] = f"{choice.where}: the target {choice.target!r} is not one of the choices"
        elif not choice.sound:
            item = _item(choice, choices, right)
            failure = Failure("nan", f"a log-likelihood is {min(choice.values)}")
            read.made.append((item, failed(item, failure)))
        else:
            item = _item(choice, choices, right)
            scored.append(_Scored(choice, right, choice.figures(right, choices)))
            read.made.append((item, _record(choice, item, choices, right, scored[-1].figures)))
    if scored:
        left_out = _checked(scored, delimiter, task, read)
        if all(len(row.right) == 1 for row in scored):
            _pairs(scored, task, read)
        kept = {row.choice.identity: row.figures for row in scored}
        read.made = [
            (item, _with(record, kept[item.id], left_out) if item.id in kept else record) for item, record in read.made
        ]
    return read


def _with(record: Record, figures: Mapping[str, float], left_out: Collection[str]) -> Record:
    stats = {name: value for name, value in {**record.stats, **figures}.items() if name not in left_out}
    return replace(record, stats=stats)


def _without_right(choice: ChoiceSample, choices: Sequence[str]) -> tuple[Item, Record]:
    texts = {"text": choice.contexts[0] if choice.one_context else "", "choices": "\n".join(choices)}
    item = Item(choice.identity, {"choices": list(choices)}, texts, clusters={"parent": choice.identity})
    return item, outcome(item, response={"log_likelihoods": list(choice.values)}, stats={})


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


def _checked(scored: Sequence[_Scored], delimiter: str, task: LoggedTask, read: ReadDocuments) -> set[str]:
    """Compares every logged figure with the likelihoods.

    Returns:
        Our figures that are left out: those by length where contexts are the choices, whose beginnings the log does
        not tell apart, and those that code of the task computes otherwise.

    Raises:
        DataError: when a figure disagrees, with both values over the documents.
    """
    left_out: set[str] = set()
    for theirs, ours in _FIGURES.items():
        pairs = [
            (row.choice, row.choice.logged[theirs], row.figures[ours])
            for row in scored
            if theirs in row.choice.logged and ours in row.figures
        ]
        wrong = [choice for choice, logged, value in pairs if not agree(logged, value)]
        if pairs and not wrong:
            read.settled[theirs] = Ours(ours)
        if not wrong:
            continue
        if "_norm_" in ours and not wrong[0].one_context:
            left_out |= {name for name in _FIGURES.values() if "_norm_" in name}
            read.settled[theirs] = None
            read.notes.append(f"{theirs} is left out: the log does not say what lm-eval took the length of.")
        elif task.code or (not task.states(theirs) and any(logged not in (0.0, 1.0) for _, logged, _ in pairs)):
            left_out |= {ours, "correct"}
        else:
            raise contradiction(
                theirs,
                [logged for _, logged, _ in pairs],
                [value for _, _, value in pairs],
                [choice.where for choice, _, _ in pairs],
                "log-likelihoods",
                f" Choices are taken to begin after {delimiter!r}." if "_norm_" in ours else "",
            )
    return left_out


def _pairs(scored: Sequence[_Scored], task: LoggedTask, read: ReadDocuments) -> None:
    """Figures that lm-eval logs as (place of the right choice, what was answered), and aggregates over documents.

    Raises:
        DataError: when the logged values contradict the likelihoods, or the aggregate contradicts the values.
    """
    answers = [row.choice.values.index(max(row.choice.values)) for row in scored]
    right = [row.right[0] for row in scored]
    expected: dict[str, list[list[float]]] = {
        "f1": [[float(answer)] for answer in answers],
        "mcc": [[float(answer)] for answer in answers],
        "brier_score": [_softmax(row.choice.values) for row in scored],
        "likelihood": [list(row.choice.values) for row in scored],
    }
    for name, values in expected.items():
        if _pairs_agree(name, scored, values, task):
            read.settled[name] = _PAIRED.get(name)
    _greedy(scored, task, read)
    if "f1" in read.settled:
        _f1(scored, right, answers, task, read)
    total = task.total("mcc")
    if "mcc" in read.settled and total is not None and not agree(total, made := _matthews(right, answers)):
        raise DataError(f"lm-eval's results say mcc {total:.6g}, and the logged documents give {made:.6g}.")
    if "brier_score" in read.settled:
        for row in scored:
            row.figures["brier"] = brier_of(row.choice.values, row.right)


def _pairs_agree(name: str, scored: Sequence[_Scored], values: Sequence[Sequence[float]], task: LoggedTask) -> bool:
    """Whether the logged pairs of a figure are those that the likelihoods give; False where there are none."""
    logged = [_pair(row.choice.sample.raw.get(name)) for row in scored]
    for row, pair, value in zip(scored, logged, values, strict=True):
        if pair is None:
            return False
        computed = [float(row.right[0]), *value]
        if len(pair) == len(computed) and all(map(agree, pair, computed)):
            continue
        if task.code:
            return False
        raise DataError(
            f"lm-eval logged {name} {_shown(pair)}, and the logged log-likelihoods give {_shown(computed)}.",
            where=row.choice.where,
            hint="the log was changed, or written by another version; run the task again.",
        )
    return True


def _shown(pair: Sequence[float]) -> str:
    return f"({pair[0]:g}; {', '.join(format(value, '.6g') for value in pair[1:])})"


def _greedy(scored: Sequence[_Scored], task: LoggedTask, read: ReadDocuments) -> None:
    """Exact match of a choice: whether greedy decoding writes the right one."""
    greedy = [float(row.choice.greedy[row.right[0]]) for row in scored]
    if settle("exact_match", [row.choice.sample for row in scored], {"": greedy}, task, "answers") is None:
        return
    read.settled["exact_match"] = Ours("greedy_match")
    for row, value in zip(scored, greedy, strict=True):
        row.figures["greedy_match"] = value


def _f1(
    scored: Sequence[_Scored], right: Sequence[int], answers: Sequence[int], task: LoggedTask, read: ReadDocuments
) -> None:
    """Binary F1 of the second choice, as scikit-learn has it; code of the task may have averaged over the choices."""
    total, macro = task.total("f1"), _macro_f1(right, answers)
    binary = max(*right, *answers, 1) == 1
    named = right.count(1) + answers.count(1)
    both = sum(place == answer == 1 for place, answer in zip(right, answers, strict=True))
    second = 2.0 * both / named if named else 0.0
    own = task.states("f1") and task.aggregation("f1") is not None
    if binary and (own or total is None or agree(total, second)):
        for row, place, answer in zip(scored, right, answers, strict=True):
            row.figures.update(binary_f1_counts(place, answer))
        return
    read.settled["f1"] = None
    if total is None or task.aggregation("f1") is None:
        averaged = "" if total is None else f" {total:.6g}"
        told = (
            f"is the macro F1 of the choices' places, {macro:.6g}" if total and agree(total, macro) else "is left out"
        )
        read.notes.append(f"f1{averaged} {told}: code of the task averages it.")
    elif not agree(total, macro):
        values = f"{second:.6g} (of the second choice) or {macro:.6g} (mean over the choices)"
        raise DataError(f"lm-eval's results say f1 {total:.6g}, and the logged documents give {values}.")
    else:
        read.notes.append(f"f1 {total:.6g} is the macro F1 of the choices' places; it is no metric of this run.")


def _macro_f1(right: Sequence[int], answers: Sequence[int]) -> float:
    places = sorted({*right, *answers})
    scores = []
    for place in places:
        both = sum(gold == answer == place for gold, answer in zip(right, answers, strict=True))
        scores.append(2.0 * both / (right.count(place) + answers.count(place)))
    return math.fsum(scores) / len(scores)


def _matthews(right: Sequence[int], answers: Sequence[int]) -> float:
    """The correlation of answers with right choices (Gorodkin 2004), 0 where one side is constant."""
    n, places = len(right), sorted({*right, *answers})
    hits = sum(gold == answer for gold, answer in zip(right, answers, strict=True))
    crossed = sum(right.count(place) * answers.count(place) for place in places)
    spread = [n * n - sum(side.count(place) ** 2 for place in places) for side in (right, answers)]
    return (hits * n - crossed) / math.sqrt(spread[0] * spread[1]) if all(spread) else 0.0


def _softmax(values: Sequence[float]) -> list[float]:
    highest = max(values)
    weights = [math.exp(value - highest) for value in values]
    return [weight / sum(weights) for weight in weights]


def _pair(value: Any) -> list[float] | None:
    """Place and values of a logged pair, in one list."""
    if not isinstance(value, list) or len(value) != 2:
        return None
    flat = [value[0], *(value[1] if isinstance(value[1], list) else [value[1]])]
    return [float(part) for part in flat] if all(is_number(part) for part in flat) else None


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
        faults += sum(abs(sample.logged[name] - figures[_FIGURES[name]]) > _TOLERANCE for name in named)
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

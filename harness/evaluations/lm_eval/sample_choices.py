"""Multiple-choice documents of a log of lm-eval: their records, held to the figures that lm-eval logged."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from harness.core.errors import DataError
from harness.core.evaluation import Item
from harness.core.records import Record
from harness.core.requests import Failure
from harness.evaluations.lm_eval.logged_choices import FIGURES, ChoiceSample, choice_delimiter, target_reading
from harness.evaluations.lm_eval.logged_figures import Ours, ReadDocuments, Sample, agree, contradiction, settle
from harness.evaluations.lm_eval.logged_task import LoggedTask, is_number
from harness.evaluations.record_builders import failed, outcome
from harness.metrics.capability.choice_accuracy import brier_of
from harness.metrics.capability.f1 import binary_f1_counts

_PAIRED = {"f1": Ours("f1_binary"), "brier_score": Ours("brier")}


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
    delimiter = choice_delimiter(parsed) if task.delimiter is None else task.delimiter
    reading = target_reading(parsed, delimiter)
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
    for theirs, ours in FIGURES.items():
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
            left_out |= {name for name in FIGURES.values() if "_norm_" in name}
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

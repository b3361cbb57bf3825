"""The tables of trivial rivals, from a task's training examples."""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from harness.core.errors import DataError
from harness.core.examples import (
    AnswerSpan,
    LabeledText,
    PreferencePair,
    PromptTarget,
    ScoredText,
    SearchPair,
    TaggedWords,
)
from harness.core.reporter import Reporter
from harness.model_kinds.heuristic_kind import HeuristicSpec
from harness.models.derived.heuristic_backend import (
    INTERCEPT,
    OUTSIDE,
    SLOPE,
    BaselineTable,
    shared_words,
    write_baseline,
)
from harness.models.peak_memory import peak_memory
from harness.training.checkpoint_metadata import write_metadata
from harness.training.stage_inputs import StageInputs

_MOST_EDGE = 400


def make_baseline(
    spec: HeuristicSpec, inputs: StageInputs, work: Path, reporter: Reporter, *, save_every: int | None = None
) -> dict[str, object]:
    """Writes the table of a rule; counting, no training.

    Returns:
        The checkpoint's metadata and what was measured.

    Raises:
        DataError: when the rule does not fit the task's examples.
    """
    started = time.monotonic()
    examples = [example.better() if isinstance(example, PreferencePair) else example for example in inputs.train]
    fitting = {
        LabeledText: ("majority", "prior", "random"),
        ScoredText: ("mean", "overlap"),
        SearchPair: ("tfidf",),
        TaggedWords: ("majority", "gazetteer"),
        PromptTarget: ("majority", "random", "longest", "dictionary", "nearest", "copy", "lead"),
        AnswerSpan: ("majority", "overlap"),
    }
    kind = type(examples[0]) if examples else None
    if kind not in fitting or spec.rule not in fitting[kind]:
        what = "no examples" if kind is None else f"examples of the type {kind.__name__}"
        raise DataError(
            f"the heuristic {spec.rule!r} does not fit task {spec.task!r}, which has {what}.",
            hint=f"choose one of: {', '.join(fitting.get(kind, ('another task',)))}." if kind else None,
        )
    table = replace(_table(spec.rule, examples, inputs.labels), task=spec.task)
    write_baseline(work, table)
    metadata = write_metadata(
        work,
        kind="baseline",
        stage=spec.model_dump(mode="json"),
        inputs=inputs,
        cost={"tokens": 0, "flops": 0.0, "steps": 0, "parameters": 0, "trainable": 0},
        recipe={"rule": spec.rule},
    )
    seconds = round(time.monotonic() - started, 3)
    return {**metadata, "validation": None, "measured": {"seconds": seconds, "peak_memory": peak_memory()}}


def _table(rule: str, examples: Sequence[Any], labels: tuple[str, ...]) -> BaselineTable:
    first = examples[0]
    if isinstance(first, LabeledText):
        counts = Counter(place for example in examples for place in example.places)
        return BaselineTable(rule, labels, {name: counts[place] / len(examples) for place, name in enumerate(labels)})
    if isinstance(first, ScoredText):
        return BaselineTable(rule, weights=_scored(rule, examples))
    if isinstance(first, TaggedWords):
        return BaselineTable(rule, labels, spans=_spans(examples) if rule == "gazetteer" else {})
    if isinstance(first, PromptTarget):
        prompts = [example.messages[-1][1] if example.messages else example.prompt for example in examples]
        before, after = _edges(prompts)
        answers = {
            prompt[len(before) : len(prompt) - len(after)]: example.target
            for prompt, example in zip(prompts, examples, strict=True)
        }
        keep = rule in {"dictionary", "nearest", "majority"}
        return BaselineTable(rule, answers=answers if keep else {}, edges=(before, after))
    return BaselineTable(rule)


def _scored(rule: str, examples: Sequence[ScoredText]) -> dict[str, float]:
    """The mean number; for `overlap` the line of least squares through the shared words of the pairs."""
    scores = [example.score for example in examples]
    mean = math.fsum(scores) / len(scores)
    if rule == "mean":
        return {INTERCEPT: mean}
    if any(example.pair is None for example in examples):
        raise DataError("the heuristic 'overlap' compares the words of two texts, and the task has single texts.")
    shares = [shared_words(example.text, str(example.pair)) for example in examples]
    middle = math.fsum(shares) / len(shares)
    spread = math.fsum((share - middle) ** 2 for share in shares)
    both = math.fsum((share - middle) * score for share, score in zip(shares, scores, strict=True))
    slope = both / spread if spread else 0.0
    return {INTERCEPT: mean - slope * middle, SLOPE: slope}


def _spans(examples: Sequence[TaggedWords]) -> dict[str, str]:
    """Words of every span → its most frequent type; words that are more often outside any span are left out."""
    kinds: dict[str, Counter[str]] = {}
    outside: Counter[str] = Counter()
    for example in examples:
        words: list[str] = []
        kind = ""
        for word, tag in [*zip(example.words, example.tags, strict=True), ("", OUTSIDE)]:
            prefix, _, name = tag.partition("-")
            if words and (prefix in {OUTSIDE, "B", "S"} or name != kind):
                kinds.setdefault(" ".join(words).lower(), Counter())[kind] += 1
                words = []
            if prefix == OUTSIDE:
                outside[word.lower()] += 1
            else:
                words, kind = [*words, word], name
    return {
        words: min(counts, key=lambda kind: (-counts[kind], kind))
        for words, counts in kinds.items()
        if counts.total() > outside[words]
    }


def _edges(prompts: Sequence[str]) -> tuple[str, str]:
    """What all prompts begin and end with: the task's template around the source."""
    if len(set(prompts)) < 2:
        return "", ""
    before = _shared(prompts)[:_MOST_EDGE]
    rest = [prompt[len(before) :] for prompt in prompts]
    after = _shared([text[::-1] for text in rest])[::-1][-_MOST_EDGE:]
    return before, after


def _shared(texts: Sequence[str]) -> str:
    """The longest beginning that all texts have."""
    first, last = min(texts), max(texts)
    for place, letter in enumerate(first):
        if place >= len(last) or last[place] != letter:
            return first[:place]
    return first

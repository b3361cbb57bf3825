"""Fixed prompts: the likeliest continuations of each model with their probabilities, side by side."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from harness.report.view.item_columns import Side, aligned_side
from harness.report.view.run_view import COMPLETIONS, RunView
from harness.report.wording.safe_text import cut

_PROMPTS, _TOKENS = 40, 8


@dataclass(frozen=True, slots=True)
class Candidate:
    """A continuation; `share` is its probability, `fresh` says that the first model does not have it."""

    text: str
    share: str
    fresh: bool


@dataclass(frozen=True, slots=True)
class Prompt:
    text: str
    answers: list[tuple[str, list[Candidate]]]


_BLANKS = str.maketrans({" ": "␣", "\n": "⏎", "\t": "⇥"})
"""White space that is a whole token is drawn, so that its place does not look empty."""


@dataclass(frozen=True, slots=True)
class Completions:
    evaluation: str
    summary: str
    models: list[str]
    prompts: list[Prompt]
    left_out: int


def completions(view: RunView) -> list[Completions]:
    """Every evaluation of the kind `sample_completions` of which the run holds items and records."""
    return [
        shown
        for name, evaluation in view.evaluations.items()
        if evaluation.kind == COMPLETIONS and evaluation.role == "task" and (shown := _of(view, name))
    ]


def _of(view: RunView, name: str) -> Completions | None:
    table = view.item_table(name)
    order = list(dict.fromkeys([view.results.baseline, *view.results.release, *view.models]))
    if table is None or not len(table):
        return None
    sides: dict[str, Side] = {}
    for model in order:
        records = view.records(name, model)
        if records is not None and len(records):
            sides[model] = aligned_side(records, view.evaluations[name].item_measures, table.ids)
    if not sides:
        return None
    places = range(min(len(table), _PROMPTS))
    given = {model: side.responses(places) for model, side in sides.items()}
    prompts = []
    for at, texts in enumerate(table.texts(places)):
        first = _top(next(iter(given.values()))[at])
        known = {text for text, _ in first}
        answers = [
            (model, _shown(_top(responses[at]), known if k else None))
            for k, (model, responses) in enumerate(given.items())
        ]
        prompts.append(Prompt(cut(" / ".join(texts.values()), 300), answers))
    evaluation = view.evaluations[name]
    return Completions(name, evaluation.summary, list(sides), prompts, len(table) - len(prompts))


def _top(response: dict[str, Any]) -> list[tuple[str, float | None]]:
    """(token, log-probability), best first; a written answer stands alone and has none."""
    tokens, scores = response.get("tokens"), response.get("scores")
    if isinstance(response.get("generated"), str):
        return [(response["generated"], None)]
    if not isinstance(tokens, list) or not isinstance(scores, list):
        return []
    pairs = [
        (str(token), float(score))
        for token, score in zip(tokens, scores, strict=False)
        if isinstance(score, int | float) and math.isfinite(score)
    ]
    return [*sorted(pairs, key=lambda pair: -pair[1])[:_TOKENS]]


def _shown(top: list[tuple[str, float | None]], known: set[str] | None) -> list[Candidate]:
    return [
        Candidate(
            cut(text if text.strip() else text.translate(_BLANKS), 200),
            "" if score is None else f"{math.exp(min(0.0, score)):.1%}",
            known is not None and text not in known,
        )
        for text, score in top
    ]

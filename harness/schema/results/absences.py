"""What is not behind a figure, in words: models that were skipped, answers, gold, rows and partners that are missing.

One home for the words, so that the end of a run and every table say the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from harness.schema.results.inputs import EvaluationResult
from harness.schema.results.metrics import ComparisonResult, MetricResult
from harness.schema.results.number_format import plural, whole
from harness.schema.results.results_file import Results

_WORDS = {
    "unread": "unread",
    "failed": "failed",
    "skipped": "skipped",
    "empty": "empty",
    "no_gold": "without gold",
}
"""Counts of records → what they count."""


def missing_answers(counts: Mapping[str, int]) -> str:
    """`3 unread, 1 empty`, from a model's counts on an evaluation; empty when nothing is missing."""
    return ", ".join(f"{whole(counts[key])} {word}" for key, word in _WORDS.items() if counts.get(key))


def behind_metric(row: MetricResult, evaluations: Mapping[str, EvaluationResult]) -> str:
    """What is missing behind a metric of a model."""
    known = evaluations.get(row.evaluation)
    return missing_answers(known.counts.get(row.model, {})) if known is not None else ""


def behind_comparison(row: ComparisonResult, evaluations: Mapping[str, EvaluationResult] | None = None) -> str:
    """What is missing behind a comparison: items without a partner, and what either side did not answer."""
    lost = row.only_baseline + row.only_candidate
    parts = [f"{whole(lost)} without a partner"] if lost else []
    known = (evaluations or {}).get(row.evaluation)
    for model in (row.baseline, row.candidate) if known is not None else ():
        missing = missing_answers(known.counts.get(model, {})) if known is not None else ""
        parts += [f"{model}: {missing}"] if missing else []
    return "; ".join(parts)


def absences(results: Results) -> Iterator[str]:
    """One line for everything that is missing from a run, for its end."""
    yield from _skipped(results.evaluations)
    for evaluation in results.evaluations:
        for model, counts in evaluation.counts.items():
            missing = missing_answers(counts)
            if missing:
                yield f"{model} on {evaluation.name}: of {plural(evaluation.n, 'item')} {missing}"
    unpaired = {
        (row.evaluation, row.baseline, row.candidate, row.only_baseline, row.only_candidate): None
        for row in results.comparisons
        if row.slice is None and row.only_baseline + row.only_candidate
    }
    for evaluation_name, baseline, candidate, only_baseline, only_candidate in unpaired:
        yield (
            f"{candidate} against {baseline} on {evaluation_name}: items without a partner: {whole(only_baseline)} of "
            f"{baseline}, {whole(only_candidate)} of {candidate}"
        )
    for data in results.data:
        for note in data.notes:
            yield f"data {data.name}: {note}"


def _skipped(evaluations: Sequence[EvaluationResult]) -> Iterator[str]:
    """Models with what they were not evaluated on, those of one reason together."""
    names: dict[tuple[str, str], list[str]] = {}
    for evaluation in evaluations:
        for model, why in evaluation.skipped.items():
            names.setdefault((model, why), []).append(evaluation.name)
    for (model, why), where in names.items():
        yield f"{model} was not evaluated on {', '.join(where)}: {why.rstrip('.')}"

"""Scores the answers to one document by the code of its task: filters, `process_results`, and what our metrics read."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from harness.core.errors import DataError, SuiteError, unknown
from harness.data.sources.lm_eval_configs import installed_code_only
from harness.data.sources.lm_eval_package import LoadedTask
from harness.evaluations.lm_eval.package_figures import TaskFigures
from harness.metrics.capability.bleu_chrf_ter import NAMES as CORPUS
from harness.metrics.capability.bleu_chrf_ter import translation_statistics
from harness.metrics.capability.choice_accuracy import brier_of
from harness.metrics.capability.f1 import binary_f1_counts
from harness.metrics.lm_eval_figure import STATISTIC, VALUES, is_aggregated, share_statistics

_WEIGHTS = {"word_perplexity": "words", "byte_perplexity": "bytes", "bits_per_byte": "bytes"}


@dataclass(slots=True)
class ScoredDocument:
    """What the task's code says of one document.

    Attributes:
        stats: sufficient statistics of our metrics, and every figure that is a number under lm-eval's name.
        response: figures that are no numbers, for the task's own aggregation.
    """

    stats: dict[str, float] = field(default_factory=dict)
    response: dict[str, Any] = field(default_factory=dict)
    prediction: str | None = None
    margin: float | None = None


class _Unasked:
    """Stands where lm-eval expects whether greedy decoding gives the text, and says whether that is read."""

    class Read(Exception):
        """The value was read."""

    def _read(self, *_: Any) -> Any:
        raise self.Read

    __bool__ = __int__ = __float__ = __index__ = __lt__ = __gt__ = __add__ = __radd__ = _read


def needs_greedy(loaded: LoadedTask, payload: Mapping[str, Any]) -> bool:
    """Whether the task's scoring of a document reads if greedy decoding gives a continuation."""
    task = loaded.task
    metrics = {str(entry.get("metric")) for entry in task.get_config("metric_list") or ()}
    if task.OUTPUT_TYPE == "multiple_choice" and not callable(task.get_config("process_results")):
        return "exact_match" in metrics
    count = len(payload["requests"])
    try:
        with np.errstate(all="ignore"):
            results = [[(-1.0 - place / 7, _Unasked())] for place in range(count)]
            _processed(loaded, payload, results, None)
    except _Unasked.Read:
        return True
    except Exception:  # code of a task may fail on made-up answers; the real ones will tell
        return False
    return False


def scored(
    loaded: LoadedTask, payload: Mapping[str, Any], results: list[list[Any]], chosen: str | None, figures: TaskFigures
) -> ScoredDocument:
    """The figures of a document.

    Args:
        results: the answers of each request, one for each repeat.
        chosen: the name of a filter; None for the task's first.

    Raises:
        SuiteError: for an unknown filter.
        DataError: when the task's code fails on these answers.
    """
    name = str(payload["task"])
    try:
        values, kept = _processed(loaded, payload, results, chosen)
    except (SuiteError, DataError):
        raise
    except Exception as error:  # code of a task may raise anything
        raise DataError(
            f"lm-evaluation-harness's code of the task {name!r} cannot score the document {payload['doc_id']}: "
            f"{type(error).__name__}: {error}"
        ) from error
    document = ScoredDocument()
    numbers = {key: float(value) for key, value in values.items() if _is_number(value)}
    document.stats |= {f"{STATISTIC}.{key}": value for key, value in numbers.items()}
    if "share" in payload:
        document.stats |= share_statistics(numbers, payload["share"])
    others = {key: value for key, value in values.items() if key not in numbers}
    if aggregated := {f.key for f in figures.figures if is_aggregated(f.metric)}:
        held = {key: _plain(value) for key, value in values.items() if key in aggregated}
        document.response = {VALUES: held} if held else {}
    for figure in figures.figures:
        if figure.ours and figure.key in values:
            document.stats |= _ours(figure.metric, values[figure.key], kept)
    _shown(document, loaded, payload, results, kept, {**numbers, **others})
    return document


def _processed(
    loaded: LoadedTask, payload: Mapping[str, Any], results: list[list[Any]], chosen: str | None
) -> tuple[dict[str, Any], list[Any]]:
    """lm-eval's figures of a document, and the answers after the filter."""
    from lm_eval.api.instance import Instance

    task, document = loaded.task, loaded.document(payload["doc_id"])
    repeats = payload.get("repeats", 1)
    instances = [
        Instance(kind, document, tuple(arguments), place, (payload["task"], payload["doc_id"], repeats))
        for place, (kind, arguments) in enumerate(payload["requests"])
    ]
    for instance, answers in zip(instances, results, strict=True):
        instance.resps = list(answers)
    names = [filters.name for filters in task._filters]
    if chosen is not None and chosen not in names:
        raise SuiteError(unknown("filter of the task", chosen, names))
    filters = task._filters[0 if chosen is None else names.index(chosen)]
    filters.apply(instances)
    kept = [instance.filtered_resps[filters.name] for instance in instances]
    with installed_code_only(str(payload["task"])):
        return dict(task.process_results(document, kept)), kept


def _ours(metric: str, value: Any, kept: Sequence[Any]) -> dict[str, float]:
    """The statistics that our metric of that name reads, from lm-eval's figure of the document."""
    if metric in _WEIGHTS:
        likelihood, weight = value
        return {"nll": -float(likelihood), _WEIGHTS[metric]: float(weight)}
    if metric == "target_perplexity":
        return {"nll_target": -float(value), "targets": 1.0}
    if metric == "f1_binary":
        right, answer = value
        return binary_f1_counts(int(right), int(answer))
    if metric == "brier":
        right, probabilities = value
        places = right if isinstance(right, list) else [int(right)]
        return {"brier": brier_of([math.log(max(float(p), 1e-300)) for p in probabilities], places)}
    if metric in CORPUS:
        reference, text = value
        return translation_statistics(
            str(text), reference if isinstance(reference, list) else [str(reference)], (metric,), one_line=False
        )
    return {metric: float(value)}


def _shown(
    document: ScoredDocument,
    loaded: LoadedTask,
    payload: Mapping[str, Any],
    results: list[list[Any]],
    kept: Sequence[Any],
    values: Mapping[str, Any],
) -> None:
    """What a reader of the item sees, and whether the answer is right."""
    zero_or_one = [value for value in values.values() if isinstance(value, float) and value in (0.0, 1.0)]
    leading = next((values[key] for key in ("acc", "exact_match") if key in values), None)
    correct = leading if isinstance(leading, float) and leading in (0.0, 1.0) else next(iter(zero_or_one), None)
    if correct is not None:
        document.stats["correct"] = float(correct)
    kind = payload["requests"][0][0]
    if kind == "generate_until":
        document.prediction = kept[0] if isinstance(kept[0], str) else json.dumps(_plain(kept[0]), default=str)
    elif kind == "loglikelihood" and len(payload["requests"]) > 1:
        likelihoods = [answers[0][0] for answers in results]
        best = int(np.argmax(likelihoods))
        document.prediction = str(payload["requests"][best][1][-1]).strip()
        if loaded.task.OUTPUT_TYPE == "multiple_choice":
            document.margin = _margin(loaded, payload, likelihoods)


def _margin(loaded: LoadedTask, payload: Mapping[str, Any], likelihoods: Sequence[float]) -> float | None:
    """How much likelier the right choice is than the likeliest other one; None where the task names no place."""
    target = loaded.task.doc_to_target(loaded.document(payload["doc_id"]))
    if isinstance(target, bool) or not isinstance(target, int) or not 0 <= target < len(likelihoods):
        return None
    others = [value for place, value in enumerate(likelihoods) if place != target]
    return likelihoods[target] - max(others)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float | np.number | np.bool_) and math.isfinite(float(value))


def _plain(value: Any) -> Any:
    """A figure as JSON has it."""
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, Mapping):
        return {str(key): _plain(held) for key, held in value.items()}
    if isinstance(value, list | tuple | set):
        return [_plain(held) for held in value]
    return value if isinstance(value, str | int | float | bool) or value is None else str(value)

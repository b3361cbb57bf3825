"""Which figures a task of the installed lm-evaluation-harness has, and which metric of ours each of them is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from harness.data.sources.lm_eval_configs import metric_name, task_config
from harness.data.sources.lm_eval_index import leaf_tasks, place_of
from harness.evaluations.lm_eval.task_metrics import METRICS
from harness.metrics.capability.bleu_chrf_ter import NAMES as CORPUS
from harness.metrics.lm_eval_figure import figure_metric, group_metric, is_aggregated

_OWN_KEYS = frozenset({"metric", "aggregation", "higher_is_better", "hf_evaluate"})
_LIKELIHOODS = METRICS["loglikelihood_rolling"]
_NO_MEANS = frozenset({"f1_binary", "target_perplexity", "brier", *CORPUS, *_LIKELIHOODS.values()})
"""Our metrics of figures that are more than a number for each document."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure of a task.

    Attributes:
        key: lm-eval's name of it.
        metric: the id of the metric that it is here.
        ours: whether that metric has a name of its own here, and not only lm-eval's.
    """

    key: str
    metric: str
    ours: bool = False


@dataclass(frozen=True, slots=True)
class TaskFigures:
    """What the file of a task says of its scoring.

    Attributes:
        output_type: of lm-eval.
        own_code: whether code of the task scores its documents.
    """

    output_type: str
    own_code: bool
    figures: tuple[Figure, ...]


@lru_cache(maxsize=512)
def figures_of_task(name: str) -> TaskFigures:
    """The figures of one task, by its file; no data is read."""
    from lm_eval.api import registry

    config = task_config(name)
    if "class" in config:
        return _of_class(name, config["class"])
    output_type = str(config.get("output_type") or "generate_until")
    listed = config.get("metric_list") or [
        {"metric": metric} for metric in registry.DEFAULT_METRIC_REGISTRY[output_type]
    ]
    own_code = callable(config.get("process_results"))
    figures = []
    for entry in listed:
        key = metric_name(entry)
        aggregation = _aggregation(entry, key)
        higher = entry.get("higher_is_better")
        better = bool(_known(registry.is_higher_better, key)) if higher is None else bool(higher)
        figures.append(_figure(name, key, aggregation, better, output_type, own_code, set(entry) - _OWN_KEYS))
    return TaskFigures(output_type, own_code, tuple(figures))


def figures_of(name: str) -> tuple[Figure, ...]:
    """The figures of a task, or of all tasks of a group or tag, each once.

    A figure that is a metric of ours in some tasks and code of lm-eval's in others goes by lm-eval's name. A group
    whose tasks count alike has that figure too.
    """
    place = place_of(name)
    each = [figure for leaf in leaf_tasks(name) for figure in figures_of_task(leaf).figures]
    metrics: dict[str, dict[str, Figure]] = {}
    for figure in each:
        metrics.setdefault(figure.key, {})[figure.metric] = figure
    figures = [figure for by_metric in metrics.values() for figure in by_metric.values()]
    alike = [
        Figure(figure.key, group_metric(name, figure.key, higher=not figure.metric.startswith("by_lm_eval_lower")))
        for figure in figures
        if figure.key in place.equal and not is_aggregated(figure.metric) and figure.metric not in _NO_MEANS
    ]
    return (*dict.fromkeys(alike), *figures)


def output_types(name: str) -> tuple[str, ...]:
    """The output types of the tasks that a name stands for."""
    return tuple(dict.fromkeys(figures_of_task(leaf).output_type for leaf in leaf_tasks(name)))


def _figure(
    task: str, key: str, aggregation: str | None, higher: bool, output_type: str, own_code: bool, extra: set[str]
) -> Figure:
    standard = METRICS.get(output_type, {}).get(key)
    kept_apart = key in CORPUS and extra
    if standard is not None and not own_code and not kept_apart and aggregation is not None:
        return Figure(key, standard, ours=True)
    if output_type == "loglikelihood_rolling" and key in _LIKELIHOODS and aggregation is not None:
        return Figure(key, key, ours=True)
    return Figure(key, figure_metric(task, key, higher=higher, mean=aggregation in ("mean", "nanmean")))


def _of_class(name: str, cls: type[Any]) -> TaskFigures:
    """The figures of a task that is a class of the package; what it says of them without its data."""
    bare = object.__new__(cls)
    aggregation: Mapping[str, Any] = _known(bare.aggregation) or {}
    higher: Mapping[str, bool] = _known(bare.higher_is_better) or {}
    figures = tuple(
        Figure(
            key,
            figure_metric(name, key, higher=bool(higher.get(key, True)), mean=_name(function) in ("mean", "nanmean")),
        )
        for key, function in aggregation.items()
    )
    return TaskFigures(str(cls.OUTPUT_TYPE or "generate_until"), True, figures)


def _aggregation(entry: Mapping[str, Any], key: str) -> str | None:
    """The name of lm-eval's aggregation of a metric; None where it is code of the task."""
    from lm_eval.api import registry

    given = entry.get("aggregation")
    if isinstance(given, str):
        return given
    return _name(given if given is not None else _known(registry.get_metric_aggregation, key))


def _name(function: Any) -> str | None:
    from lm_eval.api import registry

    return next((name for name, known in registry.AGGREGATION_REGISTRY.items() if known is function), None)


def _known(call: Callable[..., Any], *arguments: Any) -> Any:
    """What a function of the package says; None where it knows nothing of the name."""
    try:
        return call(*arguments)
    except Exception:  # lm-eval raises several kinds for names that it does not know, and classes want their data
        return None

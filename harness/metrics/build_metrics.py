"""From metric names in a suite to metrics, with errors that say what fits."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from harness.core import registry
from harness.core.errors import SuiteError, Where
from harness.core.metric import Metric, MetricContext, MetricFactory
from harness.schema.renames import METRICS, renamed_message


def base_name(name: str) -> str:
    """`stereotype_score[pll]` → `stereotype_score`: the name under which a metric is registered."""
    return name.partition("[")[0].strip()


def factory(name: str, *, where: Where | None = None) -> MetricFactory:
    """The factory that is registered for a metric name (with or without `[…]`).

    Raises:
        SuiteError: for an unknown metric, with the nearest known one, or an unclosed bracket.
    """
    if name.startswith("evaluate:"):
        # A stand-in: making it neither reads nor loads the module that it names.
        from harness.metrics.hf_evaluate import Outside

        return Outside()
    if ("[" in name) != name.endswith("]"):
        raise SuiteError(
            f"the metric {name!r} has an unclosed bracket.",
            where=where,
            hint="use the bare name, or name[scorer].",
        )
    base = base_name(name)
    if base in METRICS and base not in registry.names("metrics"):
        raise SuiteError(renamed_message("metric", base, METRICS[base]), where=where)
    loaded = registry.load("metrics", base, where=where)
    made: MetricFactory = loaded() if isinstance(loaded, type) else loaded
    return made


def missing(name: str, provides: Iterable[str], *, where: Where | None = None) -> tuple[str, ...]:
    """What the metric reads and an evaluation's records do not hold; empty when it fits."""
    held = set(provides)
    return tuple(need for need in factory(name, where=where).needs if need not in held)


def fits(name: str, provides: Iterable[str]) -> bool:
    """Whether an evaluation that provides these columns and statistics can have the metric."""
    return not missing(name, provides)


def check_fits(names: Iterable[str], provides: Iterable[str], *, evaluation: str, where: Where | None = None) -> None:
    """Refuses metrics that an evaluation's records cannot feed, before anything runs.

    Raises:
        SuiteError: for an unknown metric, or one that needs what the evaluation lacks; it names
            what is needed and which metrics would fit.
    """
    held = tuple(provides)
    for name in names:
        lacking = missing(name, held, where=where)
        if lacking:
            fitting = ", ".join(known for known in registry.names("metrics") if fits(known, held))
            raise SuiteError(
                f"the metric {name!r} does not fit {evaluation!r}: it needs {', '.join(map(repr, lacking))}, "
                "which these records do not contain.",
                where=where,
                hint=f"choose one of: {fitting or 'none fits'}.",
            )


def build_metrics(
    names: Sequence[str],
    context: MetricContext,
    *,
    provides: Iterable[str] | None = None,
    evaluation: str = "",
    where: Where | None = None,
) -> list[Metric]:
    """Makes the metrics of an evaluation, in the order of the names, each id once.

    Args:
        names: registered names, with or without `[scorer]`.
        context: labels and scorer of the evaluation (`Evaluation.metric_context()`).
        provides: what its records hold (`Evaluation.provides`); checked when given.
        evaluation: its name, for errors.
        where: the place in the suite, for errors.

    Raises:
        SuiteError: unknown metric, one that does not fit, or one whose context is not known.
    """
    if provides is not None:
        check_fits(names, provides, evaluation=evaluation, where=where)
    built: dict[str, Metric] = {}
    for name in names:
        for metric in factory(name, where=where)(name, context):
            built.setdefault(metric.id, metric)
    return list(built.values())


def applies(metric: Metric, protocol: str) -> bool:
    """Whether records made by this protocol have a value in the metric."""
    return metric.reads(protocol)

"""Finds the numbers that a rule is about, and refuses those that cannot carry a verdict."""

from __future__ import annotations

from collections.abc import Sequence

from harness.comparisons.comparability import TIMED_APART
from harness.core.interval import Interval, number_or_nan
from harness.core.metric import Role
from harness.gates.decision import JudgedValue
from harness.schema.results import seed_aggregation
from harness.schema.results.inputs import EvaluationResult, UnknownTraining
from harness.schema.results.metrics import ComparisonResult, MetricResult
from harness.schema.results.seed_aggregation import Row
from harness.schema.suite.gate_rules import BaseRule, ComparedRule, NoFlipsRule
from harness.statistics.caveats import NO_INTERVAL, OPEN
from harness.statistics.power import mde

_MOST_NAMES = 12


class RefusedError(Exception):
    """There is no number to judge; the text says why. Becomes the verdict `error`.

    Attributes:
        hint: what to do about it, for explanations.
        open: there is a number, but too little evidence to bound it: inconclusive, and no error.
    """

    def __init__(self, reason: str, hint: str = "", *, open: bool = False) -> None:
        super().__init__(reason)
        self.hint = hint
        self.open = open


class ResultLookup:
    """The results of a run, as gates look at them."""

    def __init__(
        self,
        metrics: Sequence[MetricResult],
        comparisons: Sequence[ComparisonResult],
        evaluations: Sequence[EvaluationResult],
    ) -> None:
        self._metrics = metrics
        self._comparisons = comparisons
        self.evaluations = {evaluation.name: evaluation for evaluation in evaluations}

    def baseline(self, rule: BaseRule, default: str) -> str | None:
        """What a model is compared with: see `baseline_of`."""
        return baseline_of(rule, self.evaluations.get(rule.evaluation), default)

    def doubt(self, rule: BaseRule, *models: str | None) -> UnknownTraining | None:
        """Why a verdict on models cannot pass: nothing says that they did not learn from the rows."""
        evaluation = self.evaluations.get(rule.evaluation)
        unknown = None if evaluation is None else evaluation.unknown_training
        return unknown if unknown is not None and set(models) & set(unknown.models) else None

    def role(self, evaluation: str, metric: str) -> Role:
        """What a metric says beside the others of its evaluation."""
        known = self.evaluations.get(evaluation)
        meaning = known.meanings.get(metric) if known is not None else None
        return meaning.role if meaning is not None else "primary"

    def level(self, rule: BaseRule, model: str, name: str | None) -> MetricResult:
        """The metric of a model, overall or on a slice.

        Raises:
            RefusedError: when it is missing, undefined or of too few answers.
        """
        self.require_answers(rule, model)
        rows = [row for row in self._metrics if row.evaluation == rule.evaluation and row.model == model]
        chosen = _one(rows, rule, name)
        if chosen.status != "ok":
            raise RefusedError(f"{rule.metric} of {model} is undefined: {chosen.reason or 'no reason given'}")
        if chosen.n <= 0:
            raise RefusedError(f"{rule.metric} of {model} has no items")
        self._require_seeds(rule, chosen, model)
        return of_recipe(chosen)

    def change(self, rule: BaseRule, baseline: str, model: str, name: str | None) -> ComparisonResult:
        """The comparison of a model with a baseline, overall or on a slice.

        Raises:
            RefusedError: when it is missing, refused, undefined, or the items do not match.
        """
        if model == baseline:
            raise RefusedError(
                f"the gate compares {model} with itself", "set a different `baseline` or `model` in the gate."
            )
        for side in (baseline, model):
            self.require_answers(rule, side)
        rows = [
            row
            for row in self._comparisons
            if row.evaluation == rule.evaluation and row.candidate == model and row.baseline == baseline
        ]
        chosen = _one(rows, rule, name)
        if chosen.status != "ok":
            verb = "was refused" if chosen.status == "refused" else "is undefined"
            reason = chosen.reason or "; ".join(chosen.comparability) or "no reason given"
            raise RefusedError(
                f"the comparison of {model} with {baseline} on {rule.metric} {verb}: {reason}",
                open=reason.startswith(TIMED_APART),
            )
        if chosen.n <= 0:
            raise RefusedError(
                f"{model} and {baseline} share no item of {rule.evaluation}",
                "evaluate both on the same data; items are paired by id.",
            )
        lost = max(chosen.only_baseline, chosen.only_candidate)
        if lost / (chosen.n + lost) > 1 - rule.min_coverage + 1e-9:
            raise RefusedError(
                f"the items of {baseline} and {model} do not match: {chosen.only_baseline} and "
                f"{chosen.only_candidate} are unpaired",
                "evaluate both models on the same items, or lower `min_coverage`.",
            )
        self._require_seeds(rule, chosen, model, baseline)
        return of_recipe(chosen)

    def slices(self, rule: BaseRule, key: str) -> list[str]:
        """The slices of a kind that the evaluation has for any model, sorted: one that a model lacks is an error.

        Raises:
            RefusedError: when there is none.
        """
        names = {row.slice for row in self._metrics if row.evaluation == rule.evaluation and row.slice is not None} | {
            row.slice for row in self._comparisons if row.evaluation == rule.evaluation and row.slice is not None
        }
        chosen = sorted(name for name in names if name.startswith(f"{key}="))
        if not chosen:
            kinds = sorted({name.partition("=")[0] for name in names}) or ["none"]
            raise RefusedError(
                f"{rule.evaluation} has no slice {key!r}; it has {', '.join(kinds)}",
                "fix `each_slice`, or add the column to the data's `slices`.",
            )
        return chosen

    def _require_seeds(self, rule: BaseRule, row: Row, model: str, baseline: str | None = None) -> None:
        """Refuses figures of several training seeds where one is missing, failed, or answered too few items.

        Raises:
            RefusedError: with the reason.
        """
        evaluation = self.evaluations[rule.evaluation]
        seeds = row.seeds
        sides = [(model, seeds.seeds, seeds.coverage) if seeds is not None else (model, [], [])]
        if baseline is not None:
            sides += [(baseline, seeds.baseline_seeds, seeds.baseline_coverage) if seeds else (baseline, [], [])]
        for name, trained, coverage in sides:
            asked = evaluation.seeds.get(name, 1)
            if max(1, len(trained)) < asked:
                raise RefusedError(
                    f"{rule.evaluation} has records of only {max(1, len(trained))} of {asked} training seeds of {name}",
                    "rerun the suite, so that every seed is trained and evaluated.",
                )
            least = min(coverage, default=1.0)
            if least < rule.min_coverage - 1e-12:
                raise RefusedError(
                    f"a training seed of {name} answered {least:.1%} of {rule.evaluation}; "
                    f"at least {rule.min_coverage:.1%} is required",
                    "find out why its items failed (records with status failed or unread) before you lower "
                    "`min_coverage`.",
                )
        if seeds is not None and seeds.fault is not None:
            raise RefusedError(f"the training seeds cannot be judged together: {seeds.fault}")

    def require_answers(self, rule: BaseRule, model: str) -> None:
        """Refuses a model that was not evaluated, or answered too few items.

        Raises:
            RefusedError: with the reason.
        """
        evaluation = self.evaluations.get(rule.evaluation)
        if evaluation is None:
            raise RefusedError(f"the evaluation {rule.evaluation} was not run", "rerun the suite with this evaluation.")
        if model in evaluation.skipped:
            raise RefusedError(
                f"{model} could not be evaluated on {rule.evaluation}: {evaluation.skipped[model]}",
                "judge a different metric or model, or fix the model.",
            )
        coverage = evaluation.coverage.get(model)
        if coverage is None:
            raise RefusedError(f"{rule.evaluation} has no records of {model}", "rerun the suite with this model.")
        if not coverage >= rule.min_coverage - 1e-12:
            raise RefusedError(
                f"{model} answered {coverage:.1%} of {rule.evaluation}; at least {rule.min_coverage:.1%} is required",
                "find out why items failed (records with status failed or unread) before you lower `min_coverage`.",
            )


def of_recipe(row: Row) -> Row:
    """The row that a gate judges: the recipe's where enough seeds were trained, with its detectable effect."""
    judged = seed_aggregation.of_recipe(row)
    if judged is row or not isinstance(judged, ComparisonResult) or judged.delta.standard_error is None:
        return judged
    return judged.model_copy(update={"mde": mde(judged.delta.standard_error)})


def baseline_of(rule: BaseRule, evaluation: EvaluationResult | None, default: str) -> str | None:
    """The rule's own baseline, else the evaluation's, else `default`; None for rules about levels."""
    if not isinstance(rule, ComparedRule | NoFlipsRule):
        return None
    return rule.baseline or (evaluation.baseline if evaluation is not None else "") or default


def matches(asked: str, metric: str) -> bool:
    """Whether a metric is the one asked for: the same, or the bare name of one with a bracket."""
    return asked == metric or ("[" not in asked and metric.partition("[")[0] == asked)


def judged_value(interval: Interval, alpha: float, what: str, weaknesses: Sequence[str] = ()) -> JudgedValue:
    """The value with its one-sided bounds at `alpha`.

    Args:
        weaknesses: of the figure; one that says why there is no interval is passed on.

    Raises:
        RefusedError: when a number is missing or not finite.
    """
    try:
        bound = interval.at(alpha)
    except KeyError:
        raise RefusedError(f"{what} has no bound at alpha {alpha:g}") from None
    value = JudgedValue(*map(number_or_nan, (interval.value, bound.low, bound.high)))
    if not value.sound:
        why = next((text.rstrip(".") for text in weaknesses if text in NO_INTERVAL), None)
        text = f"{what} has no finite value with finite bounds" + (f": {why}" if why else "")
        raise RefusedError(text, open=value.value == value.value and any(weakness in OPEN for weakness in weaknesses))
    return value


def _one(known: list[Row], rule: BaseRule, name: str | None) -> Row:
    rows = [row for row in known if row.slice == name and matches(rule.metric_name, row.metric)]
    exact = [row for row in rows if row.metric == rule.metric_name]
    usable = exact or [row for row in rows if row.status == "ok"] or rows
    place = f" on {name}" if name else ""
    if not usable:
        raise RefusedError(
            f"no value for {rule.metric}{place}{_instead(known, rule, name)}",
            "add the metric to the evaluation, or fix the gate.",
        )
    if len(usable) > 1 and len({row.metric for row in usable}) > 1:
        names = ", ".join(sorted(f"{row.evaluation}.{row.metric}" for row in usable))
        raise RefusedError(f"{rule.metric}{place} matches several metrics ({names}); choose one")
    return usable[0]


def _instead(known: list[Row], rule: BaseRule, name: str | None) -> str:
    """What there is in place of a slice, or of a metric with a bracket, that is not there."""
    if name is not None:
        slices = sorted({row.slice for row in known if row.slice is not None and matches(rule.metric_name, row.metric)})
        return f"; its slices are {_some(slices)}" if slices else "; it has no slices"
    bare = rule.metric_name.partition("[")[0]
    others = sorted({f"{rule.evaluation}.{row.metric}" for row in known if matches(bare, row.metric)})
    return f"; there is {_some(others)}" if others else ""


def _some(names: list[str]) -> str:
    rest = len(names) - _MOST_NAMES
    return ", ".join(names[:_MOST_NAMES]) + (f" and {rest} more" if rest > 0 else "")
